"""What a door hands to a handler, and what it gets back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.rooms import Rooms

ROOMS = web.AppKey("rooms", Rooms)
#: Kept on the request: its number, and whether the connection must be closed after the answer.
REQUEST_ID = web.RequestKey("request_id", str)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that is understood: who asks, for what, with which words."""

    rooms: Rooms
    actor: Actor
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None  # a validated model, or None
    parts: Sequence[Part] = ()

    @property
    def seen_by(self) -> str | None:
        """The unit whose tickets alone may be seen; None for those who see all. A unit role without unit sees none."""
        return (self.actor.unit or "") if self.actor.of_unit else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: JSON, unless `raw` holds a file's bytes."""

    payload: Any
    status: int = 200
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
