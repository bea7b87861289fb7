"""签收, by button or by keyword."""

from datetime import datetime

from backend.domain.refusals import Refused
from bot.conversation import Conversation
from bot.ticket_context import TicketContext, load_context


async def sign(chat: Conversation, context: TicketContext, seen_version: int | None = None) -> None:
    """Sign for the assignment; if a colleague was faster, say who signed and when (FT15)."""
    try:
        await chat.act("sign", assignment_id=context.assignment_id, seen_version=seen_version)
    except Refused as refused:
        if refused.code not in ("overtaken", "not_now"):
            raise
        now = (await load_context(chat, context.assignment_id)).assignment
        if now.signed_at is None or now.ended_at is not None:
            raise
        await chat.answer_key(
            "toast.already_signed",
            name=await _get_signer_name(chat, now.signed_by),
            at=_format_time(chat, now.signed_at),
        )
        await chat.update_card()
        return
    await chat.answer_key("toast.signed")


async def _get_signer_name(chat: Conversation, code: str | None) -> str:
    return await chat.get_name(code or "system")


def _format_time(chat: Conversation, at: datetime) -> str:
    return chat.format_time(at)
