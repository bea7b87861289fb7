"""Pages of score runs: start, open the check period, decide contests, lock, compare revisions."""

from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.ticket import Role
from backend.rooms import Rooms
from backend.web.api.marks import marks_of, number_of
from backend.web.console.marking import CLERKS, listed, papers, tried, words_in
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.queries import read_query

OBJECTORS = (Role.HANDLER, Role.LIAISON, *CLERKS)


def add_routes(app: web.Application) -> None:
    """Add the pages of the runs and their forms."""
    add = app.router
    add.add_get("/runs", seated(show))
    add.add_post("/runs", posted(start))
    add.add_get("/runs/{id}", seated(one))
    for verb, form in (("check", check), ("lock", lock), ("contest", contest)):
        add.add_post(f"/runs/{{id}}/{verb}", posted(form))
    add.add_post("/contests/{id}/decision", posted(propose))
    add.add_post("/contests/{id}/confirmation", posted(confirm))
    add.add_post("/exclusions", posted(exclude))
    add.add_post("/exclusions/{id}/review", posted(decide_exclusion))


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /runs."""
    return await _shown(request, rooms, actor)


async def _shown(
    request: web.Request, rooms: Rooms, actor: Actor, fault: str = "", code: int = 200
) -> web.StreamResponse:
    query = read_query(request.query, ("month",)) if request.method == "GET" else {}
    room, month = marks_of(rooms), query.get("month") or f"{rooms.clock.now():%Y-%m}"
    runs = [r for r in await room.runs.list_runs() if not actor.is_unit_member or r["state"] != "trial"]
    return page(request, "runs.html", {
        "runs": runs, "contests": await room.contests.list_contests(actor), "month": month, "fault": fault,
        "exclusions": await room.contests.list_exclusions(month, None, actor), "unit_names": await unit_names(rooms),
        "may": actor.role in CLERKS, "names": await _names(rooms),
    }, code)  # fmt: skip


async def one(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /runs/ID."""
    return await _one(request, rooms, actor)


async def _one(
    request: web.Request, rooms: Rooms, actor: Actor, fault: str = "", code: int = 200
) -> web.StreamResponse:
    room, number = marks_of(rooms).runs, number_of(request.match_info["id"])
    run = await room.inspect(number, actor)
    changed: dict[str, Any] | None = None
    if run["revision_of"] is not None and not actor.is_unit_member:
        changed = await room.compare(number, None, actor)
    return page(request, "run.html", {
        "run": run, "changed": changed, "fault": fault, "unit_names": await unit_names(rooms),
        "may": actor.role in CLERKS, "may_force": actor.role is Role.ADMIN, "may_contest": actor.role in OBJECTORS,
        "names": await _names(rooms),
    }, code)  # fmt: skip


async def _names(rooms: Rooms) -> dict[str, str]:
    return {p.code: p.name for p in (await rooms.office.snapshot()).config.people}


async def start(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /runs: start a trial run (试算)."""
    work = marks_of(rooms).start_run(form.fields.get("period", "").strip(), None, actor)
    return await _in_list(request, rooms, actor, work)


async def check(request: web.Request, rooms: Rooms, actor: Actor, _form: Filled) -> web.StreamResponse:
    """POST /runs/ID/check: open the check period (核对)."""
    return await _in_run(request, rooms, actor, marks_of(rooms).runs.check(_id(request), actor))


async def lock(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /runs/ID/lock: lock the run (定稿)."""
    force, reason = form.fields.get("force") == "yes", form.fields.get("reason", "")[:2_000]
    return await _in_run(
        request, rooms, actor, marks_of(rooms).lock_run(_id(request), actor, force=force, reason=reason)
    )


async def contest(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /runs/ID/contest: contest a line (异议)."""

    async def work() -> None:
        said: dict[str, Any] = words_in(form, "unit", "item", "words")
        said["tickets"], said["files"] = listed(form.fields.get("tickets", "")), await papers(rooms, form, actor)
        await marks_of(rooms).submit_contest(_id(request), said, actor)

    return await _in_run(request, rooms, actor, work())


async def propose(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /contests/ID/decision."""
    said: dict[str, Any] = {**words_in(form, "reason"), "accept": form.fields.get("accept") == "yes"}
    if form.fields.get("exclude", "").strip():
        said["exclude"] = listed(form.fields["exclude"])
    return await _in_list(request, rooms, actor, marks_of(rooms).contests.propose(_id(request), said, actor))


async def confirm(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /contests/ID/confirmation."""
    agree = form.fields.get("accept") == "yes"
    return await _in_list(request, rooms, actor, marks_of(rooms).contests.confirm(_id(request), agree, actor))


async def exclude(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /exclusions: exclude tickets (剔除)."""
    said: dict[str, Any] = words_in(form, "month", "unit", "item", "reason")
    said["tickets"] = listed(form.fields.get("tickets", ""))
    return await _in_list(request, rooms, actor, marks_of(rooms).contests.exclude(said, actor))


async def decide_exclusion(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /exclusions/ID/review."""
    accept = form.fields.get("accept") == "yes"
    return await _in_list(request, rooms, actor, marks_of(rooms).contests.decide_exclusion(_id(request), accept, actor))


def _id(request: web.Request) -> int:
    return number_of(request.match_info["id"])


async def _in_list(request: web.Request, rooms: Rooms, actor: Actor, work: Any) -> web.StreamResponse:
    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _shown(request, rooms, actor, fault, code)

    return await tried(request, rooms, work, again, "/runs")


async def _in_run(request: web.Request, rooms: Rooms, actor: Actor, work: Any) -> web.StreamResponse:
    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _one(request, rooms, actor, fault, code)

    return await tried(request, rooms, work, again, f"/runs/{_id(request)}")
