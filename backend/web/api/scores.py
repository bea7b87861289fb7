"""Score sheets, runs, contests and ledger entries."""

import re
from typing import Any

from backend.domain.refusals import Refused
from backend.web.query import parse_id
from backend.web.request import ApiRequest, ApiResponse

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


async def list_sheets(request: ApiRequest) -> ApiResponse:
    """Return the month's sheets; unit roles see their own unit's. Refused `missing`, `bad_field`, `not_found`."""
    month = request.query.get("month")
    if month is None or not _MONTH.fullmatch(month):
        raise Refused("missing" if month is None else "bad_field", field="month")
    unit = request.query.get("unit")
    if request.actor.is_unit_member:
        if unit not in (None, request.actor.unit):
            raise Refused("not_found", unit=unit)
        unit = request.actor.unit or ""
    answer = await request.services.scoring.get_scores(
        month=month, scheme=request.query.get("scheme"), unit=unit, actor=request.actor
    )
    return ApiResponse(dict(answer))


async def start_run(request: ApiRequest) -> ApiResponse:
    """Start and store a run (试算)."""
    body = request.body
    rules = {"settings": body.settings, "current_rules": body.current_rules}
    rules = {key: value for key, value in rules.items() if value}
    return ApiResponse(
        dict(await request.services.scoring.start_run(body.period, body.scheme, request.actor, **rules)), 201
    )


async def lock_run(request: ApiRequest) -> ApiResponse:
    """Lock a run (定稿)."""
    service, run_id = request.services.scoring, parse_id(request.path["id"])
    forced = {"force": True, "reason": request.body.reason} if request.body.force else {}
    return ApiResponse(dict(await service.lock_run(run_id, request.actor, **forced)))


async def contest_line(request: ApiRequest) -> ApiResponse:
    """Contest a line (异议)."""
    fields: dict[str, Any] = request.body.model_dump(exclude_none=True)
    return ApiResponse(
        dict(await request.services.scoring.submit_contest(parse_id(request.path["id"]), fields, request.actor)), 201
    )


async def enter_line(request: ApiRequest) -> ApiResponse:
    """Enter a ledger row (台账)."""
    return ApiResponse(
        dict(await request.services.scoring.enter_ledger(request.body.model_dump(exclude_none=True), request.actor)),
        201,
    )


async def review_line(request: ApiRequest) -> ApiResponse:
    """Review a ledger row as the second person (材料审核)."""
    return ApiResponse(
        dict(
            await request.services.scoring.review_ledger(
                parse_id(request.path["id"]), request.body.accept, request.actor, request.body.exemption
            )
        )
    )
