"""Protocol of an SMS gateway, and the rules per country."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from notify.line import Fields
from notify.message import Receipt
from notify.pace import Bucket


@dataclass(frozen=True)
class TextRules:
    """Rules for SMS to numbers with one prefix. Text is cut to `max_chars` characters."""

    two_way: bool
    links: bool
    max_chars: int


@dataclass(frozen=True)
class TextCapabilities:
    """Rules by number prefix, the longest match wins; `otherwise` for the rest."""

    by_prefix: tuple[tuple[str, TextRules], ...]
    otherwise: TextRules

    def for_number(self, number: str) -> TextRules:
        """Return the rules for an E.164 number."""
        matches = [(len(prefix), rules) for prefix, rules in self.by_prefix if number.startswith(prefix)]
        return max(matches, key=lambda match: match[0])[1] if matches else self.otherwise


class TextStatus(StrEnum):
    """Status of an SMS; `""` when the report does not say."""

    UNSAID = ""
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


@dataclass(frozen=True)
class TextEvent:
    """One delivery report in our terms."""

    provider_id: str
    status: TextStatus = TextStatus.UNSAID
    account: str = ""
    error_code: str = ""


class Texter(Protocol):
    """An SMS gateway. Its awaitable methods raise DeliveryError and nothing else."""

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> TextCapabilities: ...

    def buckets(self) -> tuple[Bucket, ...]: ...

    async def send(self, to: str, text: str, *, status_url: str = "") -> Receipt:
        """Send plain text to an E.164 number; cut when too long. A link where none is allowed is `permanent`."""
        ...

    def read(self, params: Fields) -> TextEvent:
        """Parse a delivery report; never raises."""
        ...

    async def close(self) -> None: ...
