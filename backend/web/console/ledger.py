"""Ledger page (台账): entered and pending lines, and forms to enter, review and correct them."""

from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.scoring.scheme_file import load_scheme
from backend.rooms import Rooms
from backend.scoring.ledgers import STATES
from backend.web.api.marks import marks_of, number_of
from backend.web.console.marking import CLERKS, listed, papers, tried, wholes, words_in
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.queries import cursor, place_of, read_query

FILTERS = ("month", "unit", "kind", "state", "cursor")
FIELDS = ("kind", "unit", "month", "document_date", "count", "level", "matter", "points", "timely", "total", "channel",
          "note", "reason")  # fmt: skip
LEVELS = ("national", "province", "city", "county", "ok", "unreasonable", "missing")


def add_routes(app: web.Application) -> None:
    """Add the page and its forms."""
    app.router.add_get("/ledger", seated(show))
    app.router.add_post("/ledger", posted(enter))
    app.router.add_post("/ledger/drafts", posted(drafts))
    app.router.add_post("/ledger/{id}/review", posted(review))
    app.router.add_post("/ledger/{id}/correct", posted(correct))


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /ledger."""
    return await _shown(request, rooms, actor)


async def _shown(
    request: web.Request, rooms: Rooms, actor: Actor, fault: str = "", code: int = 200, said: object = None
) -> web.StreamResponse:
    query = {k: v for k, v in read_query(request.query, FILTERS).items() if v} if request.method == "GET" else {}
    room = marks_of(rooms).ledgers
    found, more = await room.list_lines(
        actor, month=query.get("month"), unit=query.get("unit"), kind=query.get("kind"), state=query.get("state"),
        before=place_of(query),
    )  # fmt: skip
    kinds = sorted({kind for name in ("jilin-mgmt", "jilin-unit") for kind in load_scheme(name).list_kinds()})
    kept = {k: v for k, v in query.items() if k != "cursor"}
    names = {p.code: p.name for p in (await rooms.office.snapshot()).config.people}
    return page(request, "ledger.html", {
        "lines": found, "query": kept, "kinds": kinds, "levels": LEVELS, "states": STATES, "fault": fault,
        "unit_names": await unit_names(rooms), "said": said or {}, "may_enter": actor.role in CLERKS, "names": names,
        "month": f"{rooms.clock.now():%Y-%m}",
        "next": f"/ledger?{urlencode({**kept, 'cursor': str(cursor(more))})}" if more else None,
    }, code)  # fmt: skip


async def enter(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /ledger: enter a line by hand."""

    async def work() -> None:
        row = wholes(words_in(form, *FIELDS), "count", "timely", "total")
        row["tickets"] = listed(form.fields.get("tickets", ""))
        _may(actor)
        row["files"] = await papers(rooms, form, actor)
        await marks_of(rooms).ledgers.enter(row, actor)

    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _shown(request, rooms, actor, fault, code, form.fields)

    return await tried(request, rooms, work(), again, "/ledger?state=entered")


async def drafts(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /ledger/drafts: search a month for drafts now."""

    async def work() -> None:
        _may(actor)
        await marks_of(rooms).ledger_drafts.draft_month(form.fields.get("month", ""))

    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _shown(request, rooms, actor, fault, code)

    return await tried(request, rooms, work(), again, "/ledger?state=draft")


async def review(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /ledger/ID/review."""
    accept = form.fields.get("accept") == "yes"
    work = marks_of(rooms).ledgers.review(number_of(request.match_info["id"]), accept, actor)

    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _shown(request, rooms, actor, fault, code)

    return await tried(request, rooms, work, again, "/ledger")


async def correct(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /ledger/ID/correct: other figures, or void the line."""

    async def work() -> None:
        row = wholes(words_in(form, "count", "level", "points", "note", "reason"), "count")
        row["void"] = form.fields.get("void") == "yes"
        await marks_of(rooms).ledgers.correct(number_of(request.match_info["id"]), row, actor)

    async def again(fault: str, code: int) -> web.StreamResponse:
        return await _shown(request, rooms, actor, fault, code)

    return await tried(request, rooms, work(), again, "/ledger?state=entered")


def _may(actor: Actor) -> None:
    if actor.role not in CLERKS:
        raise Refused("forbidden")
