"""Ledgers, contests, runs, registers, knowledge, and explanations of scores."""

from collections.abc import Mapping
from typing import Any

from backend.domain.offered_verbs import select_assignment
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.web.api.scoring_schemas import (
    CorrectionBody,
    DecisionBody,
    ExclusionBody,
    KnowledgeBody,
    MonthBody,
    OpinionBody,
    RegisterBody,
    WhatIfBody,
)
from backend.web.api.tickets import load_view
from backend.web.endpoint import Route
from backend.web.query import encode_cursor, parse_flag, parse_id, parse_limit, parse_row_cursor
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import EmptyBody, RequestBody, ReviewBody
from backend.web.serializers import Json

PAGED = ("limit", "cursor")


def format_formula(texts: Texts, explanation: Mapping[str, Any]) -> str:
    """Return a line's formula in words, "" without one."""
    formula = str(explanation.get("formula") or "")
    if not formula or not texts.has(f"explain.{formula}"):
        return ""
    facts = {**explanation, "mode": texts.get_word_or_value("slope_mode", str(explanation.get("mode", "")))}
    return str(texts.render(f"explain.{formula}", **facts))


def _given_fields(body: RequestBody) -> Json:
    return body.model_dump(exclude_none=True)


async def list_ledger(request: ApiRequest) -> ApiResponse:
    """List ledger rows (台账), newest first."""
    q = request.query
    found, next_id = await request.services.scoring.ledgers.list_lines(
        request.actor, month=q.get("month"), unit=q.get("unit"), kind=q.get("kind"), state=q.get("state"),
        before=parse_row_cursor(q), limit=parse_limit(q),
    )  # fmt: skip
    return ApiResponse({"items": found, "next": encode_cursor(next_id)})


async def correct_line(request: ApiRequest) -> ApiResponse:
    """Enter a correction (更正): a new line that voids the old one once accepted."""
    service = request.services.scoring.ledgers
    return ApiResponse(
        await service.correct(parse_id(request.path["id"]), _given_fields(request.body), request.actor), 201
    )


async def find_drafts(request: ApiRequest) -> ApiResponse:
    """Search a month for ledger drafts now."""
    return ApiResponse({"drafts": await request.services.scoring.ledger_drafts.draft_month(request.body.month)})


async def list_runs(request: ApiRequest) -> ApiResponse:
    """List runs, newest first."""
    return ApiResponse(
        {
            "items": await request.services.scoring.runs.list_runs(request.query.get("period"), request.actor),
            "next": None,
        }
    )


async def get_run(request: ApiRequest) -> ApiResponse:
    """Return a run with its sheets."""
    return ApiResponse(await request.services.scoring.runs.inspect(parse_id(request.path["id"]), request.actor))


async def check_run(request: ApiRequest) -> ApiResponse:
    """Open the check period (核对); units are notified."""
    return ApiResponse(await request.services.scoring.runs.check(parse_id(request.path["id"]), request.actor))


async def compare_runs(request: ApiRequest) -> ApiResponse:
    """Return what a revision changed."""
    other = request.query.get("with")
    service = request.services.scoring.runs
    return ApiResponse(
        await service.compare(parse_id(request.path["id"]), parse_id(other) if other else None, request.actor)
    )


async def list_contests(request: ApiRequest) -> ApiResponse:
    """List contests, newest first."""
    q = request.query
    found = await request.services.scoring.contests.list_contests(
        request.actor, period=q.get("period"), unit=q.get("unit"), state=q.get("state")
    )
    return ApiResponse({"items": found, "next": None})


async def propose_decision(request: ApiRequest) -> ApiResponse:
    """Record the first clerk's opinion on a contest."""
    return ApiResponse(
        await request.services.scoring.contests.propose(
            parse_id(request.path["id"]), _given_fields(request.body), request.actor
        )
    )


async def confirm_decision(request: ApiRequest) -> ApiResponse:
    """Record the second clerk's decision on a contest."""
    return ApiResponse(
        await request.services.scoring.contests.confirm(
            parse_id(request.path["id"]), request.body.accept, request.actor
        )
    )


async def exclude_tickets(request: ApiRequest) -> ApiResponse:
    """Exclude tickets (剔除), to be reviewed by a second person."""
    return ApiResponse(
        {"items": await request.services.scoring.contests.exclude(_given_fields(request.body), request.actor)}, 201
    )


async def list_exclusions(request: ApiRequest) -> ApiResponse:
    """List a month's exclusions. Refused `missing`."""
    if "month" not in request.query:
        raise Refused("missing", field="month")
    found = await request.services.scoring.contests.list_exclusions(
        request.query["month"], request.query.get("unit"), request.actor
    )
    return ApiResponse({"items": found, "next": None})


async def decide_exclusion(request: ApiRequest) -> ApiResponse:
    """Record the second person's decision on an exclusion."""
    service = request.services.scoring.contests
    return ApiResponse(await service.decide_exclusion(parse_id(request.path["id"]), request.body.accept, request.actor))


def parse_month_and_unit(request: ApiRequest) -> tuple[str, str]:
    """Return the month and unit of a query; people of a unit may omit it. Refused `missing`."""
    unit = request.query.get("unit") or (request.actor.unit if request.actor.is_unit_member else None)
    for field, value in (("month", request.query.get("month")), ("unit", unit)):
        if not value:
            raise Refused("missing", field=field)
    return request.query["month"], str(unit)


async def explain_score(request: ApiRequest) -> ApiResponse:
    """Explain a score."""
    month, unit = parse_month_and_unit(request)
    found = await request.services.scoring.explainer.explain(
        month,
        unit,
        request.query.get("item"),
        request.actor,
        offset=parse_row_cursor(request.query) or 0,
        failed=parse_flag(request.query, "failed"),
    )
    texts = request.services.texts
    for line in [found["line"]] if "line" in found else found["lines"]:
        line["formula"] = format_formula(texts, line["why"])
    if "next" in found:
        found["next"] = encode_cursor(found["next"])
    return ApiResponse(found)


async def list_pending(request: ApiRequest) -> ApiResponse:
    """List pending decisions that would change the month's score."""
    return ApiResponse(
        await request.services.scoring.explainer.list_pending(*parse_month_and_unit(request), request.actor)
    )


async def compute_what_if(request: ApiRequest) -> ApiResponse:
    """Return the sheet as it is and as it would be."""
    w = request.body
    return ApiResponse(await request.services.scoring.explainer.compute_what_if(
        w.month, w.unit, request.actor, settings=w.settings, ledger=w.ledger, contests=w.contests, exclusions=w.exclusions,
        requests=w.requests,
    ))  # fmt: skip


async def get_trend(request: ApiRequest) -> ApiResponse:
    """Return each item over the last months (1 to 24). Refused `bad_field`."""
    month, unit = parse_month_and_unit(request)
    months = request.query.get("months", "6")
    if not (months.isascii() and months.isdigit() and 1 <= int(months) <= 24):
        raise Refused("bad_field", field="months")
    return ApiResponse(await request.services.scoring.explainer.compute_trend(unit, int(months), month, request.actor))


async def get_lateness_cost(request: ApiRequest) -> ApiResponse:
    """Return what it would cost the unit in points if this ticket became late."""
    view = await load_view(request, request.path["no"])
    target = select_assignment(view.ticket, view.assignments, request.actor)
    if target is None:
        return ApiResponse({"ticket_no": view.ticket.no, "items": [], "cost": "0.00", "open": False})
    found = await request.services.scoring.explainer.compute_delay_cost(target, frozenset(view.ticket.flags))
    return ApiResponse({"ticket_no": view.ticket.no, **found})


async def write_knowledge(request: ApiRequest) -> ApiResponse:
    """Write a knowledge record."""
    return ApiResponse(await request.services.scoring.knowledge.write(_given_fields(request.body), request.actor), 201)


async def list_knowledge(request: ApiRequest) -> ApiResponse:
    """List the knowledge base, newest first."""
    q = request.query
    found, next_id = await request.services.scoring.knowledge.list_entries(
        request.actor,
        unit=q.get("unit"),
        state=q.get("state"),
        search=q.get("q", ""),
        before=parse_row_cursor(q),
        limit=parse_limit(q),
    )
    return ApiResponse({"items": found, "next": encode_cursor(next_id)})


async def review_knowledge(request: ApiRequest) -> ApiResponse:
    """Record the institution's decision on a knowledge record."""
    service = request.services.scoring.knowledge
    return ApiResponse(
        await service.review(parse_id(request.path["id"]), request.body.accept, request.body.opinion, request.actor)
    )


async def add_register_entry(request: ApiRequest) -> ApiResponse:
    """Add a register entry."""
    return ApiResponse(
        await request.services.scoring.registers.add(request.path["kind"], _given_fields(request.body), request.actor),
        201,
    )


async def list_register(request: ApiRequest) -> ApiResponse:
    """List a register, newest first."""
    found = await request.services.scoring.registers.list_entries(
        request.path["kind"], request.actor, request.query.get("unit")
    )
    return ApiResponse({"items": found, "next": None})


async def end_register_entry(request: ApiRequest) -> ApiResponse:
    """End a register entry."""
    await request.services.scoring.registers.end(request.path["kind"], parse_id(request.path["id"]), request.actor)
    return ApiResponse({"ended": True})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/ledger",                      list_ledger,       "Ledger lines",
          filters=("month", "unit", "kind", "state", *PAGED)),
    Route("POST", "/ledger/{id}/corrections",     correct_line,      "Correct or void a ledger line", "scores.edit", CorrectionBody, status=201),
    Route("POST", "/ledger-drafts",               find_drafts,  "Draft ledger lines from what the system recorded", "scores.edit", MonthBody),
    Route("GET",  "/score-runs",                  list_runs,         "Score runs", filters=("period",)),
    Route("GET",  "/score-runs/{id}",             get_run,          "A score run"),
    Route("POST", "/score-runs/{id}/check",       check_run,        "Open the check period", "scores.edit", EmptyBody),
    Route("GET",  "/score-runs/{id}/difference",  compare_runs,   "What a revision changed", filters=("with",)),
    Route("GET",  "/score-appeals",               list_contests,     "Contests", filters=("period", "unit", "state")),
    Route("POST", "/score-appeals/{id}/decision", propose_decision,      "The first clerk's opinion", "scores.edit", DecisionBody),
    Route("POST", "/score-appeals/{id}/confirmation", confirm_decision,  "The second clerk's decision", "scores.edit", ReviewBody),
    Route("GET",  "/score-exclusions",            list_exclusions,   "Exclusions", filters=("month", "unit")),
    Route("POST", "/score-exclusions",            exclude_tickets,      "Exclude tickets from an item", "scores.edit", ExclusionBody, status=201),
    Route("POST", "/score-exclusions/{id}/review", decide_exclusion, "Review an exclusion", "scores.edit", ReviewBody),
    Route("GET",  "/scores/explain",              explain_score,      "Explain a score",
          filters=("month", "unit", "item", "failed", "cursor")),
    Route("GET",  "/scores/pending",              list_pending,      "Pending decisions that would change a month", filters=("month", "unit")),
    Route("POST", "/scores/what-if",              compute_what_if,      "A sheet as it would be", body=WhatIfBody),
    Route("GET",  "/scores/trend",                get_trend,        "Items over months", filters=("month", "unit", "months")),
    Route("GET",  "/tickets/{no}/cost",           get_lateness_cost,         "What lateness would cost"),
    Route("GET",  "/knowledge",                   list_knowledge,    "The knowledge base", filters=("unit", "state", "q", *PAGED)),
    Route("POST", "/knowledge",                   write_knowledge, "Write a knowledge entry", body=KnowledgeBody, status=201),
    Route("POST", "/knowledge/{id}/review",       review_knowledge, "Review a knowledge entry", body=OpinionBody),
    Route("GET",  "/registers/{kind}",            list_register,     "A register", filters=("unit",)),
    Route("POST", "/registers/{kind}",            add_register_entry, "Add a register entry", body=RegisterBody, status=201),
    Route("POST", "/registers/{kind}/{id}/end",   end_register_entry, "End a register entry", "scores.edit", EmptyBody),
)
# fmt: on
