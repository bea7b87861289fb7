"""In which order a person's chats are used: their own choice, the office's preference, the newest."""

from collections.abc import Sequence
from dataclasses import replace

from backend.domain.records import ChatAddress, Person


def order_chats(chats: Sequence[ChatAddress], own: str | None, preferred: Sequence[str]) -> tuple[ChatAddress, ...]:
    """Order live bindings: the network the person chose, then those of `chat.prefer`, then the newest."""
    newest = sorted(chats, key=lambda chat: chat.since, reverse=True)
    wanted = (own, *preferred)
    return tuple(sorted(newest, key=lambda c: wanted.index(c.network) if c.network in wanted else len(wanted)))


def with_order(person: Person, preferred: Sequence[str]) -> Person:
    """Return the person with their chats in the order of use."""
    if len(person.chats) < 2:
        return person
    return replace(person, chats=order_chats(person.chats, person.preferred_chat, preferred))


def as_met_on(person: Person, network: str) -> Person:
    """Return the person as one network meets them: what is said there is answered there, whatever they prefer."""
    return replace(person, chats=tuple(sorted(person.chats, key=lambda chat: chat.network != network)))


def list_next(person: Person, tried: Sequence[str]) -> tuple[ChatAddress, ...]:
    """List the chats that were not tried yet, in the order of use."""
    return tuple(chat for chat in person.chats if chat.network not in tried)
