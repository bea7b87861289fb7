"""Score sheets, runs, contests and ledger entries."""

import re
from typing import Any

from backend.domain.refusals import Refused
from backend.scoring.contest_shapes import ContestItem
from backend.scoring.entries import LedgerLine
from backend.scoring.shapes import RunWithSheets, Scores
from backend.web.query import parse_id
from backend.web.request import ApiRequest, ApiResponse

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)
#: What a ledger line is refused for.
LEDGER_REFUSALS = (
    "bad_month", "month_locked", "document_month", "document_in_future", "unknown_ticket", "unknown_file", "connect_counted",
    "unknown_kind", "level_missing", "unknown_level", "matter_missing", "points_missing", "points_not_taken", "not_a_number",
    "negative", "out_of_range", "numerator_over_denominator",
)  # fmt: skip


async def list_sheets(request: ApiRequest) -> ApiResponse[Scores]:
    """Return the month's sheets; unit roles see their own unit's. Refused `missing`, `bad_month`, `not_found`."""
    month = request.query.get("month")
    if month is None:
        raise Refused("missing", field="month")
    if not _MONTH.fullmatch(month):
        raise Refused("bad_month", value=month[:40])
    unit = request.query.get("unit")
    if request.actor.is_unit_member:
        if unit not in (None, request.actor.unit):
            raise Refused("not_found", unit=unit)
        unit = request.actor.unit or ""
    answer = await request.services.scoring.get_scores(
        month=month, scheme=request.query.get("scheme"), unit=unit, actor=request.actor
    )
    return ApiResponse(answer)


async def start_run(request: ApiRequest) -> ApiResponse[RunWithSheets]:
    """Start and store a run (试算)."""
    body = request.body
    rules: dict[str, Any] = {"settings": body.settings, "current_rules": body.current_rules}
    rules = {key: value for key, value in rules.items() if value}
    return ApiResponse(await request.services.scoring.start_run(body.period, body.scheme, request.actor, **rules), 201)


async def lock_run(request: ApiRequest) -> ApiResponse[RunWithSheets]:
    """Lock a run (定稿)."""
    service, run_id = request.services.scoring, parse_id(request.path["id"])
    forced: dict[str, Any] = {"force": True, "reason": request.body.reason} if request.body.force else {}
    return ApiResponse(await service.lock_run(run_id, request.actor, **forced))


async def contest_line(request: ApiRequest) -> ApiResponse[ContestItem]:
    """Contest a line (异议)."""
    fields: dict[str, Any] = request.body.model_dump(exclude_none=True)
    return ApiResponse(
        await request.services.scoring.submit_contest(parse_id(request.path["id"]), fields, request.actor), 201
    )


async def enter_line(request: ApiRequest) -> ApiResponse[LedgerLine]:
    """Enter a ledger row (台账)."""
    return ApiResponse(
        await request.services.scoring.enter_ledger(request.body.model_dump(exclude_none=True), request.actor), 201
    )


async def review_line(request: ApiRequest) -> ApiResponse[LedgerLine]:
    """Review a ledger row as the second person (材料审核)."""
    return ApiResponse(
        await request.services.scoring.review_ledger(
            parse_id(request.path["id"]), request.body.accept, request.actor, request.body.exemption
        )
    )
