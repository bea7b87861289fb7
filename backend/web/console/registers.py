"""Pages of the registers and the knowledge base: read, write and review, with documents."""

from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.rooms import Rooms
from backend.scoring.knowledge import REVIEWERS, WRITERS
from backend.scoring.registers import KINDS, REPORTED, REPORTERS
from backend.web.api.marks import marks_of, number_of
from backend.web.console.marking import CLERKS, papers, tried, words_in
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.queries import cursor, place_of, read_query


def add_routes(app: web.Application) -> None:
    """Add the pages and their forms."""
    add = app.router
    add.add_get("/registers/{kind}", seated(show))
    add.add_post("/registers/{kind}", posted(keep))
    add.add_post("/registers/{kind}/{id}/end", posted(end))
    add.add_get("/knowledge", seated(knowledge))
    add.add_post("/knowledge", posted(write))
    add.add_post("/knowledge/{id}/review", posted(review))


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /registers/KIND."""
    return await _shown(request, rooms, actor)


async def _shown(
    request: web.Request, rooms: Rooms, actor: Actor, fault: str = "", code: int = 200, said: Any = None
) -> web.StreamResponse:
    kind = request.match_info["kind"]
    rows = await marks_of(rooms).registers.list_entries(kind, actor)
    may = actor.role in CLERKS or (kind in REPORTED and actor.role in REPORTERS)
    snapshot = await rooms.office.snapshot()
    wanted = snapshot.settings.strings(f"scoring.required_{kind}s") if kind in ("post", "rule") else ()
    return page(request, "registers.html", {
        "kind": kind, "kinds": tuple(KINDS), "fields": KINDS[kind], "rows": rows, "may": may, "fault": fault,
        "may_end": actor.role in CLERKS, "unit_names": await unit_names(rooms), "said": said or {}, "wanted": wanted,
    }, code)  # fmt: skip


async def keep(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /registers/KIND."""
    kind = request.match_info["kind"]

    async def work() -> None:
        row: dict[str, Any] = words_in(form, "unit", "name", "on_date", *KINDS.get(kind, {}))
        row["files"] = await papers(rooms, form, actor)
        await marks_of(rooms).registers.add(kind, row, actor)

    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _shown(request, rooms, actor, fault, code, form.fields)

    return await tried(request, rooms, work(), again, f"/registers/{kind}")


async def end(request: web.Request, rooms: Rooms, actor: Actor, _form: Filled) -> web.StreamResponse:
    """POST /registers/KIND/ID/end."""
    kind = request.match_info["kind"]
    work = marks_of(rooms).registers.end(kind, number_of(request.match_info["id"]), actor)

    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _shown(request, rooms, actor, fault, code)

    return await tried(request, rooms, work, again, f"/registers/{kind}")


async def knowledge(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /knowledge."""
    return await _knowledge(request, rooms, actor)


async def _knowledge(
    request: web.Request, rooms: Rooms, actor: Actor, fault: str = "", code: int = 200, said: Any = None
) -> web.StreamResponse:
    query = read_query(request.query, ("q", "unit", "state", "cursor")) if request.method == "GET" else {}
    query = {k: v for k, v in query.items() if v}
    found, more = await marks_of(rooms).knowledge.list_entries(
        actor, unit=query.get("unit"), state=query.get("state"), search=query.get("q", ""), before=place_of(query)
    )
    names = {p.code: p.name for p in (await rooms.office.snapshot()).config.people}
    return page(request, "knowledge.html", {
        "items": found, "next": cursor(more), "query": query, "may_write": actor.role in WRITERS, "names": names,
        "may_review": actor.role in REVIEWERS, "unit_names": await unit_names(rooms), "fault": fault, "said": said or {},
    }, code)  # fmt: skip


async def write(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /knowledge."""
    said: dict[str, Any] = words_in(form, "title", "body", "unit")
    if form.fields.get("replaces"):
        said["replaces"] = number_of(form.fields["replaces"])

    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _knowledge(request, rooms, actor, fault, code, form.fields)

    back = "/knowledge" if not actor.is_unit_member else f"/knowledge?unit={actor.unit}"
    return await tried(request, rooms, marks_of(rooms).knowledge.write(said, actor), again, back)


async def review(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /knowledge/ID/review."""
    accept, opinion = form.fields.get("accept") == "yes", form.fields.get("opinion", "")[:2_000]
    work = marks_of(rooms).knowledge.review(number_of(request.match_info["id"]), accept, opinion, actor)

    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _knowledge(request, rooms, actor, fault, code)

    return await tried(request, rooms, work, again, "/knowledge")
