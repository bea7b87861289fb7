"""Nobody is called twice for one message, whatever happens to requests and callbacks (FW4-FW7, FW14-FW17, G13)."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.calls.carriers import Carriers
from notify.rate_limit import LocalRateLimiter
from sandbox.faults import Fault
from sandbox.twilio.webhooks import CallbackOrder
from storage import tables as t
from tests.calls.world import H1, H2, World, build_carrier
from tests.figures import Figures

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_connection_cut_after_the_carrier_accepted_means_one_call_FW14(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.simulator.phones.faults.plan_next(Fault.CUT_AFTER, where="POST")
    await world.dispatch_ticket()
    await world.advance(hours=1)
    assert world.count_calls() == 1
    assert ((await world.call()).outcome, (await world.message()).state) == ("confirmed", "sent")
    assert (await world.attempt()).provider_id == world.simulator.phones.calls_made[0].sid


async def test_with_every_callback_lost_the_carrier_is_asked_before_anybody_is_called_again_FW14_G13(
    world: World,
) -> None:
    world.phone(H1).ring_out()
    world.simulator.phones.webhooks.lost_statuses = frozenset(
        {"initiated", "ringing", "in-progress", "completed", "no-answer"}
    )
    world.simulator.phones.faults.plan_next(Fault.CUT_AFTER, where="POST")
    await world.dispatch_ticket()
    await world.settle()
    assert (await world.attempt()).state == "ambiguous"
    await world.advance(seconds=89)
    assert world.count_calls() == 1 and (await world.attempt()).outcome is None
    await world.advance(seconds=2)
    attempt = await world.attempt()
    assert (attempt.outcome, attempt.status, attempt.provider_id) == (
        "no_answer",
        "no-answer",
        world.simulator.phones.calls_made[0].sid,
    )
    assert world.count_calls() == 1
    await world.advance(minutes=5)
    assert world.count_calls() == 2, "the next of the three attempts, at its own time"


async def test_a_call_the_carrier_never_got_is_made_again_after_ninety_seconds_FW14(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.simulator.phones.faults.plan_next(Fault.CUT_BEFORE, where="POST")
    await world.dispatch_ticket()
    await world.advance(seconds=60)
    assert world.count_calls() == 0
    world.simulator.phones.faults.plan_next(Fault.UNAVAILABLE, where="GET")  # the carrier cannot be asked either
    await world.advance(seconds=60)
    assert world.count_calls() == 0
    await world.advance(seconds=90)
    assert world.count_calls() == 1 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.EMPTY, Fault.TRUNCATED])
async def test_an_unreadable_answer_of_the_carrier_means_one_call_FW15(world: World, fault: Fault) -> None:
    world.phone(H1).answer_with(["1"])
    world.simulator.phones.faults.plan_next(fault, where="POST")
    await world.dispatch_ticket()
    await world.advance(minutes=10)
    assert world.count_calls() == 1 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_after_too_many_requests_the_call_waits_and_is_made_once_FW15(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.simulator.phones.faults.plan_next(Fault.TOO_MANY, where="POST")
    await world.dispatch_ticket()
    await world.advance(minutes=2)
    assert world.count_calls() == 1 and (await world.call()).outcome == "confirmed"
    assert [d.outcome for d in await world.rows(t.call_attempts)] == ["carrier_failed", "confirmed"]


@ONE_ENGINE
@pytest.mark.parametrize("order", [CallbackOrder.REVERSED, CallbackOrder.DOUBLED])
async def test_disordered_and_doubled_callbacks_change_nothing_FW5_FW6(world: World, order: CallbackOrder) -> None:
    world.simulator.phones.webhooks.order = order
    world.simulator.phones.webhooks.fetch_twice = True  # FW7: every document is fetched twice
    world.phone(H1).answer_with(["9", "2", "2580#"])
    await world.dispatch_ticket()
    await world.settle()
    attempt, call = await world.attempt(), await world.call()
    assert (attempt.status, call.outcome, call.keys, world.count_calls()) == ("completed", "signed", "92****", 1)
    assert (await world.load()).ticket.version == 3
    assert call.duration == attempt.duration > 0


@ONE_ENGINE
async def test_a_lost_final_status_is_asked_for_in_the_end(world: World) -> None:
    world.simulator.phones.webhooks.lost_statuses = frozenset({"busy"})
    world.phone(H1).be_busy()
    world.phone(H2).answer_with(["1"])
    await world.dispatch_ticket()
    await world.settle()
    assert (await world.call()).state == "live"
    world.simulator.phones.webhooks.lost_statuses = frozenset()
    await world.advance(minutes=16)
    assert (await world.attempt(0)).outcome == "busy"
    await world.advance(minutes=30)
    assert world.count_calls(H1) == 3 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_callbacks_may_be_quicker_than_our_own_commit_FW16(world: World) -> None:
    """The carrier's answer is slow, so the call is over before we know its id."""
    world.phone(H1).answer_with(["1"])
    world.simulator.phones.faults.plan_next(Fault.DELAY, where="POST", seconds=0.3)
    await world.dispatch_ticket()
    await world.calls.run_once()
    await world.settle()
    assert (await world.call()).outcome == "confirmed" and (await world.attempt()).provider_id is not None
    assert world.count_calls() == 1


@ONE_ENGINE
async def test_an_old_request_replayed_a_day_later_has_no_second_effect_FW4(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket()
    await world.settle()
    before = (await world.rows(t.calls), await world.rows(t.outbox))
    log = [one for one in world.simulator.phones.webhooks.log if "/voice/" in one.url or "/status/" in one.url]
    assert log
    for one in [*log, *log]:
        status, _ = await world.post(one.url.removeprefix("https://jiesu.example/hooks/twilio"), one.params)
        assert status in (200, 204)
    assert (await world.rows(t.calls), await world.rows(t.outbox)) == before


@ONE_ENGINE
async def test_many_calls_keep_the_carriers_rate_limit_FW18(world: World) -> None:
    world.dependencies.rate_limiter = LocalRateLimiter(time.monotonic)
    await world.carrier.close()
    world.carrier = build_carrier(world.base, calls_per_second="10")
    world.dependencies.carriers = Carriers((world.carrier,))
    world.simulator.phones.calls_per_second = 12
    for place in range(6):
        await world.close_ticket(f"T{place}", phone=f"+861390000{place:04}")
    world.at = world.at.replace(hour=15)
    began = asyncio.get_running_loop().time()
    await world.settle()
    assert world.count_calls() == 6
    assert asyncio.get_running_loop().time() - began >= 0.5
    assert {d.error for d in await world.rows(t.call_attempts)} == {None}


@ONE_ENGINE
async def test_a_crash_between_the_row_and_the_carrier_is_checked_not_called_twice_FD1(world: World) -> None:
    """The process died after the row was committed: nobody knows whether the call was made."""
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket()

    async def crash(*_: object, **__: object) -> None:
        raise ConnectionResetError

    place, world.carrier.place = world.carrier.place, crash  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionResetError):
        await world.calls.run_once()
    world.carrier.place = place  # type: ignore[method-assign]
    assert (await world.attempt()).state == "asking"
    await world.advance(seconds=80)
    assert world.count_calls() == 0
    await world.advance(seconds=20)
    assert world.count_calls() == 1 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_a_bad_day_at_the_carrier_loses_nobody_and_calls_nobody_twice_G13(world: World, figures: Figures) -> None:
    """The first thirty requests are cut, refused or unreadable, and callbacks come twice or never."""
    numbers = [f"+861391111{place:04}" for place in range(30)]
    faults = (Fault.CUT_AFTER, Fault.CUT_BEFORE, Fault.SERVER_ERROR, Fault.TRUNCATED, Fault.TOO_MANY)
    for place, number in enumerate(numbers):
        world.phone(number).answer_with(["1", "1", "1", "1", "1"])
        await world.close_ticket(f"T{place}", phone=number)
    world.simulator.phones.webhooks.order = CallbackOrder.DOUBLED
    world.simulator.phones.webhooks.lost_statuses = frozenset({"completed"})
    world.at = world.at.replace(hour=14)
    for fault in faults * 6:
        world.simulator.phones.faults.plan_next(fault, where="POST")
    await world.advance(hours=1)
    made = [world.count_calls(number) for number in numbers]
    figures.report("G13", requests=30, lost=made.count(0), copies=sum(made) - 30 + made.count(0), mixed_up=0)
    assert {(await world.load(f"T{place}")).ticket.final_answer for place in range(30)} == {"satisfied"}
    assert len(world.simulator.phones.faults.history) == 30
    assert {d.state for d in await world.rows(t.call_attempts)} == {"done"}


@ONE_ENGINE
async def test_a_rehearsal_ahead_of_the_carriers_clock_still_finds_its_call_FW14(world: World) -> None:
    """The office's clock was moved by days, the carrier's was not; the call is found by the real time."""
    real = world.at
    world.office.clock = replace(world.office.clock, ahead=lambda: world.at - real)
    world.at += timedelta(days=3)
    world.simulator.phones.now = lambda: real
    world.phone(H1).answer_with(["1"])
    world.simulator.phones.webhooks.lost_statuses = frozenset({"initiated", "ringing", "in-progress", "completed"})
    world.simulator.phones.faults.plan_next(Fault.CUT_AFTER, where="POST")
    await world.dispatch_ticket()
    await world.advance(minutes=4)
    assert world.count_calls() == 1
