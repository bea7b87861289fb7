"""The promise of a telephone line: place a call, say the next words, understand what came back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from notify.message import Prompt
from notify.pace import Bucket

#: form fields of a webhook: a mapping, or pairs where names may repeat (FW3)
Fields = Mapping[str, str] | Iterable[tuple[str, str]]


def pairs(fields: Fields) -> list[tuple[str, str]]:
    """Fields as pairs in the order given."""
    return list(fields.items() if isinstance(fields, Mapping) else fields)


class CallStatus(StrEnum):
    """Where a call stands; `""` when the message does not say."""

    UNSAID = ""
    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        """Nothing can follow; whatever arrives later is old news (FW6)."""
        return self not in (CallStatus.UNSAID, CallStatus.QUEUED, CallStatus.RINGING, CallStatus.IN_PROGRESS)


class Answerer(StrEnum):
    """Who picked up, as far as the carrier can tell (FW19); `""` when it was not asked."""

    UNSAID = ""
    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"
    UNKNOWN = "unknown"


class Detection(StrEnum):
    """Whether the carrier listens who picked up: never, before the first words, or beside them as a hint (FW19)."""

    OFF = "off"
    FIRST = "first"
    HINT = "hint"


@dataclass(frozen=True)
class LineCapabilities:
    """What a line can do. `live`: it asks us during the call what to say next; if not, it is given a `Menu` up front.

    `search`: it can be asked for calls by number; if not, only by its own id, and doubt ends when nothing is heard.

    `unserved` lists number prefixes the real carrier does not reach: for doctor and console, not a gate,
    because a rehearsal uses such numbers.
    """

    live: bool
    speech: bool
    record: bool
    bridge: bool
    detect_machine: bool
    unserved: tuple[str, ...] = ()
    search: bool = True


@dataclass(frozen=True)
class CallUrls:
    """Absolute addresses the carrier calls: for the first words, for news, and when the first one fails."""

    answer: str
    status: str
    fallback: str


@dataclass(frozen=True)
class Menu:
    """A script given up front: what is said first, and what is said after each key; keys come back later.

    `first`, the values of `keys` and `bye` name texts the carrier knows by its own codes; `params` fill the first one,
    `after` the others. `ref` (ours) comes back with every report.
    """

    first: str
    params: Mapping[str, str]
    keys: Mapping[str, str]
    after: Mapping[str, Mapping[str, str]]
    ref: str
    times: int = 2


@dataclass(frozen=True)
class Placed:
    """A call the carrier accepted."""

    provider_id: str


@dataclass(frozen=True)
class Found:
    """A call the carrier remembers (FW14). `duration` in seconds, `cost` "amount currency"."""

    provider_id: str
    status: CallStatus
    started_at: datetime | None
    duration: int | None
    caller: str = ""
    answered_by: Answerer = Answerer.UNSAID
    cost: str | None = None


@dataclass(frozen=True)
class LineEvent:
    """One webhook of a line, in our words. Absent text is "", an absent number is None, seconds throughout.

    `digits` is exactly what was pressed, unjudged (FW8); `dial_status` is how a connected second leg ended.
    """

    provider_id: str
    status: CallStatus = CallStatus.UNSAID
    sequence: int | None = None
    digits: str = ""
    speech: str = ""
    confidence: float | None = None
    answered_by: Answerer = Answerer.UNSAID
    duration: int | None = None
    recording_url: str = ""
    from_: str = ""
    to: str = ""
    account: str = ""
    error_code: str = ""
    dial_status: CallStatus = CallStatus.UNSAID
    dial_duration: int | None = None
    cost: str | None = None  # "amount currency"
    ref: str = ""  # what we gave with the call, where the carrier gives it back


class Line(Protocol):
    """A telephone carrier. Its awaitable methods raise DeliveryError and nothing else."""

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> LineCapabilities: ...

    def buckets(self, caller: str) -> tuple[Bucket, ...]:
        """The paces a call shown as coming from `caller` is bound by (FW18)."""
        ...

    async def place(
        self, to: str, *, caller: str, urls: CallUrls, ring_seconds: int = 30, detect: Detection = Detection.OFF,
        menu: Menu | None = None,
    ) -> Placed:  # fmt: skip
        """Ring `to`. Asked once and never repeated by itself: doubt is `ambiguous`, then `find` (FW14).

        A line that is not `live` says the `menu`; the others ask `urls` what to say.
        """
        ...

    async def find(self, *, to: str, since: datetime, provider_id: str = "") -> list[Found]:
        """Calls to this number begun at or after `since` (aware), newest first as the carrier lists them.

        A line that cannot `search` answers for `provider_id` alone, and with nothing where there is none.
        """
        ...

    async def hang_up(self, provider_id: str) -> None:
        """End a call; one that has already ended is no error."""
        ...

    def render(self, prompt: Prompt, *, next_url: str) -> str:
        """The prompt in the carrier's own language; valid and sayable whatever the text holds (FW13)."""
        ...

    def genuine(self, *, url: str, params: Fields, signature: str | None) -> bool:
        """Whether the carrier sent this; `url` is built on the configured public address (FW1, FW2, FW24)."""
        ...

    def read(self, params: Fields) -> LineEvent:
        """A webhook in our words; never raises, whatever the fields hold."""
        ...

    async def close(self) -> None: ...
