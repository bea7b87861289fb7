"""Give the domain's decisions what they need from the office: the snapshot and one moment."""

from collections.abc import Callable, Sequence
from datetime import datetime

from backend.domain import deadlines
from backend.domain.records import Person, Unit
from backend.domain.settings import Settings
from backend.domain.ticket import Category, Grade, Obligation, Role
from backend.office import Standing


class OfficeNow:
    """The World of one act: the office snapshot and one moment."""

    __slots__ = ("_ids", "_now", "standing")

    def __init__(self, snapshot: Standing, now: datetime, ids: Callable[[], int]) -> None:
        self.standing = snapshot
        self._now = now
        self._ids = ids

    @property
    def now(self) -> datetime:
        """The time of the act."""
        return self._now

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.standing.settings

    def due(
        self, kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None
    ) -> datetime:
        """Return when a duty is due."""
        return self.standing.due(kind, grade, category, start, unit)

    def add_limit(self, limit: str, start: datetime, unit: str | None) -> datetime:
        """Return the end of a limit that begins at `start`."""
        return self.standing.later(limit, start, unit)

    def first_check(self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None) -> datetime:
        """Return when the clock must first check a duty."""
        return self.standing.first_look(kind, grade, start, due, unit)

    def visit_start(self, closed_at: datetime) -> datetime:
        """Return when a closed ticket's return visit may begin."""
        return self.standing.visit_start(closed_at)

    def next_open(self, at: datetime, unit: str | None) -> datetime:
        """Return the first instant in office hours at or after `at`."""
        return self.standing.next_open(at, unit)

    def earliest_notice(self, grade: Grade, unit: str | None, due: datetime | None = None) -> datetime:
        """Return when the card of a new ticket may be sent, in time for `due`."""
        return self.standing.may_hand_over(self._now, grade, unit, due)

    def earliest_send(self, planned: datetime, grade: Grade, unit: str | None) -> datetime:
        """Return when a message planned for that instant may be sent."""
        return self.standing.may_tell(planned, self._now, grade, unit)

    def with_review_time(
        self, due: datetime, limit: datetime, decided: datetime, grade: Grade, unit: str | None
    ) -> datetime:
        """Return a closing deadline extended by the time a review took beyond its limit (T10)."""
        snapshot = self.standing
        return deadlines.add_review_time(due, limit, decided, grade, snapshot.settings, snapshot.calendar, unit)

    def unit(self, code: str) -> Unit | None:
        """Return a unit by its code."""
        return self.standing.config.units.get(code)

    def people(self, unit: str, *roles: Role) -> Sequence[Person]:
        """List active people of a unit in these roles."""
        return self.standing.people(unit, *roles)

    def recipients(self, people: Sequence[Person], *, urgent: bool) -> Sequence[Person]:
        """Return the recipients of a message to these people now (代班, 值班)."""
        return self.standing.to_tell(people, self._now, urgent=urgent)

    def contacts(self, unit: str, *, urgent: bool) -> Sequence[Person]:
        """List a unit's people in the order they are contacted now."""
        return self.standing.contacts(unit, self._now, urgent=urgent)

    def person(self, code: str) -> Person | None:
        """Return an active person by their code."""
        return self.standing.by_code.get(code)

    def management_of(self, region: str) -> str | None:
        """Return the institution of a region."""
        return self.standing.management_of(region)

    def new_id(self) -> int:
        """Return an id for a new row."""
        return self._ids()
