"""Count a month's visits by unit and by agent: visited, reached, completed, each answer, cost (A35, B43)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Answer
from backend.domain.visit_outcome import is_valid_answer
from backend.office.cache import OfficeCache
from backend.ports.visits import CallTally, VisitStore, VisitTally

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(slots=True)
class VisitFigures:
    """Counts of one unit, or of one agent. `deemed` is counted beside the answers; `cost` is by currency."""

    visited: int = 0  # recorded visits, including attempts that reached nobody
    reached: int = 0  # a person answered
    final: int = 0
    deemed: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    dials: int = 0
    completed: int = 0  # calls whose script ran to its end
    outcomes: dict[str, int] = field(default_factory=dict)
    cost: dict[str, Decimal] = field(default_factory=dict)

    @property
    def cost_per_visit(self) -> dict[str, str]:
        """Average cost of one visit call by currency, to four decimal places."""
        return {c: str((sum_ / self.calls).quantize(Decimal("0.0001"))) for c, sum_ in self.cost.items() if self.calls}

    def add_visits(self, tally: VisitTally) -> None:
        """Add a tally of visits."""
        self.visited += tally.count
        self.reached += tally.count if is_valid_answer(Answer(tally.answer)) else 0
        self.final += tally.count if tally.decisive else 0
        self.deemed += tally.count if tally.deemed_satisfied else 0
        self.answers[tally.answer] = self.answers.get(tally.answer, 0) + tally.count

    def add_calls(self, tally: CallTally) -> None:
        """Add a tally of calls."""
        self.calls += tally.calls
        self.dials += tally.attempts
        self.completed += tally.calls if tally.outcome == "completed" else 0
        self.outcomes[tally.outcome] = self.outcomes.get(tally.outcome, 0) + tally.calls
        for written in tally.costs:
            for amount, currency in _parse_costs(written):
                self.cost[currency] = self.cost.get(currency, Decimal(0)) + amount


@dataclass(frozen=True, slots=True)
class VisitMonth:
    """The visits of one month."""

    month: str
    total: VisitFigures
    units: Mapping[str, VisitFigures]
    agents: Mapping[str, VisitFigures]


class VisitStatistics:
    """Counts visits."""

    def __init__(self, store: VisitStore, office: OfficeCache) -> None:
        self._store = store
        self._office = office

    async def compute_month(self, month_text: str, unit: str | None = None) -> VisitMonth:
        """Return the figures of a month (`2026-11`; empty: this one), of one unit or of all. Refused `bad_month`."""
        since, until = self._bounds(month_text)
        visits = await self._store.count_visits(since, until)
        calls = await self._store.count_calls(since, until)
        if unit is not None:
            visits = [v for v in visits if v.unit == unit]
            calls = [c for c in calls if c.unit == unit]
        units = _group_by_unit(visits, calls)
        agents: dict[str, VisitFigures] = {}
        for tally in visits:
            if tally.by and unit is None:
                agents.setdefault(tally.by, VisitFigures()).add_visits(tally)
        total = VisitFigures()
        for tally in visits:
            total.add_visits(tally)
        for call in calls:
            total.add_calls(call)
        return VisitMonth(since.strftime("%Y-%m"), total, units, agents)

    def _bounds(self, written: str) -> tuple[datetime, datetime]:
        now = self._office.clock.now()
        found = _MONTH.fullmatch(written or now.strftime("%Y-%m"))
        if found is None or not 2000 <= int(found[1]) <= 2100:
            raise Refused("bad_month", value=written[:40])
        first = datetime(int(found[1]), int(found[2]), 1, tzinfo=self._office.clock.zone)
        return first, (first.replace(day=28) + (first.replace(day=5) - first)).replace(day=1)


def _group_by_unit(visits: Sequence[VisitTally], calls: Sequence[CallTally]) -> dict[str, VisitFigures]:
    units: dict[str, VisitFigures] = {}
    for tally in visits:
        units.setdefault(tally.unit, VisitFigures()).add_visits(tally)
    for call in calls:
        units.setdefault(call.unit, VisitFigures()).add_calls(call)
    return dict(sorted(units.items()))


def _parse_costs(cost_text: str) -> Iterable[tuple[Decimal, str]]:
    """Parse `0.0210 USD` (or several, joined by +) into amounts and currencies."""
    for part in cost_text.split("+"):
        amount, _, currency = part.strip().partition(" ")
        if re.fullmatch(r"\d+(\.\d+)?", amount):
            yield Decimal(amount), currency or "-"
