"""Ledgers, contests, runs, and explanations of scores."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from backend.domain.offered_verbs import select_assignment
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.scoring.contest_shapes import CONTEST_STATES, ContestItem, ExclusionItem, OfferedContest, OfferedExclusion
from backend.scoring.entries import STATES as LEDGER_STATES
from backend.scoring.entries import LedgerLine, OfferedLine
from backend.scoring.explain_shapes import Explanation, Pending, TicketLatenessCost, Trend, WhatIf
from backend.scoring.shapes import CheckedRun, InspectedRun, RunDifference, RunHead
from backend.web.api.scores import LEDGER_REFUSALS
from backend.web.api.scoring_schemas import (
    CorrectionBody,
    DecisionBody,
    ExclusionBody,
    MonthBody,
    WhatIfBody,
)
from backend.web.api.tickets import load_view
from backend.web.endpoint import Route
from backend.web.query import (
    FLAG,
    PAGED,
    UNIT,
    Filter,
    choice_filter,
    count_filter,
    encode_cursor,
    month_filter,
    parse_flag,
    parse_id,
    parse_limit,
    parse_row_cursor,
    period_filter,
)
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import EmptyBody, RequestBody, ReviewBody
from backend.web.shapes import Items, Page


class Drafted(TypedDict):
    """How many drafts are new or changed."""

    drafts: int


def format_formula(texts: Texts, explanation: Mapping[str, Any]) -> str:
    """Return a line's formula in words, "" without one."""
    formula = str(explanation.get("formula") or "")
    if not formula or not texts.has(f"explain.{formula}"):
        return ""
    facts = {**explanation, "mode": texts.get_word_or_value("slope_mode", str(explanation.get("mode", "")))}
    return str(texts.render(f"explain.{formula}", **facts))


def list_given(body: RequestBody) -> dict[str, Any]:
    return body.model_dump(exclude_none=True)


async def list_ledger(request: ApiRequest) -> ApiResponse[Page[OfferedLine]]:
    """List ledger rows (台账), newest first."""
    q = request.query
    found, next_id = await request.services.scoring.ledgers.list_lines(
        request.actor, month=q.get("month"), unit=q.get("unit"), kind=q.get("kind"), state=q.get("state"),
        before=parse_row_cursor(q), limit=parse_limit(q),
    )  # fmt: skip
    return ApiResponse({"items": found, "next": encode_cursor(next_id)})


async def correct_line(request: ApiRequest) -> ApiResponse[LedgerLine]:
    """Enter a correction (更正): a new line that voids the old one once accepted."""
    service = request.services.scoring.ledgers
    return ApiResponse(
        await service.correct(parse_id(request.path["id"]), list_given(request.body), request.actor), 201
    )


async def find_drafts(request: ApiRequest) -> ApiResponse[Drafted]:
    """Search a month for ledger drafts now."""
    return ApiResponse({"drafts": await request.services.scoring.ledger_drafts.draft_month(request.body.month)})


async def list_runs(request: ApiRequest) -> ApiResponse[Page[RunHead]]:
    """List runs, newest first."""
    return ApiResponse(
        {
            "items": await request.services.scoring.runs.list_runs(request.query.get("period"), request.actor),
            "next": None,
        }
    )


async def get_run(request: ApiRequest) -> ApiResponse[InspectedRun]:
    """Return a run with its sheets."""
    return ApiResponse(await request.services.scoring.runs.inspect(parse_id(request.path["id"]), request.actor))


async def check_run(request: ApiRequest) -> ApiResponse[CheckedRun]:
    """Open the check period (核对); units are notified."""
    return ApiResponse(await request.services.scoring.runs.check(parse_id(request.path["id"]), request.actor))


async def compare_runs(request: ApiRequest) -> ApiResponse[RunDifference]:
    """Return what a revision changed."""
    other = request.query.get("with")
    service = request.services.scoring.runs
    return ApiResponse(
        await service.compare(parse_id(request.path["id"]), parse_id(other) if other else None, request.actor)
    )


async def list_contests(request: ApiRequest) -> ApiResponse[Page[OfferedContest]]:
    """List contests, newest first."""
    q = request.query
    found = await request.services.scoring.contests.list_contests(
        request.actor, period=q.get("period"), unit=q.get("unit"), state=q.get("state")
    )
    return ApiResponse({"items": found, "next": None})


async def propose_decision(request: ApiRequest) -> ApiResponse[ContestItem]:
    """Record the first clerk's opinion on a contest."""
    return ApiResponse(
        await request.services.scoring.contests.propose(
            parse_id(request.path["id"]), list_given(request.body), request.actor
        )
    )


async def confirm_decision(request: ApiRequest) -> ApiResponse[ContestItem]:
    """Record the second clerk's decision on a contest."""
    return ApiResponse(
        await request.services.scoring.contests.confirm(
            parse_id(request.path["id"]), request.body.accept, request.actor
        )
    )


async def exclude_tickets(request: ApiRequest) -> ApiResponse[Items[ExclusionItem]]:
    """Exclude tickets (剔除), to be reviewed by a second person."""
    return ApiResponse(
        {"items": await request.services.scoring.contests.exclude(list_given(request.body), request.actor)}, 201
    )


async def list_exclusions(request: ApiRequest) -> ApiResponse[Page[OfferedExclusion]]:
    """List a month's exclusions. Refused `missing`."""
    if "month" not in request.query:
        raise Refused("missing", field="month")
    found = await request.services.scoring.contests.list_exclusions(
        request.query["month"], request.query.get("unit"), request.actor
    )
    return ApiResponse({"items": found, "next": None})


async def decide_exclusion(request: ApiRequest) -> ApiResponse[ExclusionItem]:
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


async def explain_score(request: ApiRequest) -> ApiResponse[Explanation]:
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


async def list_pending(request: ApiRequest) -> ApiResponse[Pending]:
    """List pending decisions that would change the month's score."""
    return ApiResponse(
        await request.services.scoring.explainer.list_pending(*parse_month_and_unit(request), request.actor)
    )


async def compute_what_if(request: ApiRequest) -> ApiResponse[WhatIf]:
    """Return the sheet as it is and as it would be."""
    w = request.body
    return ApiResponse(await request.services.scoring.explainer.compute_what_if(
        w.month, w.unit, request.actor, settings=w.settings, ledger=w.ledger, contests=w.contests, exclusions=w.exclusions,
        requests=w.requests,
    ))  # fmt: skip


async def get_trend(request: ApiRequest) -> ApiResponse[Trend]:
    """Return each item over the last months (1 to 24). Refused `bad_field`."""
    month, unit = parse_month_and_unit(request)
    months = request.query.get("months", "6")
    if not (months.isascii() and months.isdigit() and 1 <= int(months) <= 24):
        raise Refused("bad_field", field="months")
    return ApiResponse(await request.services.scoring.explainer.compute_trend(unit, int(months), month, request.actor))


async def get_lateness_cost(request: ApiRequest) -> ApiResponse[TicketLatenessCost]:
    """Return what it would cost the unit in points if this ticket became late."""
    view = await load_view(request, request.path["no"])
    target = select_assignment(view.ticket, view.assignments, request.actor)
    if target is None:
        return ApiResponse({"ticket_no": view.ticket.ticket_no, "items": [], "cost": "0.00", "open": False})
    found = await request.services.scoring.explainer.compute_delay_cost(target, frozenset(view.ticket.flags))
    return ApiResponse({"ticket_no": view.ticket.ticket_no, **found})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/ledger",                      list_ledger,
          filters=(month_filter(), UNIT, Filter("kind"), choice_filter("state", LEDGER_STATES), *PAGED),
          refuses=("forbidden",)),
    Route("POST", "/ledger/{id}/corrections",     correct_line, "scores.edit", CorrectionBody, status=201,
          refuses=(*LEDGER_REFUSALS, "unknown_entry", "reason_missing", "nothing_to_void", "correction_waits")),
    Route("POST", "/ledger-drafts",               find_drafts, "scores.edit", MonthBody,
          refuses=("bad_month",)),
    Route("GET",  "/score-runs",                  list_runs, filters=(period_filter(),)),
    Route("GET",  "/score-runs/{id}",             get_run,
          refuses=("unknown_run",)),
    Route("POST", "/score-runs/{id}/check",       check_run, "scores.edit", EmptyBody,
          refuses=("unknown_run", "not_trial", "rules_changed", "period_running", "calendar_ends")),
    Route("GET",  "/score-runs/{id}/difference",  compare_runs, filters=(Filter("with", code="not_found"),),
          refuses=("forbidden", "unknown_run", "nothing_to_compare")),
    Route("GET",  "/score-appeals",               list_contests, filters=(period_filter(), UNIT, choice_filter("state", CONTEST_STATES)),
          refuses=("forbidden",)),
    Route("POST", "/score-appeals/{id}/decision", propose_decision, "scores.edit", DecisionBody,
          refuses=("unknown_appeal", "text_missing", "not_excludable", "nothing_pending", "unknown_ticket")),
    Route("POST", "/score-appeals/{id}/confirmation", confirm_decision, "scores.edit", ReviewBody,
          refuses=("unknown_appeal", "nothing_pending", "same_person")),
    Route("GET",  "/score-exclusions",            list_exclusions, filters=(month_filter(), UNIT),
          refuses=("missing", "forbidden")),
    Route("POST", "/score-exclusions",            exclude_tickets, "scores.edit", ExclusionBody, status=201,
          refuses=("bad_month", "unknown_unit", "unknown_item", "text_missing", "unknown_ticket", "exclusion_locked")),
    Route("POST", "/score-exclusions/{id}/review", decide_exclusion, "scores.edit", ReviewBody,
          refuses=("unknown_entry", "same_person", "nothing_pending", "exclusion_locked")),
    Route("GET",  "/scores/explain",              explain_score,
          filters=(month_filter(), UNIT, Filter("item", code="unknown_item"), Filter("failed", FLAG), PAGED[1]),
          refuses=("missing", "forbidden", "unknown_unit", "scheme_not_for_unit")),
    Route("GET",  "/scores/pending",              list_pending, filters=(month_filter(), UNIT),
          refuses=("missing", "forbidden")),
    Route("POST", "/scores/what-if",              compute_what_if, body=WhatIfBody,
          refuses=("forbidden", "bad_month", "unknown_unit", "scheme_not_for_unit", "unknown_setting", "bad_setting", "unknown_entry", "unknown_appeal")),
    Route("GET",  "/scores/trend",                get_trend, filters=(month_filter(), UNIT, count_filter("months", 1, 24, 6)),
          refuses=("missing", "forbidden", "unknown_unit", "scheme_not_for_unit")),
    Route("GET",  "/tickets/{no}/cost",           get_lateness_cost),
)
# fmt: on
