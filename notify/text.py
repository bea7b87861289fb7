"""The promise of a short-message carrier, and what each country lets it do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from notify.line import Fields
from notify.message import Receipt
from notify.pace import Bucket


@dataclass(frozen=True)
class TextRules:
    """What texts to numbers with one prefix may be. `max_chars` counts characters, cut by design."""

    two_way: bool
    links: bool
    max_chars: int


@dataclass(frozen=True)
class TextCapabilities:
    """Rules by number prefix, the longest match counts; `otherwise` for the rest."""

    by_prefix: tuple[tuple[str, TextRules], ...]
    otherwise: TextRules

    def for_number(self, number: str) -> TextRules:
        """The rules for an E.164 number."""
        matches = [(len(prefix), rules) for prefix, rules in self.by_prefix if number.startswith(prefix)]
        return max(matches, key=lambda match: match[0])[1] if matches else self.otherwise


class TextStatus(StrEnum):
    """How far a text came; `""` when the message does not say."""

    UNSAID = ""
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


@dataclass(frozen=True)
class TextEvent:
    """One delivery report, in our words."""

    provider_id: str
    status: TextStatus = TextStatus.UNSAID
    account: str = ""
    error_code: str = ""


class Texter(Protocol):
    """A short-message carrier. Its awaitable methods raise DeliveryError and nothing else."""

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> TextCapabilities: ...

    def buckets(self) -> tuple[Bucket, ...]: ...

    async def send(self, to: str, text: str, *, status_url: str = "") -> Receipt:
        """Send plain words to an E.164 number; too long is cut, a link where none is allowed is permanent."""
        ...

    def read(self, params: Fields) -> TextEvent:
        """A delivery report in our words; never raises."""
        ...

    async def close(self) -> None: ...
