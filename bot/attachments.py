"""Downloads files sent in chat, checks their content, and stores them (FT28)."""

from backend.domain.refusals import Refused
from backend.tickets.files import MAX_BYTES
from bot.conversation import Conversation
from notify.channel import DeliveryError
from notify.chat_events import ChatFile, Said


async def store_files(chat: Conversation, said: Said) -> list[str]:
    """Store the message's files; return the ids, [] without a file.

    Refused `too_large` (over 20 MB), `file_type` (not PDF, JPEG or PNG by content), and as `TicketFiles.store`.
    """
    return [await _store(chat, file) for file in said.files]


async def _store(chat: Conversation, file: ChatFile) -> str:
    if file.size > MAX_BYTES:
        raise Refused("too_large")
    try:
        content = await chat.network.channel.fetch(file.reference, MAX_BYTES)
    except DeliveryError as error:
        if error.kind == "permanent":
            raise Refused("too_large" if error.code == "too_large" else "file_type") from None
        raise
    return (await chat.services.files.store(file.name, content, chat.actor)).id
