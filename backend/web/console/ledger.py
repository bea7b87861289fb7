"""Ledger page (台账): entered and pending lines, and forms to enter, review and correct them."""

from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may, require
from backend.domain.scoring.scheme_file import load_scheme
from backend.scoring.documents import list_schemes
from backend.scoring.drafts import DRAFTED_KINDS
from backend.scoring.ledgers import STATES
from backend.services import Services
from backend.tickets.form_fields import split_ticket_numbers
from backend.web.console.came_from import read_filters
from backend.web.console.forms import (
    parse_integers,
    read_fields,
    run_form,
    store_files,
)
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.query import encode_cursor, parse_id, parse_row_cursor

FILTERS = ("month", "unit", "kind", "state", "cursor")
FIELDS = ("kind", "unit", "month", "document_date", "count", "level", "matter", "points", "timely", "total", "channel",
          "note", "evidence", "reason")  # fmt: skip
LEVELS = ("national", "province", "city", "county", "ok", "unreasonable", "missing")


def add_routes(app: web.Application) -> None:
    """Add the page and its forms."""
    app.router.add_get("/ledger", require_session(show))
    app.router.add_post("/ledger", require_form(enter_line))
    app.router.add_post("/ledger/drafts", require_form(find_drafts))
    app.router.add_post("/ledger/{id}/review", require_form(review_line))
    app.router.add_post("/ledger/{id}/correct", require_form(correct_line))


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /ledger."""
    return await _render(request, services, actor)


async def _render(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200, typed: object = None
) -> web.StreamResponse:
    query = read_filters(request, FILTERS)
    service = services.scoring.ledgers
    found, next_id = await service.list_lines(
        actor, month=query.get("month"), unit=query.get("unit"), kind=query.get("kind"), state=query.get("state"),
        before=parse_row_cursor(query),
    )  # fmt: skip
    schemes = [load_scheme(name) for name in list_schemes((await services.office.snapshot()).settings)]
    carries = {kind: scheme.list_carried(kind) for scheme in schemes for kind in sorted(scheme.list_kinds())}
    exempts = {kind: words for scheme in schemes for kind, words in scheme.exempts.items()}
    filters = {k: v for k, v in query.items() if k != "cursor"}
    names = (await services.office.snapshot()).person_names
    return render_page(request, "ledger.html", {
        "lines": found, "query": filters, "kinds": sorted(carries), "carries": carries, "levels": LEVELS, "states": STATES, "fault": fault,
        "unit_names": await load_unit_names(services), "said": typed or {}, "may_enter": may(actor, "scores.edit"), "names": names,
        "month": f"{services.clock.now():%Y-%m}", "exempts": exempts,
        "drafted": sorted(carries.keys() & DRAFTED_KINDS), "by_hand": sorted(carries.keys() - DRAFTED_KINDS),
        "next": f"/ledger?{urlencode({**filters, 'cursor': str(encode_cursor(next_id))})}" if next_id else None,
    }, code)  # fmt: skip


async def enter_line(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /ledger: enter a line by hand."""

    async def work() -> None:
        row = parse_integers(read_fields(form, *FIELDS), "count", "timely", "total")
        row["tickets"] = split_ticket_numbers(form.fields.get("tickets", ""))
        require(actor, "scores.edit")
        row["files"] = await store_files(services, form, actor)
        await services.scoring.ledgers.enter_ledger(row, actor)

    return await run_form(
        request,
        work(),
        partial(_render, request, services, actor, typed=form.fields),
        "/ledger?state=entered",
        "line_entered",
    )


async def find_drafts(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /ledger/drafts: search a month for drafts now."""

    async def work() -> None:
        require(actor, "scores.edit")
        await services.scoring.ledger_drafts.draft_month(form.fields.get("month", ""))

    again = partial(_render, request, services, actor)
    return await run_form(request, work(), again, "/ledger?state=draft", "drafts_searched")


async def review_line(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /ledger/ID/review."""
    accept, exemption = form.fields.get("accept") == "yes", form.fields.get("exemption")
    work = services.scoring.ledgers.review_ledger(parse_id(request.match_info["id"]), accept, actor, exemption)

    again = partial(_render, request, services, actor)
    return await run_form(request, work, again, "/ledger", "line_accepted" if accept else "line_refused")


async def correct_line(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /ledger/ID/correct: other figures, or void the line."""

    async def work() -> None:
        row = parse_integers(read_fields(form, "count", "level", "points", "note", "reason"), "count")
        row["void"] = form.fields.get("void") == "yes"
        await services.scoring.ledgers.correct(parse_id(request.match_info["id"]), row, actor)

    done = "line_voided" if form.fields.get("void") == "yes" else "line_corrected"
    return await run_form(request, work(), partial(_render, request, services, actor), "/ledger?state=entered", done)
