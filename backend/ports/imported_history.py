"""Bulk import of ticket histories: what a record must have, and the store that writes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade, Obligation

ComputeDue = Callable[[Obligation, Grade, Category | None, datetime, str | None], datetime]


class ReturnLike(Protocol):
    """退单 of an assignment."""

    @property
    def submitted_at(self) -> datetime: ...
    @property
    def decision(self) -> str | None: ...
    @property
    def decided_at(self) -> datetime | None: ...


class ExtensionLike(Protocol):
    """A granted extension."""

    @property
    def granted_at(self) -> datetime: ...
    @property
    def new_due_at(self) -> datetime: ...


class AssignmentLike(Protocol):
    """One assignment of a unit."""

    @property
    def unit(self) -> str: ...
    @property
    def lead(self) -> bool: ...
    @property
    def dispatched_at(self) -> datetime: ...
    @property
    def signed_at(self) -> datetime | None: ...
    @property
    def signed(self) -> str | None: ...
    @property
    def returned(self) -> ReturnLike | None: ...
    @property
    def extensions(self) -> Sequence[ExtensionLike]: ...
    @property
    def close_due_at(self) -> datetime | None: ...
    @property
    def closed_at(self) -> datetime | None: ...
    @property
    def red_card(self) -> bool | None: ...
    @property
    def contacted_at(self) -> datetime | None: ...


class VisitLike(Protocol):
    """One return visit."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def answer(self) -> str | None: ...
    @property
    def contacted(self) -> str | None: ...
    @property
    def resolved(self) -> str | None: ...


class ClaimLike(Protocol):
    """不合理诉求 and its decision."""

    @property
    def decision(self) -> str: ...
    @property
    def decided_at(self) -> datetime | None: ...


class HistoryLike(Protocol):
    """A ticket with its whole history (backend.importing.files's HistoryRow is one); units and management are codes here."""

    @property
    def ticket_no(self) -> str: ...
    @property
    def category(self) -> Category: ...
    @property
    def grade(self) -> Grade: ...
    @property
    def channel(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def management(self) -> str | None: ...
    @property
    def generated_at(self) -> datetime: ...
    @property
    def direct_answer(self) -> bool: ...
    @property
    def mass_incident(self) -> bool: ...
    @property
    def confidential(self) -> bool: ...
    @property
    def requester_name(self) -> str | None: ...
    @property
    def requester_phone(self) -> str | None: ...
    @property
    def title(self) -> str | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def place(self) -> str | None: ...
    @property
    def assignments(self) -> Sequence[AssignmentLike]: ...
    @property
    def visits(self) -> Sequence[VisitLike]: ...
    @property
    def unreasonable(self) -> ClaimLike | None: ...


@dataclass(frozen=True, slots=True)
class ImportContext:
    """The context of a bulk import: the instant, who imports, and how missing due times are computed."""

    now: datetime
    by: str
    due: ComputeDue


class HistoryStore(Protocol):
    """Stores ticket histories."""

    async def find_existing(self, numbers: Sequence[str]) -> set[str]:
        """Return which of these ticket numbers exist."""
        ...

    async def write(self, records: Sequence[HistoryLike], context: ImportContext) -> list[bool | Refused]:
        """Write histories, one transaction per chunk; False for a number that exists, Refused if it cannot be dated."""
        ...
