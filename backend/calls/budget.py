"""How many more calls today's budget allows: a number of calls, and money at the carrier's price (FW31, XM31)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from backend.domain.settings import Settings
from backend.ports.call_records import CallUsage


@dataclass(frozen=True, slots=True)
class CallBudget:
    """Today's budget and what is used of it; money in the carrier's currency, `most_money` None without a limit."""

    used: int
    most: int
    spent: Decimal
    most_money: Decimal | None
    minute_price: Decimal

    @property
    def left(self) -> int:
        """How many more calls may be placed; each costs a minute at least."""
        by_number = self.most - self.used
        if self.most_money is not None and self.minute_price > 0:
            by_number = min(by_number, int((self.most_money - self.spent) // self.minute_price))
        return max(by_number, 0)


def compute_budget(usage: CallUsage, settings: Settings) -> CallBudget:
    """Compute the budget of the day on which so much was used; every minute begun is paid."""
    price, most_money = settings.decimal("calls.minute_price"), settings.text("calls.daily_cost")
    return CallBudget(
        usage.attempts, settings.integer("calls.daily_budget"), usage.minutes * price,
        None if most_money == "none" else Decimal(most_money), price,
    )  # fmt: skip


def find_midnight(now: datetime) -> datetime:
    """Return when the day of a local instant began; the budget begins anew each midnight."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def find_next_midnight(now: datetime) -> datetime:
    """Return when the next budget begins."""
    return find_midnight(now) + timedelta(days=1)
