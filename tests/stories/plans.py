"""What the people of the month's story will do about each petition: drawn by lot once, from a fixed seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.stories.office import ZONE

WORKING_DAYS = {"consult": 2, "help": 5, "complaint": 5, "suggestion": 10}  # to close a general ticket
CLOSING_TIME = time(17)

#: How a ticket is signed; of a hundred.
SIGNING = {"button": 42, "reply": 22, "phone": 16, "nobody": 20}
#: What becomes of it; of a hundred.
OUTCOMES = {
    "close": 52, "late": 9, "never": 5, "return": 7, "return_refused": 5, "extend": 12, "extend_twice": 4,
    "extend_refused": 3, "extend_late": 3,
}  # fmt: skip
#: What a requester does when called back: the key pressed at V4, or something else.
ANSWERS = {"1": 44, "2": 16, "3": 22, "nobody": 7, "hangs_up": 5, "machine": 3, "no_more": 3}
#: What they tell a person who calls after a no.
SECOND_ANSWERS = {"unsatisfied": 45, "satisfied": 25, "basically_satisfied": 15, "unreached": 15}
CATEGORIES = {"help": 50, "complaint": 25, "consult": 18, "suggestion": 7}


def workday(day: date, number: int = 1) -> date:
    """The working day `number` working days after `day`; that winter has no holidays but weekends."""
    while number:
        day += timedelta(days=1)
        number -= day.weekday() < 5
    return day


def at(day: date, clock: str) -> datetime:
    """A time of a day."""
    return datetime.combine(day, time.fromisoformat(clock), ZONE)


@dataclass
class Case:
    """One petition in one unit's hands, with what its people will do."""

    no: str
    unit: str
    category: str
    urgent: bool
    phone: str
    day: date  # of the dispatch
    signing: str
    outcome: str
    answer: str
    second_answer: str
    history: dict[str, Any] = field(default_factory=dict)  # what was done and when, in the words of contract §4
    extension_requests: int = 0

    def due(self, kind: str, dispatched: datetime) -> datetime:
        """When this is due, counted by hand: end of the next working day; so many working days; hours if urgent."""
        if self.urgent:
            return dispatched + timedelta(hours={"close": 24}.get(kind, 2))
        days = WORKING_DAYS[self.category] if kind == "close" else 1
        return datetime.combine(workday(self.day, days), CLOSING_TIME, ZONE)

    @property
    def last_day(self) -> date:
        """The day on whose evening it is due."""
        return workday(self.day, WORKING_DAYS[self.category])


def _choose(rng: random.Random, weights: Mapping[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def draw(petitions: list[str], units: list[str], days: list[date], seed: int) -> list[Case]:
    """A case for each petition: units by turn, days one after the other, everything else by lot."""
    rng = random.Random(seed)
    cases = []
    for n, no in enumerate(petitions):
        day = days[n * len(days) // len(petitions)]
        urgent = n % 17 == 5
        category = "complaint" if urgent else _choose(rng, CATEGORIES)
        signing, outcome = _choose(rng, SIGNING), _choose(rng, OUTCOMES)
        if urgent:
            signing, outcome = rng.choice(["phone", "button"]), "close"
        if category == "suggestion" or (category == "consult" and outcome.startswith("extend")):
            outcome = "close"
        cases.append(Case(
            no, units[n % len(units)], category, urgent, f"+861390001{n:04d}", day, signing, outcome,
            _choose(rng, ANSWERS), _choose(rng, SECOND_ANSWERS),
        ))  # fmt: skip
    return cases
