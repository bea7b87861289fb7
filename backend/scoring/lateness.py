"""What an assignment costs its unit if it becomes late: two sheets a month, done in time and late (B2, XD8)."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.records import Assignment
from backend.domain.scoring.compute import compute_json
from backend.domain.settings import Settings
from backend.scoring.differences import CENTS, format_change
from backend.scoring.explain_shapes import ItemCost, LatenessCost, MonthCost

Document = dict[str, Any]
#: (month, item) → what is added to numerator and denominator
Terms = dict[tuple[str, str], list[int]]
CollectDocument = Callable[[str, str], Awaitable[tuple[Document, Mapping[str, Any]]]]
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Lateness:
    """One assignment at one instant: `red_at` is when its red card is issued; a mass incident gets none (Q32)."""

    target: Assignment
    now: datetime
    zone: ZoneInfo
    settings: Settings
    red_at: datetime
    mass_incident: bool

    def build_terms(self) -> tuple[Terms, Terms]:
        """Return what the sheets get that they do not have yet: if done in time, and if late.

        What an earlier month carries already, like a card issued then, is in neither.
        """
        in_time: Terms = defaultdict(lambda: [0, 0])
        late: Terms = defaultdict(lambda: [0, 0])
        self._add_signing(in_time, late)
        if self.target.lead and not self.mass_incident:
            self._add_closing(in_time, late)
            self._add_card(in_time, late)
        return in_time, late

    @property
    def current(self) -> str:
        """The month of now."""
        return self._month(self.now)

    @property
    def late_at(self) -> datetime:
        """When it is closed if it becomes late: after its red card."""
        return max(self.now, self.target.close_due_at + SECOND, self.red_at + SECOND)

    def _month(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m}"

    def _reads(self, key: str, word: str) -> bool:
        return self.settings.text(f"scoring.{key}") == word

    def _add_signing(self, in_time: Terms, late: Terms) -> None:
        target = self.target
        if target.signed_at is not None or self.now > target.sign_due_at:
            return  # decided already
        if not target.lead and self._reads("assisting", "none"):
            return
        by_due = self._reads("sign_month", "due")
        place = (self._month(target.sign_due_at if by_due else target.dispatched_at), "sign")
        _add(in_time, place, 1, 1)
        _add(late, place, 0, 1)

    def _add_closing(self, in_time: Terms, late: Terms) -> None:
        due = self.target.close_due_at
        if self._reads("closure_basis", "closed"):
            if self._month(due) >= self.current:
                _add(in_time, (self._month(due), "on_time"), 1, 1)
            _add(late, (self._month(self.late_at), "on_time"), 0, 1)
        elif self._month(due) >= self.current:
            counted = int(due > self.now)  # once due it is in the denominator
            _add(in_time, (self._month(due), "on_time"), 1, counted)
            _add(late, (self._month(due), "on_time"), 0, counted)

    def _add_card(self, in_time: Terms, late: Terms) -> None:
        due, last = self._month(self.target.close_due_at), self._month(self.late_at)
        if self._reads("red_card_month", "closed"):
            _add(late, (last, "red_card"), 1, 0)
        elif self.target.red_card_at is None and self.red_at >= self.now:
            _add(late, (self._month(self.red_at), "red_card"), 1, 0)
        if not self._reads("red_card_basis", "in_hand"):
            return
        if due < self.current:
            _add(in_time, (self.current, "red_card"), 0, -1)  # it would no longer be in hand
        for month in {due, last, *(month for month, _ in (*in_time, *late))}:
            if month > self.current:  # sheets of months to come do not know it yet
                _add(in_time, (month, "red_card"), 0, int(month <= due))
                _add(late, (month, "red_card"), 0, int(month <= last))


def _add(terms: Terms, place: tuple[str, str], numerator: int, denominator: int) -> None:
    pair = terms[place]
    pair[0], pair[1] = pair[0] + numerator, pair[1] + denominator


async def compute_cost(lateness: Lateness, collect: CollectDocument) -> LatenessCost:
    """Compute the cost by month: `months` with both totals, `items` whose score differs, `cost` in all."""
    in_time, late = lateness.build_terms()
    unit = lateness.target.unit
    items: list[ItemCost] = []
    months: list[MonthCost] = []
    for month in sorted({month for month, _ in (*in_time, *late)}):
        document, settings = await collect(month, unit)
        good = compute_json(_apply(document, month, in_time), settings)
        bad = compute_json(_apply(document, month, late), settings)
        scores = {line["item"]: line["score"] for line in bad["lines"]}
        items += [
            {"month": month, "item": line["item"], "name": line["name"], "in_time": line["score"],
             "late": scores[line["item"]], "cost": _subtract(line["score"], scores[line["item"]])}
            for line in good["lines"] if line["score"] != scores[line["item"]]
        ]  # fmt: skip
        months.append({"month": month, "in_time": good["total"], "late": bad["total"],
                       "cost": _subtract(good["total"], bad["total"])})  # fmt: skip
    costly = [one for one in months if Fraction(one["cost"])]
    total = CENTS.format(sum((Fraction(one["cost"]) for one in costly), Fraction(0)))
    nothing: MonthCost = {"month": lateness.current, "in_time": None, "late": None, "cost": "0.00"}
    first = next((one for one in months if one["month"] == lateness.current), months[0] if months else nothing)
    return {"unit": unit, "month": lateness.current, "in_time": first["in_time"], "late": first["late"],
            "items": items, "months": costly, "cost": total, "open": True}  # fmt: skip


def _apply(document: Document, month: str, terms: Terms) -> Document:
    """Return a copy of a month's document with the terms of that month; items it does not score are left out."""
    rates = {item: list(pair) for item, pair in document["rates"].items()}
    for (of, item), (numerator, denominator) in terms.items():
        if of == month and item in rates:
            pair = rates[item]
            pair[0] += numerator
            pair[1] = max(pair[1] + denominator, pair[0])
    found = {**document, "rates": rates, "open": 0}  # this one is decided
    if "assignments" in document:
        found["assignments"] = max(1, document["assignments"])  # it is in hand itself
    return found


def _subtract(one: str | None, other: str | None) -> str:
    return (format_change(other, one) or "0.00").lstrip("+")
