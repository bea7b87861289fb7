"""What a person has begun to submit about an assignment, kept under a number that its buttons carry (XM7)."""

from collections.abc import Mapping
from typing import Any

from backend.domain.refusals import Refused
from bot.conversation import Conversation

NUMBERS = 10**9  # a button's value has nine digits


async def load(chat: Conversation, assignment_id: int, verb: str) -> dict[str, Any]:
    """Return what was begun, {} if nothing was."""
    return await chat.services.chat_state.load_draft(chat.bound_person.code, assignment_id, verb)


async def keep(chat: Conversation, assignment_id: int, verb: str, words: Mapping[str, Any]) -> int:
    """Keep what was begun in place of what was before; return its number, a new one unless `words` have theirs."""
    number = int(words.get("number") or (chat.inbox_id or 0) % NUMBERS)
    draft = {**words, "number": number}
    await chat.services.chat_state.save_draft(chat.bound_person.code, assignment_id, verb, draft, chat.now)
    return number


async def take(chat: Conversation, assignment_id: int, verb: str, number: int) -> dict[str, Any]:
    """Return what a pressed button submits. Refused `draft_outdated` once that was replaced, submitted or dropped."""
    draft = await load(chat, assignment_id, verb)
    if not draft or draft.get("number") != number:
        raise Refused("draft_outdated")
    return draft


async def drop(chat: Conversation, assignment_id: int, *verbs: str) -> None:
    """Drop what was begun."""
    for verb in verbs:
        await chat.services.chat_state.delete_draft(chat.bound_person.code, assignment_id, verb)
