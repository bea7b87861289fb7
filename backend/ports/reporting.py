"""The data of bulletins: a period's figures, tickets to be reviewed, and the issues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.ports.ticket_queries import Page


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """What to count: instants from `start` to before `end`, as known at `as_of`."""

    start: datetime
    end: datetime
    as_of: datetime


@dataclass(frozen=True, slots=True)
class ReceivedCount:
    """受理: the demands of one channel, category, grade and region, and how many were special."""

    channel: str
    category: str
    grade: str
    region: str
    count: int
    direct: int  # answered at intake, never dispatched
    mass: int
    repeated: int
    bounced: int  # returned twice or more
    merged: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class DispatchCount:
    """派单 to one unit, by the instant of dispatch, and how it was signed."""

    unit: str
    count: int
    leads: int
    signed: int
    auto: int
    waiting: int


@dataclass(frozen=True, slots=True)
class ClosedCount:
    """办结 by one unit, by the instant of closing (lead assignments)."""

    unit: str
    count: int
    once: int  # extended once
    twice: int
    explained: int  # closed as explained, not to be solved now (A25)


@dataclass(frozen=True, slots=True)
class WorkloadCount:
    """One unit's lead assignments: due and warned within the period; open and overdue at its end.

    Mass incidents are neither due nor overdue (B37).
    """

    unit: str
    due: int
    yellow: int
    red: int
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class RequestCount:
    """Requests of a kind by decision ("" while open)."""

    kind: str
    decision: str
    count: int


@dataclass(frozen=True, slots=True)
class VisitedCount:
    """回访: tickets visited within the period, by the latest answer.

    `verdict` is satisfied, basically_satisfied, unsatisfied, deemed or open; `doubted` if the automatic visit heard 不满意
    first; `manual` if a person visited; `excluded` if the demand was recognised as unreasonable.
    """

    verdict: str
    reached: bool
    doubted: bool
    manual: bool
    unreasonable: bool
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A period's work in numbers; times in microseconds."""

    received: tuple[ReceivedCount, ...]
    dispatches: tuple[DispatchCount, ...]
    dispatched_tickets: int  # tickets
    dispatch_wait: int  # microseconds from 工单生成 to 派单, in total
    dispatch_waited: int  # the number of tickets in that total
    closed: tuple[ClosedCount, ...]
    in_hand: tuple[WorkloadCount, ...]
    requests: tuple[RequestCount, ...]
    visited: tuple[VisitedCount, ...]
    supervised: Mapping[str, int]  # outcome of the supervision ("" while open) → count


@dataclass(frozen=True, slots=True)
class ProblemTicket:
    """A ticket to be reviewed (A17), with its review; the title is unmasked, as the requester gave it."""

    ticket_no: str
    category: str
    grade: str
    region: str
    unit: str
    title: str
    name: str | None
    unsatisfied: bool
    red: bool
    unreasonable: bool
    conclusion: str = ""
    responsibility: str = ""
    improvement: str = ""


@dataclass(frozen=True, slots=True)
class PeriodDetail:
    """What is loaded only for the period itself."""

    places: tuple[tuple[str, int], ...]  # 地点 as written, and how many demands
    problems: tuple[ProblemTicket, ...]
    problems_in_all: int
    late_lines: int  # journal lines of the period written after its end
    months: tuple[tuple[int, int], ...]  # received and closed, for each month requested


@dataclass(frozen=True, slots=True)
class BulletinIssue:
    """期: a bulletin's number within its kind and year, and the state of its production: making, ready, failed."""

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
class IssueDocument:
    """One document of an issue."""

    name: str
    size: int
    sha256: str


class BulletinStore(Protocol):
    """Stores bulletin issues and counts their figures."""

    async def count_figures(self, periods: Sequence[ReportPeriod]) -> Sequence[Figures]:
        """Count the figures of each period, all on one view of the data."""
        ...

    async def load_detail(
        self, period: ReportPeriod, months: Sequence[tuple[datetime, datetime]], limit: int
    ) -> PeriodDetail:
        """Load the rest of one period; at most `limit` problems, red cards first."""
        ...

    async def open_issue(
        self, kind: str, period: str, year: int, by: str, at: datetime, wanted_number: int | None
    ) -> BulletinIssue | None:
        """Begin an issue, or a new revision under its number; None if the wanted number belongs to another period."""
        ...

    async def finish_issue(self, issue_id: int, files: Sequence[tuple[str, bytes]], error: str | None) -> None:
        """Replace the issue's documents, or record why there are none."""
        ...

    async def list_issues(
        self, period: str | None, *, except_kind: str | None = None, before: int | None = None, limit: int = 50
    ) -> Page[tuple[BulletinIssue, Sequence[IssueDocument]]]:
        """Return a page of issues with their documents, newest first; `except_kind` is left out."""
        ...

    async def get_issue(self, issue_id: int) -> tuple[BulletinIssue, Sequence[IssueDocument]] | None:
        """Return one issue with its documents."""
        ...

    async def load_document(self, issue_id: int, name: str) -> bytes | None:
        """Return the content of one document."""
        ...


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """How quickly one unit took up its assignments; seconds, None if there were none."""

    unit: str
    dispatched: int
    signed: int
    sign_mean: float | None
    sign_longest: int | None
    contacted: int
    contact_mean: float | None
    contact_longest: int | None
    repeats: int  # of these, repeated demands
    assisted: int  # assignments as an assisting unit
    assist_answered: int  # of these, answered or finished


class IndicatorStore(Protocol):
    """Counts indicators."""

    async def count_response_times(self, start: datetime, end: datetime, unit: str | None) -> Sequence[ResponseTimes]:
        """Count, by unit, what was dispatched from `start` and before `end`."""
        ...

    async def count_repeats(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Count the demands generated in that time, and the repeats among them."""
        ...
