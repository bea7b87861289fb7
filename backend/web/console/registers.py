"""Pages of the registers and the knowledge base: read, write and review, with documents."""

from functools import partial
from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may
from backend.scoring.registers import KINDS, REPORTED
from backend.services import Services
from backend.web.console.came_from import read_filters
from backend.web.console.forms import read_fields, run_form, store_files
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.query import encode_cursor, parse_id, parse_row_cursor


def add_routes(app: web.Application) -> None:
    """Add the pages and their forms."""
    add = app.router
    add.add_get("/registers/{kind}", require_session(show))
    add.add_post("/registers/{kind}", require_form(add_entry))
    add.add_post("/registers/{kind}/{id}/end", require_form(end_entry))
    add.add_get("/knowledge", require_session(show_knowledge))
    add.add_post("/knowledge", require_form(write_knowledge))
    add.add_post("/knowledge/{id}/review", require_form(review_knowledge))


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /registers/KIND."""
    return await _render(request, services, actor)


async def _render(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200, typed: Any = None
) -> web.StreamResponse:
    kind = request.match_info["kind"]
    rows = await services.scoring.registers.list_entries(kind, actor)
    may_add = may(actor, "scores.edit") or (kind in REPORTED and may(actor, "register.report"))
    snapshot = await services.office.snapshot()
    wanted = snapshot.settings.strings(f"scoring.required_{kind}s") if kind in ("post", "rule") else ()
    return render_page(request, "registers.html", {
        "kind": kind, "kinds": tuple(KINDS), "fields": KINDS[kind], "rows": rows, "may": may_add, "fault": fault,
        "may_end": may(actor, "scores.edit"), "unit_names": await load_unit_names(services), "said": typed or {}, "wanted": wanted,
    }, code)  # fmt: skip


async def add_entry(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /registers/KIND."""
    kind = request.match_info["kind"]

    async def work() -> None:
        row: dict[str, Any] = read_fields(form, "unit", "name", "on_date", *KINDS.get(kind, {}))
        row["files"] = await store_files(services, form, actor)
        await services.scoring.registers.add(kind, row, actor)

    return await run_form(
        request,
        work(),
        partial(_render, request, services, actor, typed=form.fields),
        f"/registers/{kind}",
        "register_entered",
    )


async def end_entry(request: web.Request, services: Services, actor: Actor, _form: SubmittedForm) -> web.StreamResponse:
    """POST /registers/KIND/ID/end."""
    kind = request.match_info["kind"]
    work = services.scoring.registers.end(kind, parse_id(request.match_info["id"]), actor)

    again = partial(_render, request, services, actor)
    return await run_form(request, work, again, f"/registers/{kind}", "register_ended")


async def show_knowledge(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /knowledge."""
    return await _render_knowledge(request, services, actor)


async def _render_knowledge(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200, typed: Any = None
) -> web.StreamResponse:
    query = read_filters(request, ("q", "unit", "state", "cursor"))
    found, next_id = await services.scoring.knowledge.list_entries(
        actor,
        unit=query.get("unit"),
        state=query.get("state"),
        search=query.get("q", ""),
        before=parse_row_cursor(query),
    )
    names = (await services.office.snapshot()).person_names
    return render_page(request, "knowledge.html", {
        "items": found, "next": encode_cursor(next_id), "query": query, "may_write": may(actor, "knowledge.write"), "names": names,
        "may_review": may(actor, "knowledge.review"), "unit_names": await load_unit_names(services), "fault": fault, "said": typed or {},
    }, code)  # fmt: skip


async def write_knowledge(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /knowledge."""
    fields: dict[str, Any] = read_fields(form, "title", "body", "unit")
    if form.fields.get("replaces"):
        fields["replaces"] = parse_id(form.fields["replaces"])

    back = "/knowledge" if not actor.is_unit_member else f"/knowledge?unit={actor.unit}"
    return await run_form(
        request,
        services.scoring.knowledge.write(fields, actor),
        partial(_render_knowledge, request, services, actor, typed=form.fields),
        back,
        "knowledge_written",
    )


async def review_knowledge(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /knowledge/ID/review."""
    accept, opinion = form.fields.get("accept") == "yes", form.fields.get("opinion", "")[:2_000]
    work = services.scoring.knowledge.review(parse_id(request.match_info["id"]), accept, opinion, actor)

    again = partial(_render_knowledge, request, services, actor)
    return await run_form(request, work, again, "/knowledge", "knowledge_accepted" if accept else "knowledge_refused")
