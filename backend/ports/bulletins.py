"""What bulletins are made of: a period's figures as counted, tickets to be reviewed, and the book of issues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.ports.reading import Page


@dataclass(frozen=True, slots=True)
class Span:
    """What is counted: instants from `start` up to but not at `end`, as known at `as_of`."""

    start: datetime
    end: datetime
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Received:
    """受理: so many demands of one channel, category, grade and region, and how many of them were special."""

    channel: str
    category: str
    grade: str
    region: str
    count: int
    direct: int  # answered at the desk, never dispatched
    mass: int
    repeated: int
    bounced: int  # given back twice or more
    merged: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Given:
    """派单 to one unit, by the instant of dispatch, and how it was signed."""

    unit: str
    count: int
    leads: int
    signed: int
    auto: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Closed:
    """办结 by one unit, by the instant of closing (lead assignments)."""

    unit: str
    count: int
    once: int  # extended once
    twice: int
    explained: int  # closed as explained, not to be solved now (A25)


@dataclass(frozen=True, slots=True)
class InHand:
    """One unit's lead assignments: due within the span, warned within it; in hand and overdue at its end."""

    unit: str
    due: int
    yellow: int
    red: int
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests of a kind by what became of them (`decision` "" while open)."""

    kind: str
    decision: str
    count: int


@dataclass(frozen=True, slots=True)
class Visited:
    """回访: tickets visited within the span by the last word so far.

    `verdict` is satisfied, basically_satisfied, unsatisfied, deemed or open; `doubted` when the machine heard 不满意
    first; `manual` when a person visited; `excluded` when the demand was recognised as unreasonable.
    """

    verdict: str
    reached: bool
    doubted: bool
    manual: bool
    excluded: bool
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A span's work in numbers; times in microseconds."""

    received: tuple[Received, ...]
    given: tuple[Given, ...]
    dispatched: int  # tickets
    dispatch_wait: int  # microseconds from 工单生成 to 派单, in all
    dispatch_waited: int  # how many tickets that is of
    closed: tuple[Closed, ...]
    in_hand: tuple[InHand, ...]
    asked: tuple[Asked, ...]
    visited: tuple[Visited, ...]
    supervised: Mapping[str, int]  # outcome of the supervision order ("" while open) → how many


@dataclass(frozen=True, slots=True)
class Problem:
    """A ticket to be reviewed (A17), with the review it got; its title still holds whatever the caller said."""

    no: str
    category: str
    grade: str
    region: str
    unit: str
    title: str
    name: str | None
    unsatisfied: bool
    red: bool
    excluded: bool
    conclusion: str = ""
    responsibility: str = ""
    improvement: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """What only the period itself is asked for."""

    places: tuple[tuple[str, int], ...]  # 地点 as written, and how many demands
    problems: tuple[Problem, ...]
    problems_in_all: int
    late_lines: int  # journal lines of the span written after its end
    months: tuple[tuple[int, int], ...]  # received and closed of each month asked for


@dataclass(frozen=True, slots=True)
class Issue:
    """期: a bulletin's number within its kind and year, and how far its making is. `state`: making, ready, failed."""

    id: int
    kind: str
    period: str
    year: int
    number: int
    revision: int
    state: str
    made_at: datetime
    made_by: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One document of an issue."""

    name: str
    size: int
    sha256: str


class BulletinStore(Protocol):
    """The shelf of the bulletins."""

    async def figures(self, spans: Sequence[Span]) -> Sequence[Figures]:
        """Each span's figures, all on one view of the data."""
        ...

    async def detail(self, span: Span, months: Sequence[tuple[datetime, datetime]], limit: int) -> Detail:
        """The rest of one span; at most `limit` problems, the red ones first."""
        ...

    async def open_issue(
        self, kind: str, period: str, year: int, by: str, at: datetime, wanted: int | None
    ) -> Issue | None:
        """Begin an issue, or one made anew under its number; None when the wanted number is another period's."""
        ...

    async def settle(self, issue_id: int, files: Sequence[tuple[str, bytes]], error: str | None) -> None:
        """Keep its documents in place of earlier ones, or note why there are none."""
        ...

    async def issues(
        self, period: str | None, *, without: str | None = None, before: int | None = None, limit: int = 50
    ) -> Page[tuple[Issue, Sequence[Leaf]]]:
        """A page of issues with their documents, newest first; `without` leaves a kind out."""
        ...

    async def issue(self, issue_id: int) -> tuple[Issue, Sequence[Leaf]] | None:
        """One issue."""
        ...

    async def content(self, issue_id: int, name: str) -> bytes | None:
        """One document."""
        ...
