"""Protocol of an SMS gateway, and the rules per country."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from notify.driver import Check, Route
from notify.message import Receipt
from notify.rate_limit import Bucket


@dataclass(frozen=True)
class SmsRules:
    """Rules for SMS to numbers with one prefix. Text is cut to `max_chars` characters."""

    two_way: bool
    links: bool
    max_chars: int


@dataclass(frozen=True)
class SmsCapabilities:
    """Rules by number prefix, the longest match wins; `otherwise` for the rest."""

    by_prefix: tuple[tuple[str, SmsRules], ...]
    otherwise: SmsRules
    serves: tuple[str, ...] = ()  # prefixes it reaches; () all

    def reaches(self, number: str) -> bool:
        """Whether the gateway sends to this number (E.164)."""
        return not self.serves or number.startswith(self.serves)

    def find_rules(self, number: str) -> SmsRules:
        """Return the rules for an E.164 number."""
        matches = [(len(prefix), rules) for prefix, rules in self.by_prefix if number.startswith(prefix)]
        return max(matches, key=lambda match: match[0])[1] if matches else self.otherwise


class SmsStatus(StrEnum):
    """Status of an SMS; `""` when the report does not say."""

    NOT_GIVEN = ""
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


@dataclass(frozen=True)
class SmsEvent:
    """One delivery report in our terms."""

    provider_id: str
    status: SmsStatus = SmsStatus.NOT_GIVEN
    account: str = ""
    error_code: str = ""


class SmsGateway(Protocol):
    """An SMS gateway. Its awaitable methods raise DeliveryError and nothing else."""

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> SmsCapabilities: ...

    def buckets(self) -> tuple[Bucket, ...]: ...

    async def send(self, to: str, text: str, *, status_url: str = "") -> Receipt:
        """Send plain text to an E.164 number; cut when too long. A link where none is allowed is `permanent`."""
        ...

    def routes(self, host: "SmsHost") -> Sequence[Route]:
        """Return its webhooks, which verify what they are sent."""
        ...

    async def examine(self) -> Sequence[Check]:
        """Ask the gateway whether it can send: its lines of `jiesu doctor`."""
        ...

    async def close(self) -> None: ...


class SmsHost(Protocol):
    """Our side of a gateway's webhooks. Its methods raise HookRefused (404: no SMS of ours) and HostAway."""

    def is_open(self) -> bool:
        """Whether this process may work at all (FD12)."""
        ...

    async def receive(self, from_: str, text: str) -> None:
        """Store a reply; a repeated one has one effect."""
        ...

    async def report(self, text_id: int, event: SmsEvent) -> None:
        """Store the status of one of ours."""
        ...

    async def record_unknown(self, path: str, provider_id: str = "") -> None:
        """Record a genuine request about an unknown SMS (FW24)."""
        ...

    def log_failure(self, error: BaseException) -> None:
        """Log that a request could not be answered."""
        ...
