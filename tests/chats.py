"""Chats of people in tests."""

from datetime import UTC, datetime

from backend.domain.records import ChatAddress


def bind_to(*addresses: str, network: str = "telegram") -> tuple[ChatAddress, ...]:
    """Return live bindings: `address` on the network, or `network:address`."""
    found = []
    for written in addresses:
        named, _, address = written.rpartition(":")
        found.append(ChatAddress(named or network, address, address, "code", datetime(2026, 1, 1, tzinfo=UTC)))
    return tuple(found)
