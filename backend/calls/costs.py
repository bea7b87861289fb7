"""What calls cost: each is priced once, some minutes after it ended; a month is added up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.calls.budget import CallBudget, compute_budget, find_midnight, find_next_midnight
from backend.calls.dependencies import CallDependencies
from backend.ports.call_records import CostTally
from backend.scoring.periods import get_month_bounds, parse_month
from notify.channel import DeliveryError

BATCH_SIZE = 20
INTERVAL = 60.0  # seconds between runs
MIN_AGE, MAX_AGE = timedelta(minutes=10), timedelta(days=1)  # a price is asked for between these ages


@dataclass(frozen=True, slots=True)
class CostReport:
    """A month's costs, and how much of today's budget is used."""

    month: str
    items: Sequence[CostTally]
    today: CallBudget
    is_stopped: bool
    resets_at: datetime


async def compute_costs(tools: CallDependencies, month: str | None) -> CostReport:
    """Add up a month's costs (default: this month). Refused `bad_month`."""
    now, snapshot = tools.now(), await tools.office.snapshot()
    name = parse_month(month).name if month else f"{now:%Y-%m}"
    return CostReport(
        name,
        await tools.store.sum_costs(*get_month_bounds(name, tools.office.clock.zone)),
        compute_budget(await tools.store.measure_usage(find_midnight(now)), snapshot.settings),
        snapshot.settings.flag("calls.stopped"),
        find_next_midnight(now),
    )


class CallCosts:
    """Fills in prices. Remembers what it asked for in this process only: asking again does no harm."""

    def __init__(self, tools: CallDependencies) -> None:
        self._t = tools
        self._last_run = -INTERVAL
        self._asked: dict[int, datetime] = {}

    async def run_once(self, now: datetime) -> int:
        """Ask for the prices of calls some minutes old; return how many the carrier gave."""
        clock = self._t.clock.monotonic()
        if clock - self._last_run < INTERVAL:
            return 0
        self._last_run = clock
        self._asked = {attempt: at for attempt, at in self._asked.items() if at > now - MAX_AGE}
        found_prices = 0
        for talk in await self._t.store.list_unpriced(now - MAX_AGE, now - MIN_AGE, BATCH_SIZE + len(self._asked)):
            attempt = talk.attempt
            if attempt.id in self._asked:
                continue
            self._asked[attempt.id] = attempt.asked_at
            number = await self._t.store.get_number(talk.call.id)
            try:
                found = await self._t.carriers.choose(number or "", bridge=talk.call.purpose == "bridge").find(
                    to=number or "",
                    since=attempt.asked_at - timedelta(minutes=1),
                    provider_id=attempt.provider_id or "",
                )
            except DeliveryError:
                return found_prices
            cost = next((f.cost for f in found if f.provider_id == attempt.provider_id and f.cost), None)
            if cost is not None:
                await self._t.store.record_cost(attempt.id, cost)
                found_prices += 1
        return found_prices
