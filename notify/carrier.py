"""Protocol of a voice carrier: place calls, render the next prompt, read webhooks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from notify.driver import Check, Route
from notify.message import Prompt
from notify.rate_limit import Bucket

#: form fields of a webhook: a mapping, or pairs where names may repeat (FW3)
FormFields = Mapping[str, str] | Iterable[tuple[str, str]]


def to_pairs(fields: FormFields) -> list[tuple[str, str]]:
    """Return the fields as pairs in the order given."""
    return list(fields.items() if isinstance(fields, Mapping) else fields)


class CallStatus(StrEnum):
    """Status of a call; `""` when the webhook does not say."""

    NOT_GIVEN = ""
    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_terminal(self) -> bool:
        """Whether the call is over; anything that arrives later is out of date (FW6)."""
        return self not in (CallStatus.NOT_GIVEN, CallStatus.QUEUED, CallStatus.RINGING, CallStatus.IN_PROGRESS)


class AnsweredBy(StrEnum):
    """Who answered, as far as the carrier can tell (FW19); `""` when it was not asked."""

    NOT_GIVEN = ""
    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"
    UNKNOWN = "unknown"


class AnswerDetection(StrEnum):
    """Whether the carrier detects who answered: never, before the first prompt, or in parallel as a hint (FW19)."""

    OFF = "off"
    FIRST = "first"
    HINT = "hint"


@dataclass(frozen=True)
class VoiceCapabilities:
    """What a carrier can do. `live`: it asks us during the call what to say next; if not, it gets a `Menu` up front.

    `search`: calls can be found by number; if not, only by the carrier's id, and doubt ends when no report comes.

    `serves` lists the number prefixes it reaches, () all but those `unserved`; in a rehearsal every carrier serves all.
    `invalid_number` are its codes for numbers that can never be called (FW23).
    """

    live: bool
    speech: bool
    record: bool
    bridge: bool
    detect_machine: bool
    serves: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()
    search: bool = True
    invalid_number: frozenset[str] = frozenset()

    def reaches(self, number: str) -> bool:
        """Whether the carrier calls this number (E.164)."""
        return (not self.serves or number.startswith(self.serves)) and not number.startswith(self.unserved or ("#",))


@dataclass(frozen=True)
class CallUrls:
    """Absolute URLs the carrier calls: for the first prompt, for status reports, and when the first one fails."""

    answer: str
    status: str
    fallback: str


@dataclass(frozen=True)
class Menu:
    """A script given up front: what is said first and after each key; the keys pressed are reported later.

    `first` and the values of `keys` name texts the carrier knows by its own codes; `params` fill the first one,
    `after` the others. `ref` (ours) comes back with every report. The menu is played `times` times.
    """

    first: str
    params: Mapping[str, str]
    keys: Mapping[str, str]
    after: Mapping[str, Mapping[str, str]]
    ref: str
    times: int = 2


@dataclass(frozen=True)
class PlacedCall:
    """A call the carrier accepted."""

    provider_id: str


@dataclass(frozen=True)
class FoundCall:
    """A call as the carrier has it on record (FW14). `duration` in seconds, `cost` "amount currency"."""

    provider_id: str
    status: CallStatus
    started_at: datetime | None
    duration: int | None
    caller: str = ""
    answered_by: AnsweredBy = AnsweredBy.NOT_GIVEN
    cost: str | None = None


@dataclass(frozen=True)
class CallEvent:
    """One webhook of a carrier in our terms. Absent text is "", an absent number is None; durations in seconds.

    `digits` is exactly what was pressed, not validated (FW8); `leg_status` is how a connected second leg ended.
    """

    provider_id: str
    status: CallStatus = CallStatus.NOT_GIVEN
    sequence: int | None = None
    digits: str = ""
    speech: str = ""
    confidence: float | None = None
    answered_by: AnsweredBy = AnsweredBy.NOT_GIVEN
    duration: int | None = None
    recording_url: str = ""
    from_: str = ""
    to: str = ""
    account: str = ""
    error_code: str = ""
    leg_status: CallStatus = CallStatus.NOT_GIVEN
    leg_duration: int | None = None
    cost: str | None = None  # "amount currency"
    ref: str = ""  # our reference, where the carrier returns it


class VoiceCarrier(Protocol):
    """A voice carrier. Its awaitable methods raise DeliveryError and nothing else."""

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> VoiceCapabilities: ...

    @property
    def number(self) -> str:
        """The number its calls come from (E.164); "" where the carrier chooses."""
        ...

    def buckets(self, caller: str) -> tuple[Bucket, ...]:
        """Return the rate limits of calls shown as coming from `caller` (FW18)."""
        ...

    async def place(
        self, to: str, *, caller: str, urls: CallUrls, ring_seconds: int = 30, detect: AnswerDetection = AnswerDetection.OFF,
        menu: Menu | None = None,
    ) -> PlacedCall:  # fmt: skip
        """Call `to`. Requested once and never repeated: doubt raises `ambiguous`, then use `find` (FW14).

        A carrier that is not `live` plays the `menu`; the others ask `urls` what to say.
        """
        ...

    async def find(self, *, to: str, since: datetime, provider_id: str = "") -> list[FoundCall]:
        """Return calls to this number started at or after `since` (aware), newest first as the carrier lists them.

        A carrier that cannot `search` looks up `provider_id` only, and returns nothing without one.
        """
        ...

    async def hang_up(self, provider_id: str) -> None:
        """End a call; not an error when it has already ended."""
        ...

    def routes(self, host: "VoiceHost") -> Sequence[Route]:
        """Return its webhooks, which verify what they are sent; what is said comes from `host`."""
        ...

    async def examine(self) -> Sequence[Check]:
        """Ask the carrier whether calls can be made: its lines of `jiesu doctor`."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Spoken:
    """What to say, and the number of the next step."""

    prompt: Prompt
    step: int
    attempt_id: int


class VoiceHost(Protocol):
    """Our side of a carrier's webhooks. Its methods raise HookRefused (404: no call of ours) and HostAway."""

    @property
    def address(self) -> str:
        """Our public base URL, without a trailing slash."""
        ...

    @property
    def wait_prompt(self) -> Prompt: ...

    @property
    def unavailable_prompt(self) -> Prompt: ...

    def is_open(self) -> bool:
        """Whether this process may work at all (FD12)."""
        ...

    async def answer(self, attempt_id: int, step: int, event: CallEvent) -> Spoken:
        """Return what to say at a step of a call."""
        ...

    async def answer_inbound(self, event: CallEvent) -> Spoken:
        """Return the first prompt of an incoming call; idempotent (FW7)."""
        ...

    async def announce(self, attempt_id: int) -> Prompt:
        """Return what the second leg of a bridge hears first (P3)."""
        ...

    async def receive_status(self, attempt_id: int, event: CallEvent) -> None:
        """Store a status of a call."""
        ...

    async def report(self, event: CallEvent) -> None:
        """Store a report about a call that got its menu up front; the call is `event.ref`."""
        ...

    def build_alarm(self, cause: str) -> Prompt:
        """Return what is said about an alarm, without the database."""
        ...

    async def record_unknown(self, path: str, provider_id: str = "") -> None:
        """Record a genuine request about an unknown call (FW24)."""
        ...

    def seal(self, attempt_id: int, text: str) -> str:
        """Seal text for a URL of this call (FW10)."""
        ...

    def open_seal(self, attempt_id: int, sealed: str) -> str:
        """Open the sealed text; ValueError if it was not sealed for this call."""
        ...

    def log_failure(self, error: BaseException) -> None:
        """Log that a request could not be answered."""
        ...
