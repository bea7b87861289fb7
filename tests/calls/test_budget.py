"""The day's budget of calls counts their number and their money (FW31, XM31)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.calls.budget import compute_budget
from backend.domain.settings import Settings
from backend.ports.call_records import CallUsage
from tests.calls.world import H1, World


@given(
    st.integers(0, 3000), st.integers(0, 9000), st.integers(0, 3000),
    st.decimals("0", "9", places=3), st.one_of(st.none(), st.decimals("0", "900", places=2)),
)  # fmt: skip
def test_no_more_calls_are_placed_than_both_budgets_pay_for_XM31(
    used: int, minutes: int, most: int, price: Decimal, money: Decimal | None
) -> None:
    written = {"calls.daily_budget": str(most), "calls.minute_price": str(price)}
    settings = Settings(written | ({} if money is None else {"calls.daily_cost": str(money)}))
    budget = compute_budget(CallUsage(used, minutes), settings)
    assert 0 <= budget.left <= max(most - used, 0)
    if money is None or price == 0:
        assert budget.left == max(most - used, 0)
    else:
        assert budget.left == 0 or (minutes + budget.left) * price <= money
        assert budget.left == max(most - used, 0) or (minutes + budget.left + 1) * price > money


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.proves("calls.daily_cost", "calls.minute_price")
@pytest.mark.parametrize(("price", "calls"), [("1", 1), ("0.9", 2)])
async def test_a_call_that_the_days_money_does_not_pay_for_is_not_placed_XM31(
    world: World, price: str, calls: int
) -> None:
    await world.set_setting("calls.minute_price", price)
    await world.set_setting("calls.daily_cost", "1.8")
    world.phone(H1).answer_with(["1"])
    for no in ("T1", "T2", "T3"):
        await world.dispatch_ticket(no)
        await world.settle()
        await world.advance(minutes=2)
    assert world.count_calls() == calls
    costs = await world.calls.compute_costs(None)
    assert (costs.today.left, costs.today.spent) == (0, calls * Decimal(price))
