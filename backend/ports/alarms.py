"""Alarms told: shared by all processes while the database answers, so that a cause is told once and edited later."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

#: Tells administrators of a cause with its facts, beside what its caller does.
TellAlarm = Callable[..., None]


def tell_nobody(cause: str, **facts: Any) -> None:
    """A `TellAlarm` where there are no administrators."""


@dataclass(frozen=True, slots=True)
class SentAlarm:
    """A chat message that told an alarm."""

    channel: str
    address: str
    message_id: str


@dataclass(frozen=True, slots=True)
class ToldAlarm:
    """A cause that was told, in real time; `healed_at` None: it stands."""

    cause: str
    subject: str
    since: datetime
    told_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[SentAlarm] = ()
    called_at: datetime | None = None
    healed_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one alarm."""
        return self.cause, self.subject

    @property
    def has_reached(self) -> bool:
        """Whether anybody was told; an alarm that reached nobody is told again."""
        return bool(self.messages) or self.called_at is not None


class AlarmBook(Protocol):
    """Keeps what was told. Any of its methods may fail with the database: alarms go out all the same."""

    async def list_told(self) -> Sequence[ToldAlarm]:
        """List the newest of every cause and subject."""
        ...

    async def claim(self, alarm: ToldAlarm, before: datetime, *, again: bool) -> ToldAlarm | None:
        """Store an alarm that is about to be told and return None.

        Return the stored one instead if it was told after `before`, or stands, has reached somebody and is not told
        `again`; a healed one then stands again.
        """
        ...

    async def save(self, alarm: ToldAlarm) -> None:
        """Store what became of an alarm."""
        ...

    async def heal(self, cause: str, subject: str, now: datetime) -> ToldAlarm | None:
        """Mark a standing alarm as healed and return it; None if none stands or another process was quicker."""
        ...
