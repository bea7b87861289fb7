"""Data of the simulated phone network: calls, SMS and recordings; plain data that can be saved."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


class Pickup(StrEnum):
    """The result of ringing a number."""

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
class TranscriptLine:
    """A line of a call's transcript; `who` is line (the carrier), person or note."""

    who: str
    text: str
    language: str = ""


@dataclass
class HookUrl:
    """A URL of the account owner, with its method."""

    url: str
    method: str = "POST"


@dataclass
class CallPlan:
    """The account owner's parameters of a call."""

    url: HookUrl | None = None
    twiml: str | None = None
    fallback: HookUrl | None = None
    status: HookUrl | None = None
    events: tuple[str, ...] = ("completed",)
    timeout: int = 60
    machine_detection: str = ""
    async_amd: bool = False
    amd_callback: HookUrl | None = None


@dataclass
class Call:
    """One call leg; `elapsed` is the simulated length in seconds since the answer."""

    sid: str
    to: str
    caller: str
    direction: str  # outbound-api, outbound-dial, inbound
    created_at: datetime
    status: str = "queued"
    parent_sid: str | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    answered_by: str | None = None
    elapsed: float = 0.0
    sequence: int = 0
    keys: str = ""
    lines: list[TranscriptLine] = field(default_factory=list)
    plan: CallPlan = field(default_factory=CallPlan)

    @property
    def ended(self) -> bool:
        """Whether the call has its final status."""
        return self.status in ENDED

    @property
    def heard(self) -> str:
        """Everything said to the person, in order."""
        return "\n".join(line.text for line in self.lines if line.who == "line")

    @property
    def seconds(self) -> int:
        """Billed whole seconds; 0 for an unanswered call."""
        return 0 if self.start_at is None else max(1, round(self.elapsed))

    def close(self, status: str, now: datetime) -> None:
        """Set the final status and times."""
        self.status = status
        self.end_at = now if self.start_at is None else self.start_at + timedelta(seconds=self.seconds)


@dataclass
class Sms:
    """An SMS to a phone."""

    sid: str
    to: str
    sender: str
    body: str
    at: datetime
    status: str = "queued"


@dataclass
class Recording:
    """A recording: its length in seconds and, as no voice is recorded, the typed text."""

    sid: str
    call_sid: str
    seconds: int
    words: str
    at: datetime


@dataclass
class SentRequest:
    """One request of the network to the owner's webhooks, for tests to read."""

    purpose: str
    url: str
    params: dict[str, str]
    status: int | None
    facts: dict[str, Any] = field(default_factory=dict)
