"""Nobody is rung twice for one letter, whatever the carrier does with connections and callbacks (FW4-FW7, FW14-FW17, G13)."""

import asyncio
from datetime import timedelta

import pytest

from notify.rate_limit import LocalRateLimiter
from sandbox.faults import Fault
from sandbox.twilio.webhooks import CallbackOrder
from storage import tables as t
from tests.calls.world import H1, H2, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_connection_cut_after_accepting_rings_once_FW14(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.town.phones.faults.plan_next(Fault.CUT_AFTER, where="POST")
    await world.dispatched()
    await world.go(hours=1)
    assert world.rung() == 1
    assert ((await world.call()).outcome, (await world.message()).state) == ("confirmed", "sent")
    assert (await world.attempt()).provider_id == world.town.phones.calls_made[0].sid


async def test_with_every_callback_lost_the_carrier_is_asked_before_anybody_is_rung_again_FW14_G13(
    world: World,
) -> None:
    world.phone(H1).set_behaviours(*[world.phone(H1).ring_out().behaviour])
    world.town.phones.webhooks.lost_statuses = frozenset(
        {"initiated", "ringing", "in-progress", "completed", "no-answer"}
    )
    world.town.phones.faults.plan_next(Fault.CUT_AFTER, where="POST")
    await world.dispatched()
    await world.settle()
    assert (await world.attempt()).state == "ambiguous"
    await world.go(seconds=89)
    assert world.rung() == 1 and (await world.attempt()).outcome is None
    await world.go(seconds=2)
    attempt = await world.attempt()
    assert (attempt.outcome, attempt.status, attempt.provider_id) == (
        "no_answer",
        "no-answer",
        world.town.phones.calls_made[0].sid,
    )
    assert world.rung() == 1
    await world.go(minutes=5)
    assert world.rung() == 2, "the next of the three tries, at its own time"


async def test_a_call_that_never_was_is_rung_again_after_ninety_seconds_FW14(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.town.phones.faults.plan_next(Fault.CUT_BEFORE, where="POST")
    await world.dispatched()
    await world.go(seconds=60)
    assert world.rung() == 0
    world.town.phones.faults.plan_next(Fault.UNAVAILABLE, where="GET")  # the carrier cannot be asked either: wait on
    await world.go(seconds=60)
    assert world.rung() == 0
    await world.go(seconds=90)
    assert world.rung() == 1 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.EMPTY, Fault.TRUNCATED])
async def test_unreadable_answers_are_doubt_and_ring_once_FW15(world: World, fault: Fault) -> None:
    world.phone(H1).answer_with(["1"])
    world.town.phones.faults.plan_next(fault, where="POST")
    await world.dispatched()
    await world.go(minutes=10)
    assert world.rung() == 1 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_too_many_requests_wait_and_ring_once_FW15(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.town.phones.faults.plan_next(Fault.TOO_MANY, where="POST")
    await world.dispatched()
    await world.go(minutes=2)
    assert world.rung() == 1 and (await world.call()).outcome == "confirmed"
    assert [d.outcome for d in await world.rows(t.dials)] == ["carrier_failed", "confirmed"]


@ONE_ENGINE
@pytest.mark.parametrize("order", [CallbackOrder.REVERSED, CallbackOrder.DOUBLED])
async def test_disordered_and_doubled_news_change_nothing_FW5_FW6(world: World, order: CallbackOrder) -> None:
    world.town.phones.webhooks.order = order
    world.town.phones.webhooks.fetch_twice = True  # FW7: every document is asked for twice
    world.phone(H1).answer_with(["9", "2", "2580#"])
    await world.dispatched()
    await world.settle()
    attempt, call = await world.attempt(), await world.call()
    assert (attempt.status, call.outcome, call.keys, world.rung()) == ("completed", "signed", "92****", 1)
    assert (await world.snap()).ticket.version == 3
    assert call.duration == attempt.duration > 0


@ONE_ENGINE
async def test_a_lost_last_word_is_asked_for_in_the_end(world: World) -> None:
    world.town.phones.webhooks.lost_statuses = frozenset({"busy"})
    world.phone(H1).be_busy()
    world.phone(H2).answer_with(["1"])
    await world.dispatched()
    await world.settle()
    assert (await world.call()).state == "live"
    world.town.phones.webhooks.lost_statuses = frozenset()
    await world.go(minutes=16)
    assert (await world.attempt(0)).outcome == "busy"
    await world.go(minutes=30)
    assert world.rung(H1) == 3 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_callbacks_may_be_quicker_than_our_own_commit_FW16(world: World) -> None:
    """The carrier's answer is slow, so the call is over before we know its id."""
    world.phone(H1).answer_with(["1"])
    world.town.phones.faults.plan_next(Fault.DELAY, where="POST", seconds=0.3)
    await world.dispatched()
    await world.calls.run_once()
    await world.settle()
    assert (await world.call()).outcome == "confirmed" and (await world.attempt()).provider_id is not None
    assert world.rung() == 1


@ONE_ENGINE
async def test_an_old_request_replayed_a_day_later_has_no_second_effect_FW4(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatched()
    await world.settle()
    before = (await world.rows(t.calls), await world.rows(t.letters))
    log = [one for one in world.town.phones.webhooks.log if "/voice/" in one.url or "/status/" in one.url]
    for one in [*log, *log]:
        status, _ = await world.post(one.url.removeprefix("https://jiesu.example/hooks/twilio"), one.params)
        assert status in (200, 204)
    assert (await world.rows(t.calls), await world.rows(t.letters)) == before


@ONE_ENGINE
async def test_many_calls_keep_the_carriers_pace_FW18(world: World) -> None:
    world.tools.rate_limiter = LocalRateLimiter()
    world.tools.carrier._pace = world.tools.carrier._pace.__class__("phone.caller", rate=10, per_seconds=1.0)  # type: ignore[attr-defined]
    world.town.phones.calls_per_second = 12
    for place in range(6):
        await world.closed(f"T{place}", phone=f"+861390000{place:04}")
    world.at = world.at.replace(hour=15)
    began = asyncio.get_running_loop().time()
    await world.settle()
    assert world.rung() == 6
    assert asyncio.get_running_loop().time() - began >= 0.5
    assert {d.error for d in await world.rows(t.dials)} == {None}


@ONE_ENGINE
async def test_a_stop_between_the_row_and_the_carrier_is_doubt_not_a_second_ring(world: World) -> None:
    """The process died after the row was durable: nobody knows whether it rang (FD1)."""
    world.phone(H1).answer_with(["1"])
    await world.dispatched()

    async def dies(*_: object, **__: object) -> None:
        raise ConnectionResetError

    place, world.tools.carrier.place = world.tools.carrier.place, dies  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionResetError):
        await world.calls.run_once()
    world.tools.carrier.place = place  # type: ignore[method-assign]
    assert (await world.attempt()).state == "asking"
    await world.go(seconds=80)
    assert world.rung() == 0
    await world.go(seconds=20)
    assert world.rung() == 1 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_a_bad_day_at_the_carrier_loses_nobody_and_rings_nobody_twice_G13(world: World) -> None:
    """The first thirty requests are cut, refused or unreadable, and callbacks come twice or never."""
    numbers = [f"+861391111{place:04}" for place in range(30)]
    faults = (Fault.CUT_AFTER, Fault.CUT_BEFORE, Fault.SERVER_ERROR, Fault.TRUNCATED, Fault.TOO_MANY)
    for place, number in enumerate(numbers):
        world.phone(number).answer_with(["1", "1", "1", "1", "1"])
        await world.closed(f"T{place}", phone=number)
    world.town.phones.webhooks.order = CallbackOrder.DOUBLED
    world.town.phones.webhooks.lost_statuses = frozenset({"completed"})
    world.at = world.at.replace(hour=14)
    for fault in faults * 6:
        world.town.phones.faults.plan_next(fault, where="POST")
    await world.go(hours=1)
    assert [world.rung(number) for number in numbers] == [1] * 30
    assert {(await world.snap(f"T{place}")).ticket.final_answer for place in range(30)} == {"satisfied"}
    assert len(world.town.phones.faults.history) == 30
    assert {d.state for d in await world.rows(t.dials)} == {"done"}


@ONE_ENGINE
async def test_a_rehearsal_ahead_of_the_carriers_clock_still_finds_its_call_FW14(world: World) -> None:
    """The office's hour was moved by days, the carrier's was not; the call that rang is found by the wall's clock."""
    wall = world.at
    world.office.clock.ahead = lambda: world.at - wall
    world.at += timedelta(days=3)
    world.town.phones.now = lambda: wall
    world.phone(H1).answer_with(["1"])
    world.town.phones.webhooks.lost_statuses = frozenset({"initiated", "ringing", "in-progress", "completed"})
    world.town.phones.faults.plan_next(Fault.CUT_AFTER, where="POST")
    await world.dispatched()
    await world.go(minutes=4)
    assert world.rung() == 1
