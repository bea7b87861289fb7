"""Give the domain's decisions what they need from the office: the snapshot and one moment."""

from collections.abc import Callable, Sequence
from datetime import datetime

from backend.domain import deadlines
from backend.domain.records import Person, Unit
from backend.domain.settings import Settings
from backend.domain.ticket_enums import Category, Grade, Obligation, Role
from backend.office.cache import OfficeSnapshot


class DecisionContext:
    """What one act is decided by: the office snapshot and one moment."""

    __slots__ = ("_ids", "_moment", "snapshot")

    def __init__(self, snapshot: OfficeSnapshot, now: datetime, ids: Callable[[], int]) -> None:
        self.snapshot = snapshot
        self._moment = now
        self._ids = ids

    @property
    def now(self) -> datetime:
        """The time of the act."""
        return self._moment

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.snapshot.settings

    def due(
        self, kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None
    ) -> datetime:
        """Return when a duty is due."""
        return self.snapshot.due(kind, grade, category, start, unit)

    def add_limit(self, limit: str, start: datetime, unit: str | None) -> datetime:
        """Return the end of a limit that begins at `start`."""
        return self.snapshot.add_limit(limit, start, unit)

    def first_check(self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None) -> datetime:
        """Return when the clock must first check a duty."""
        return self.snapshot.first_check(kind, grade, start, due, unit)

    def visit_start(self, closed_at: datetime) -> datetime:
        """Return when a closed ticket's return visit may begin."""
        return self.snapshot.visit_start(closed_at)

    def next_open(self, at: datetime, unit: str | None) -> datetime:
        """Return the first instant in office hours at or after `at`."""
        return self.snapshot.next_open(at, unit)

    def earliest_notice(self, grade: Grade, unit: str | None, due: datetime | None = None) -> datetime:
        """Return when the card of a new ticket may be sent, in time for `due`."""
        return self.snapshot.earliest_notice(self._moment, grade, unit, due)

    def earliest_send(self, planned: datetime, grade: Grade, unit: str | None) -> datetime:
        """Return when a message planned for that instant may be sent."""
        return self.snapshot.earliest_send(planned, self._moment, grade, unit)

    def with_review_time(
        self, due: datetime, limit: datetime, decided: datetime, grade: Grade, unit: str | None
    ) -> datetime:
        """Return a closing deadline extended by the time a review took beyond its limit (T10)."""
        snapshot = self.snapshot
        return deadlines.add_review_time(due, limit, decided, grade, snapshot.settings, snapshot.calendar, unit)

    def unit(self, code: str) -> Unit | None:
        """Return a unit by its code."""
        return self.snapshot.config.units.get(code)

    def people(self, unit: str, *roles: Role) -> Sequence[Person]:
        """List active people of a unit in these roles."""
        return self.snapshot.people(unit, *roles)

    def recipients(self, people: Sequence[Person], *, urgent: bool) -> Sequence[Person]:
        """Return the recipients of a message to these people now (代班, 值班)."""
        return self.snapshot.recipients(people, self._moment, urgent=urgent)

    def contacts(self, unit: str, *, urgent: bool) -> Sequence[Person]:
        """List a unit's people in the order they are contacted now."""
        return self.snapshot.contacts(unit, self._moment, urgent=urgent)

    def person(self, code: str) -> Person | None:
        """Return an active person by their code."""
        return self.snapshot.by_code.get(code)

    def new_id(self) -> int:
        """Return an id for a new row."""
        return self._ids()
