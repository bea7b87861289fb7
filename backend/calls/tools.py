"""What everybody who rings has at hand: the line, the shelves, the rooms they may ask, and the hour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from backend.desk import Desk
from backend.domain.masking import mask_phone
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.texts import Catalogue
from backend.office import Office, Standing
from backend.paper.numbers import normalise
from backend.ports.audit import AuditStore
from backend.ports.calls import CallStore, Talk
from backend.ports.letters import LetterStore
from notify.line import Line
from notify.pace import Pacer

#: How long an attempt may be silent before the carrier is asked: before it is known to be placed, and after.
DOUBT, WATCH = timedelta(seconds=90), timedelta(minutes=15)


class Registry(Protocol):
    """backend/registry.py, as far as callers need it."""

    async def phone_of(self, person: str) -> str | None: ...
    async def person_by_phone(self, phone: str) -> Person | None: ...
    async def has_pin(self, person: str) -> bool: ...
    async def check_pin(self, person: str, pin: str) -> bool: ...


class Post(Protocol):
    """backend/courier.py, as far as callers need it."""

    async def unreachable(self, letter_id: int, why: str) -> None: ...


class Judge(Protocol):
    """What an attempt of a visit (backend/visits.py) or of a bridge (bridging.py) means."""

    async def judge(self, talk: Talk, outcome: str, error: str = "") -> None: ...


class IdSupply(Protocol):
    """Numbers for new rows."""

    async def refill(self, need: int = ...) -> None: ...
    def take(self) -> int: ...


class Ledger(Protocol):
    """backend/marks/ledgers.py, as far as callers need it."""

    async def draft(
        self, kind: str, unit: str, month: str | None = None, *, source: str, note: str = "", evidence: str = "",
        tickets: Sequence[str] = (),
    ) -> bool: ...  # fmt: skip


@dataclass
class Tools:
    """`caller` is our own number (E.164); `public_url` what the carrier calls us, without a slash at the end.

    `wake` is called when new work was made outside a round.
    """

    store: CallStore
    letters: LetterStore
    desk: Desk
    office: Office
    registry: Registry
    courier: Post
    line: Line
    pacer: Pacer
    audit: AuditStore
    catalogue: Catalogue
    caller: str
    public_url: str
    hotline: str
    hotline_name: str
    ids: IdSupply
    wake: Callable[[], None] = lambda: None
    ledger: Ledger | None = None  # where 联系不上 is drafted (B46)

    def now(self) -> datetime:
        """The office's hour."""
        return self.office.clock.now()

    @property
    def hooks(self) -> str:
        """Where the carrier's questions are answered."""
        return f"{self.public_url.rstrip('/')}/hooks/{self.line.name}"

    @property
    def language(self) -> str:
        """The language that is spoken, as carriers write it."""
        return "zh-CN" if self.catalogue.language.startswith("zh") else "en-US"


def callable_number(phone: str | None, standing: Standing) -> str | None:
    """The number if it may be called: E.164, of a country on the list, no premium number (FW31); else None."""
    try:
        return normalise(phone, countries=standing.settings.listing("calls.countries")).e164
    except Refused:
        return None


def masked(number: str, standing: Standing) -> str:
    """A number as it may be shown."""
    return mask_phone(number, standing.settings.text("privacy.phone_mask"))
