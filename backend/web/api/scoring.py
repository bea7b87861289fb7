"""Ledgers, contests, runs, registers, knowledge, and explanations of scores."""

from collections.abc import Mapping
from typing import Any

from backend.domain.offers import select_assignment
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.scoring import Scoring
from backend.services import Services
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


def get_scoring(services: Services) -> Scoring:
    """Return the scoring service. Refused `not_found` where there is none."""
    if not isinstance(services.scoring, Scoring):
        raise Refused("not_found")
    return services.scoring


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
    found, next_id = await get_scoring(request.services).ledgers.list_lines(
        request.actor, month=q.get("month"), unit=q.get("unit"), kind=q.get("kind"), state=q.get("state"),
        before=parse_row_cursor(q), limit=parse_limit(q),
    )  # fmt: skip
    return ApiResponse({"items": found, "next": encode_cursor(next_id)})


async def correct_line(request: ApiRequest) -> ApiResponse:
    """Enter a correction (更正): a new line that voids the old one once accepted."""
    service = get_scoring(request.services).ledgers
    return ApiResponse(
        await service.correct(parse_id(request.path["id"]), _given_fields(request.body), request.actor), 201
    )


async def find_drafts(request: ApiRequest) -> ApiResponse:
    """Search a month for ledger drafts now."""
    return ApiResponse({"drafts": await get_scoring(request.services).ledger_drafts.draft_month(request.body.month)})


async def list_runs(request: ApiRequest) -> ApiResponse:
    """List runs, newest first."""
    return ApiResponse(
        {
            "items": await get_scoring(request.services).runs.list_runs(request.query.get("period"), request.actor),
            "next": None,
        }
    )


async def get_run(request: ApiRequest) -> ApiResponse:
    """Return a run with its sheets."""
    return ApiResponse(await get_scoring(request.services).runs.inspect(parse_id(request.path["id"]), request.actor))


async def check_run(request: ApiRequest) -> ApiResponse:
    """Open the check period (核对); units are notified."""
    return ApiResponse(await get_scoring(request.services).runs.check(parse_id(request.path["id"]), request.actor))


async def compare_runs(request: ApiRequest) -> ApiResponse:
    """Return what a revision changed."""
    other = request.query.get("with")
    service = get_scoring(request.services).runs
    return ApiResponse(
        await service.compare(parse_id(request.path["id"]), parse_id(other) if other else None, request.actor)
    )


async def list_contests(request: ApiRequest) -> ApiResponse:
    """List contests, newest first."""
    q = request.query
    found = await get_scoring(request.services).contests.list_contests(
        request.actor, period=q.get("period"), unit=q.get("unit"), state=q.get("state")
    )
    return ApiResponse({"items": found, "next": None})


async def propose_decision(request: ApiRequest) -> ApiResponse:
    """Record the first clerk's opinion on a contest."""
    return ApiResponse(
        await get_scoring(request.services).contests.propose(
            parse_id(request.path["id"]), _given_fields(request.body), request.actor
        )
    )


async def confirm_decision(request: ApiRequest) -> ApiResponse:
    """Record the second clerk's decision on a contest."""
    return ApiResponse(
        await get_scoring(request.services).contests.confirm(
            parse_id(request.path["id"]), request.body.accept, request.actor
        )
    )


async def exclude_tickets(request: ApiRequest) -> ApiResponse:
    """Exclude tickets (剔除), to be reviewed by a second person."""
    return ApiResponse(
        {"items": await get_scoring(request.services).contests.exclude(_given_fields(request.body), request.actor)}, 201
    )


async def list_exclusions(request: ApiRequest) -> ApiResponse:
    """List a month's exclusions. Refused `missing`."""
    if "month" not in request.query:
        raise Refused("missing", field="month")
    found = await get_scoring(request.services).contests.list_exclusions(
        request.query["month"], request.query.get("unit"), request.actor
    )
    return ApiResponse({"items": found, "next": None})


async def decide_exclusion(request: ApiRequest) -> ApiResponse:
    """Record the second person's decision on an exclusion."""
    service = get_scoring(request.services).contests
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
    found = await get_scoring(request.services).explainer.explain(
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
        await get_scoring(request.services).explainer.list_pending(*parse_month_and_unit(request), request.actor)
    )


async def compute_what_if(request: ApiRequest) -> ApiResponse:
    """Return the sheet as it is and as it would be."""
    w = request.body
    return ApiResponse(await get_scoring(request.services).explainer.compute_what_if(
        w.month, w.unit, request.actor, settings=w.settings, ledger=w.ledger, contests=w.contests, exclusions=w.exclusions,
        requests=w.requests,
    ))  # fmt: skip


async def get_trend(request: ApiRequest) -> ApiResponse:
    """Return each item over the last months (1 to 24). Refused `bad_field`."""
    month, unit = parse_month_and_unit(request)
    months = request.query.get("months", "6")
    if not (months.isascii() and months.isdigit() and 1 <= int(months) <= 24):
        raise Refused("bad_field", field="months")
    return ApiResponse(
        await get_scoring(request.services).explainer.compute_trend(unit, int(months), month, request.actor)
    )


async def get_lateness_cost(request: ApiRequest) -> ApiResponse:
    """Return what it would cost the unit in points if this ticket became late."""
    view = await load_view(request, request.path["no"])
    target = select_assignment(view.ticket, view.assignments, request.actor)
    if target is None:
        return ApiResponse({"ticket_no": view.ticket.no, "items": [], "cost": "0.00", "open": False})
    found = await get_scoring(request.services).explainer.compute_delay_cost(target, frozenset(view.ticket.flags))
    return ApiResponse({"ticket_no": view.ticket.no, **found})


async def write_knowledge(request: ApiRequest) -> ApiResponse:
    """Write a knowledge record."""
    return ApiResponse(
        await get_scoring(request.services).knowledge.write(_given_fields(request.body), request.actor), 201
    )


async def list_knowledge(request: ApiRequest) -> ApiResponse:
    """List the knowledge base, newest first."""
    q = request.query
    found, next_id = await get_scoring(request.services).knowledge.list_entries(
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
    service = get_scoring(request.services).knowledge
    return ApiResponse(
        await service.review(parse_id(request.path["id"]), request.body.accept, request.body.opinion, request.actor)
    )


async def add_register_entry(request: ApiRequest) -> ApiResponse:
    """Add a register entry."""
    return ApiResponse(
        await get_scoring(request.services).registers.add(
            request.path["kind"], _given_fields(request.body), request.actor
        ),
        201,
    )


async def list_register(request: ApiRequest) -> ApiResponse:
    """List a register, newest first."""
    found = await get_scoring(request.services).registers.list_entries(
        request.path["kind"], request.actor, request.query.get("unit")
    )
    return ApiResponse({"items": found, "next": None})


async def end_register_entry(request: ApiRequest) -> ApiResponse:
    """End a register entry."""
    await get_scoring(request.services).registers.end(request.path["kind"], parse_id(request.path["id"]), request.actor)
    return ApiResponse({"ended": True})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/ledger",                      list_ledger,       "Ledger rows",
          filters=("month", "unit", "kind", "state", *PAGED)),
    Route("POST", "/ledger/{id}/corrections",     correct_line,      "Correct or void a ledger row", "scores.edit", CorrectionBody, status=201),
    Route("POST", "/ledger-drafts",               find_drafts,  "Draft what the house knows", "scores.edit", MonthBody),
    Route("GET",  "/score-runs",                  list_runs,         "Score runs", filters=("period",)),
    Route("GET",  "/score-runs/{id}",             get_run,          "A score run"),
    Route("POST", "/score-runs/{id}/check",       check_run,        "Open the check period", "scores.edit", EmptyBody),
    Route("GET",  "/score-runs/{id}/difference",  compare_runs,   "What a revision changed", filters=("with",)),
    Route("GET",  "/score-appeals",               list_contests,     "Objections", filters=("period", "unit", "state")),
    Route("POST", "/score-appeals/{id}/decision", propose_decision,      "A clerk's opinion", "scores.edit", DecisionBody),
    Route("POST", "/score-appeals/{id}/confirmation", confirm_decision,  "The second clerk's word", "scores.edit", ReviewBody),
    Route("GET",  "/score-exclusions",            list_exclusions,   "Tickets taken out", filters=("month", "unit")),
    Route("POST", "/score-exclusions",            exclude_tickets,      "Take tickets out of an item", "scores.edit", ExclusionBody, status=201),
    Route("POST", "/score-exclusions/{id}/review", decide_exclusion, "Review an exclusion", "scores.edit", ReviewBody),
    Route("GET",  "/scores/explain",              explain_score,      "Why a mark is what it is",
          filters=("month", "unit", "item", "failed", "cursor")),
    Route("GET",  "/scores/pending",              list_pending,      "What would change a month", filters=("month", "unit")),
    Route("POST", "/scores/what-if",              compute_what_if,      "A sheet as it would be", body=WhatIfBody),
    Route("GET",  "/scores/trend",                get_trend,        "Items over months", filters=("month", "unit", "months")),
    Route("GET",  "/tickets/{no}/cost",           get_lateness_cost,         "What lateness would cost"),
    Route("GET",  "/knowledge",                   list_knowledge,    "The knowledge base", filters=("unit", "state", "q", *PAGED)),
    Route("POST", "/knowledge",                   write_knowledge, "A knowledge record", body=KnowledgeBody, status=201),
    Route("POST", "/knowledge/{id}/review",       review_knowledge, "Review a record", body=OpinionBody),
    Route("GET",  "/registers/{kind}",            list_register,     "A register", filters=("unit",)),
    Route("POST", "/registers/{kind}",            add_register_entry, "A row of a register", body=RegisterBody, status=201),
    Route("POST", "/registers/{kind}/{id}/end",   end_register_entry, "A row that holds no more", "scores.edit", EmptyBody),
)
# fmt: on
