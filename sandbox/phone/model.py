"""What the phone network remembers of calls, text messages and recordings; plain data that can be saved."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


class Pickup(StrEnum):
    """What comes of ringing a number."""

    ANSWER = "answer"
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    REJECT = "reject"
    CANCELED = "canceled"
    MANUAL = "manual"


STATUS_OF = {
    Pickup.BUSY: "busy",
    Pickup.REJECT: "busy",
    Pickup.NO_ANSWER: "no-answer",
    Pickup.FAILED: "failed",
    Pickup.CANCELED: "canceled",
}


@dataclass
class Line:
    """A line of what was said or pressed in a call; `who` is line, person or note."""

    who: str
    text: str
    language: str = ""


@dataclass
class Hook:
    """A URL of the account's owner and the method it wants."""

    url: str
    method: str = "POST"


@dataclass
class CallPlan:
    """What the owner asked for when creating a call."""

    url: Hook | None = None
    twiml: str | None = None
    fallback: Hook | None = None
    status: Hook | None = None
    events: tuple[str, ...] = ("completed",)
    timeout: int = 60
    machine_detection: str = ""
    async_amd: bool = False
    amd_callback: Hook | None = None


@dataclass
class Call:
    """One call leg; `elapsed` is the simulated length in seconds since the answer."""

    sid: str
    to: str
    caller: str
    direction: str  # outbound-api, outbound-dial, inbound
    created_at: datetime
    created_monotonic: float = 0.0
    status: str = "queued"
    parent_sid: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    answered_by: str | None = None
    elapsed: float = 0.0
    sequence: int = 0
    keys: str = ""
    lines: list[Line] = field(default_factory=list)
    plan: CallPlan = field(default_factory=CallPlan)

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in ENDED

    @property
    def heard(self) -> str:
        """Everything the line has said, in order."""
        return "\n".join(line.text for line in self.lines if line.who == "line")

    @property
    def seconds(self) -> int:
        """Billed whole seconds; 0 for a call that nobody answered."""
        return 0 if self.start_at is None else max(1, round(self.elapsed))

    def close(self, status: str, now: datetime) -> None:
        """Set the final status and times."""
        self.status = status
        self.end_at = now if self.start_at is None else self.start_at + timedelta(seconds=self.seconds)


@dataclass
class Sms:
    """A text message to a phone."""

    sid: str
    to: str
    sender: str
    body: str
    at: datetime
    status: str = "queued"


@dataclass
class Recording:
    """A recording: its length in seconds and, as we cannot record voices, the words typed into it."""

    sid: str
    call_sid: str
    seconds: int
    words: str
    at: datetime


@dataclass
class Fetched:
    """One request the network made to the owner's hooks, for tests to read."""

    purpose: str
    url: str
    params: dict[str, str]
    status: int | None
    facts: dict[str, Any] = field(default_factory=dict)
