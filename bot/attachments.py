"""Downloads photos and documents sent in chat, checks their content, and stores them (FT28)."""

from aiogram.types import Message

from backend.domain.refusals import Refused
from backend.tickets.files import MAX_BYTES
from bot.conversation import Conversation
from notify.channel import DeliveryError

PHOTO_NAME = "photo.jpg"


def find_file(message: Message) -> tuple[str, str, int] | None:
    """Return file reference, name and size in bytes of a photo or document, None without one."""
    if message.photo:
        best = message.photo[-1]
        return best.file_id, PHOTO_NAME, best.file_size or 0
    if message.document:
        document = message.document
        return document.file_id, document.file_name or "file", document.file_size or 0
    return None


async def store_files(chat: Conversation, message: Message) -> list[str]:
    """Store the message's file; return the ids, [] without a file.

    Refused `too_large` (over 20 MB), `file_type` (not PDF, JPEG or PNG by content), and as `TicketFiles.store`.
    """
    found = find_file(message)
    if found is None:
        return []
    reference, name, size = found
    if size > MAX_BYTES:
        raise Refused("too_large")
    try:
        content = await chat.services.channel.fetch(reference, MAX_BYTES)
    except DeliveryError as error:
        if error.kind == "permanent":
            raise Refused("too_large" if error.code == "too_large" else "file_type") from None
        raise
    return [(await chat.services.files.store(name, content, chat.actor)).id]
