"""Pages of score runs: start, open the check period, decide contests, lock, compare revisions."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may
from backend.domain.refusals import Refused
from backend.domain.settings_catalogue import find_setting, load_catalogue
from backend.services import Services
from backend.tickets.form_fields import split_ticket_numbers
from backend.web.console.came_from import read_filters
from backend.web.console.forms import WHAT_IF_SETTINGS, parse_settings, read_fields, run_form, store_files
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.query import parse_id


def add_routes(app: web.Application) -> None:
    """Add the pages of the runs and their forms."""
    add = app.router
    add.add_get("/runs", require_session(show))
    add.add_post("/runs", require_form(start_run))
    add.add_get("/runs/{id}", require_session(show_run))
    for verb, form in (("check", check_run), ("lock", lock_run), ("contest", contest_line)):
        add.add_post(f"/runs/{{id}}/{verb}", require_form(form))
    add.add_post("/contests/{id}/decision", require_form(propose_decision))
    add.add_post("/contests/{id}/confirmation", require_form(confirm_decision))
    add.add_post("/exclusions", require_form(exclude_tickets))
    add.add_post("/exclusions/{id}/review", require_form(decide_exclusion))


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /runs."""
    return await _render(request, services, actor)


async def _render(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200, typed: object = None
) -> web.StreamResponse:
    query = read_filters(request, ("month",))
    service, month = services.scoring, query.get("month") or f"{services.clock.now():%Y-%m}"
    readings = (await services.office.snapshot()).settings.to_dict()
    return render_page(request, "runs.html", {
        "runs": await service.runs.list_runs(None, actor), "contests": await service.contests.list_contests(actor), "month": month, "fault": fault,
        "exclusions": await service.contests.list_exclusions(month, None, actor), "unit_names": await load_unit_names(services),
        "may": may(actor, "scores.edit"), "names": await _load_names(services),
        "choices": [find_setting(key) for key in WHAT_IF_SETTINGS], "said": typed or {}, "readings": readings,
    }, code)  # fmt: skip


async def show_run(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /runs/ID."""
    return await _render_run(request, services, actor)


async def _render_run(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200
) -> web.StreamResponse:
    service, number = services.scoring.runs, parse_id(request.match_info["id"])
    run = await service.inspect(number, actor)
    query = read_filters(request, ("with",))
    other = parse_id(query["with"]) if query.get("with") else None
    changed, others = None, []
    if not actor.is_unit_member:
        others = [r for r in await service.list_runs(str(run["period"]), actor) if r["id"] != number]
        if other is not None or run["revision_of"] is not None:
            changed = await service.compare(number, other, actor)
    return render_page(request, "run.html", {
        "run": run, "changed": changed, "others": others, "labels": _list_labels(), "fault": fault, "unit_names": await load_unit_names(services),
        "may": may(actor, "scores.edit"), "may_force": may(actor, "run.force"), "may_contest": may(actor, "contest.submit"),
        "names": await _load_names(services),
    }, code)  # fmt: skip


def _list_labels() -> dict[str, str]:
    return {key: row.label for key, row in load_catalogue().items()}


async def _load_names(services: Services) -> dict[str, str]:
    return (await services.office.snapshot()).person_names


async def start_run(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /runs: start a trial run (试算), or one by changed settings for comparison."""

    async def work() -> None:
        settings = parse_settings(form, services.texts)
        if not settings and "what_if" in form.fields:
            raise Refused("missing", field="other")
        await services.scoring.start_run(
            form.fields.get("period", "").strip(), None, actor, settings=settings,
            current_rules=form.fields.get("current_rules") == "yes",
        )  # fmt: skip

    typed = form.fields if "what_if" in form.fields else None
    again = partial(_render, request, services, actor, typed=typed)
    return await run_form(request, work(), again, "/runs", "run_started")


async def check_run(request: web.Request, services: Services, actor: Actor, _form: SubmittedForm) -> web.StreamResponse:
    """POST /runs/ID/check: open the check period (核对)."""
    work = services.scoring.runs.check(_parse_run_id(request), actor)
    return await _run_on_run(request, services, actor, work, "run_checked")


async def lock_run(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /runs/ID/lock: lock the run (定稿)."""
    force, reason = form.fields.get("force") == "yes", form.fields.get("reason", "")[:2_000]
    return await _run_on_run(
        request,
        services,
        actor,
        services.scoring.lock_run(_parse_run_id(request), actor, force=force, reason=reason),
        "run_locked",
    )


async def contest_line(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /runs/ID/contest: contest a line (异议)."""

    async def work() -> None:
        fields: dict[str, Any] = read_fields(form, "unit", "item", "words")
        fields["tickets"], fields["files"] = (
            split_ticket_numbers(form.fields.get("tickets", "")),
            await store_files(services, form, actor),
        )
        await services.scoring.submit_contest(_parse_run_id(request), fields, actor)

    return await _run_on_run(request, services, actor, work(), "contest_submitted")


async def propose_decision(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /contests/ID/decision."""
    fields: dict[str, Any] = {**read_fields(form, "reason"), "accept": form.fields.get("accept") == "yes"}
    if form.fields.get("exclude", "").strip():
        fields["exclude"] = split_ticket_numbers(form.fields["exclude"])
    work = services.scoring.contests.propose(_parse_run_id(request), fields, actor)
    return await _run_on_list(request, services, actor, work, "decision_proposed")


async def confirm_decision(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /contests/ID/confirmation."""
    agree = form.fields.get("accept") == "yes"
    work = services.scoring.contests.confirm(_parse_run_id(request), agree, actor)
    return await _run_on_list(request, services, actor, work, "decision_confirmed" if agree else "decision_rejected")


async def exclude_tickets(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /exclusions: exclude tickets (剔除)."""
    fields: dict[str, Any] = read_fields(form, "month", "unit", "item", "reason")
    fields["tickets"] = split_ticket_numbers(form.fields.get("tickets", ""))
    work = services.scoring.contests.exclude(fields, actor)
    return await _run_on_list(request, services, actor, work, "exclusion_entered")


async def decide_exclusion(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /exclusions/ID/review."""
    accept = form.fields.get("accept") == "yes"
    work = services.scoring.contests.decide_exclusion(_parse_run_id(request), accept, actor)
    done = "exclusion_accepted" if accept else "exclusion_refused"
    return await _run_on_list(request, services, actor, work, done)


def _parse_run_id(request: web.Request) -> int:
    return parse_id(request.match_info["id"])


async def _run_on_list(
    request: web.Request, services: Services, actor: Actor, work: Awaitable[object], done: str
) -> web.StreamResponse:
    return await run_form(request, work, partial(_render, request, services, actor), "/runs", done)


async def _run_on_run(
    request: web.Request, services: Services, actor: Actor, work: Awaitable[object], done: str
) -> web.StreamResponse:
    again = partial(_render_run, request, services, actor)
    return await run_form(request, work, again, f"/runs/{_parse_run_id(request)}", done)
