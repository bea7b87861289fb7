"""Score sheets, runs, contests and ledger entries."""

import re
from typing import Any

from backend.domain.refusals import Refused
from backend.rooms import MarksRoom
from backend.web.asked import Answer, Ask

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


def _marks(ask: Ask) -> MarksRoom:
    if ask.rooms.marks is None:
        raise Refused("unavailable")
    return ask.rooms.marks


def _number(ask: Ask) -> int:
    written = ask.path["id"]
    if not (written.isascii() and written.isdigit() and len(written) <= 18):
        raise Refused("not_found", id=written)
    return int(written)


async def sheets(ask: Ask) -> Answer:
    """Return the month's sheets; unit roles see their own unit's. Refused `missing`, `bad_field`, `not_found`."""
    month = ask.query.get("month")
    if month is None or not _MONTH.fullmatch(month):
        raise Refused("missing" if month is None else "bad_field", field="month")
    unit = ask.query.get("unit")
    if ask.actor.is_unit_member:
        if unit not in (None, ask.actor.unit):
            raise Refused("not_found", unit=unit)
        unit = ask.actor.unit or ""
    answer = await _marks(ask).get_scores(month=month, scheme=ask.query.get("scheme"), unit=unit, actor=ask.actor)
    return Answer(dict(answer))


async def start_run(ask: Ask) -> Answer:
    """Start and store a run (试算)."""
    return Answer(dict(await _marks(ask).start_run(ask.body.period, ask.body.scheme, ask.actor)), 201)


async def lock(ask: Ask) -> Answer:
    """Lock a run (定稿)."""
    room, number = _marks(ask), _number(ask)
    forced = {"force": True, "reason": ask.body.reason} if ask.body.force else {}
    return Answer(dict(await room.lock_run(number, ask.actor, **forced)))


async def appeal(ask: Ask) -> Answer:
    """Contest a line (异议)."""
    words: dict[str, Any] = ask.body.model_dump(exclude_none=True)
    return Answer(dict(await _marks(ask).submit_contest(_number(ask), words, ask.actor)), 201)


async def enter(ask: Ask) -> Answer:
    """Enter a ledger row (台账)."""
    return Answer(dict(await _marks(ask).enter(ask.body.model_dump(exclude_none=True), ask.actor)), 201)


async def review(ask: Ask) -> Answer:
    """Review a ledger row as the second person (材料审核)."""
    return Answer(dict(await _marks(ask).review(_number(ask), ask.body.accept, ask.actor)))
