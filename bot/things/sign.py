"""签收, by button or by keyword."""

from datetime import datetime

from backend.domain.refusals import Refused
from bot.case import Case, open_case
from bot.talk import Talk


async def sign(talk: Talk, case: Case, card: int | None = None) -> None:
    """Sign for the assignment; if a colleague was faster, say who signed and when (FT15)."""
    try:
        await talk.act("sign", assignment_id=case.id, card=card)
    except Refused as refused:
        if refused.code not in ("overtaken", "not_now"):
            raise
        now = (await open_case(talk, case.id)).assignment
        if now.signed_at is None or now.ended_at is not None:
            raise
        await talk.told("toast.already_signed", name=await _signer(talk, now.signed_by), at=_at(talk, now.signed_at))
        await talk.redraw()
        return
    await talk.told("toast.signed")


async def _signer(talk: Talk, code: str | None) -> str:
    return await talk.name_of(code or "system")


def _at(talk: Talk, at: datetime) -> str:
    return talk.when(at)
