"""How the installation is: alarms, beats, its clock, its storage, its version, its health."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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


@dataclass(frozen=True, slots=True)
class Beat:
    """The newest beat of a process. `number` counts its beats from 1; 0: a role that its last process left behind."""

    process: str
    host: str
    roles: tuple[str, ...]
    code: str  # version of the tables its code was written for
    workers: Mapping[str, float] = field(default_factory=dict)  # name → seconds since the last finished work, then
    lane_head: Mapping[str, datetime] = field(default_factory=dict)  # channel → when its oldest due message was due
    number: int = 0
    age: timedelta = timedelta()  # by the database's clock of leases

    def is_alive(self, silence: timedelta) -> bool:
        """Whether the process beat less than `silence` ago."""
        return self.number > 0 and self.age < silence


class BeatStore(Protocol):
    """Stores beats."""

    async def beat(self, own: Beat, channels: Sequence[str], now: datetime) -> Sequence[Beat]:
        """Store a beat with the heads of these channels' queues at office time `now`; return all beats by process.

        Rows older than a day are removed.
        """
        ...

    async def stop(self, process: str, silence: timedelta) -> None:
        """Remove a process that stops cleanly; a role it leaves without a living process stays, unless none lives."""
        ...

    async def list_beats(self) -> Sequence[Beat]:
        """List the newest beat of every process of the last day, by process."""
        ...


class ClockStore(Protocol):
    """Keeps `clock_high`. A clock set back is dealt with by one leader, whoever notices (XR1, FS3)."""

    async def load_high(self) -> datetime | None:
        """Return the highest office time that was kept; None if none was."""
        ...

    async def keep_high(self, now: datetime) -> None:
        """Keep office time, unless a higher one is kept."""
        ...

    async def take_back(self, owner: str, now: datetime, tolerance: timedelta) -> bool:
        """If what was kept is more than `tolerance` ahead of `now`: make due again what waits by the former time.

        In one transaction with the lease of the leader and its fence, the finding `clock_back` and the new high. What
        waits for at once, for a retry or after a 429 is due now; what waits for an hour or a digest stays. Nothing is
        met again: only instants of waiting change. False if another has done it, or holds the lease.
        """
        ...


@dataclass(frozen=True, slots=True)
class Damage:
    """What was found first. `code` is the engine's, as SQLITE_CORRUPT or XX001, or `check`; `where` in its words.

    `number` counts the damages in the row that machines share; 0: it is not known there.
    """

    code: str
    where: str = ""
    number: int = 0


class StorageCondition(Protocol):
    """What is known of the place where data are kept; asked before each write, so it answers at once."""

    is_full: bool  # the last write found no room
    is_suspect: bool  # something stored could not be read as what it is: it is time for a check

    @property
    def damage(self) -> Damage | None:
        """The damage for which nothing may be written until a whole check finds none."""
        ...

    def report(self, damage: Damage) -> None:
        """From now on nothing is written, by any process that shares the folder of marks, also after a restart."""
        ...

    def lift(self) -> None:
        """A whole check found nothing: all may write again. Raises OSError if the mark cannot be removed."""
        ...


class Soundness(Protocol):
    """Checks that the database's pages are what they were written as. They write nothing and stop nobody."""

    async def check_some(self, seconds: float, *, deep: bool = False, strict: bool = False) -> Sequence[str]:
        """Check tables one after another for about so long, at least one and at most each once; return what is wrong.

        It goes on where it ended before. `deep` also compares indexes with their tables; `strict` breaks off the table
        in hand when the time is over, and begins with it the next time.
        """
        ...

    async def check_all(self) -> Sequence[str]:
        """Check everything; return what is wrong, at most a hundred lines."""
        ...


class SharedDamage(Protocol):
    """The row about damage in a database that several machines share."""

    async def read(self) -> tuple[Damage, bool] | None:
        """Return the newest damage told there and whether it has been lifted; None without any."""
        ...

    async def tell(self, damage: Damage) -> Damage:
        """Tell of damage, unless one stands there; return the one that stands, with its number."""
        ...

    async def lift(self) -> None:
        """Say there that a whole check found nothing."""
        ...


class GateStore(Protocol):
    """Reads the gate."""

    async def list_closed(self) -> Sequence[str]:
        """List the parts of the database that are too new or too old for this code; a hold closes none."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """Since when the oldest of each queue is due: office time of messages by channel, real time of the inbox."""

    urgent: Mapping[str, datetime] = field(default_factory=dict)
    messages: Mapping[str, datetime] = field(default_factory=dict)
    inbox: datetime | None = None


class HealthStore(Protocol):
    """Short reads of what stands in the way."""

    async def list_obstacles(self) -> Sequence[str]:
        """List the codes of what keeps the whole installation from working, such as `held`."""
        ...

    async def read_waiting(self, channels: Sequence[str], now: datetime) -> Waiting:
        """Read the heads of these channels' queues at office time `now`, and the inbox's."""
        ...
