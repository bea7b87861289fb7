"""Who is called and when: hours, attempts, order, blocked numbers, budget, and nobody without need (Q42, FW18, FW32)."""

from datetime import datetime

import pytest

from backend.domain.acts import Actor
from backend.domain.instants import from_micros
from backend.domain.ticket_enums import Grade, Role
from sandbox.telephone.behaviour import BUSY
from storage import tables as t
from tests.calls.world import DISPATCHER, H1, H2, HANDLER, L1, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@ONE_ENGINE
async def test_nobody_is_called_about_general_tickets_at_night_or_on_a_holiday_but_about_urgent_ones_FW32(
    world: World,
) -> None:
    world.phone(H1).answer_with(["1"])
    world.at = world.at.replace(hour=20, day=13)  # Friday evening
    await world.dispatch_ticket("T1", Grade.GENERAL)
    await world.settle()
    assert world.count_calls() == 0
    await world.dispatch_ticket("T2", Grade.URGENT)
    await world.settle()
    assert world.count_calls() == 1
    general = (await world.load("T1")).ticket.id
    await world.advance(hours=60)  # Monday 08:00; the urgent one was called about all night

    async def list_attempts() -> list[datetime]:
        calls = {c.id for c in await world.rows(t.calls) if c.ticket_id == general}
        return [
            from_micros(d.asked_at).astimezone(world.at.tzinfo)
            for d in await world.rows(t.call_attempts)
            if d.call_id in calls
        ]

    assert await list_attempts() == []
    await world.advance(minutes=31)
    assert [(at.day, at.hour, at.minute) for at in await list_attempts()] == [(16, 8, 30)]


@ONE_ENGINE
async def test_three_attempts_ten_minutes_apart_then_the_deputy_then_the_liaison_then_a_task_FW20(world: World) -> None:
    for number in (H1, H2, L1):
        world.phone(number).ring_out()
    await world.dispatch_ticket(grade=Grade.GENERAL)
    await world.settle()
    assert (world.count_calls(H1), (await world.call()).outcome) == (1, "no_answer")
    await world.advance(minutes=9)
    assert world.count_calls() == 1
    await world.advance(minutes=12)
    assert world.count_calls(H1) == 3
    assert world.count_calls(H2) == 1
    world.phone(H2).set_behaviours(BUSY)
    await world.advance(hours=2)
    assert [world.count_calls(n) for n in (H1, H2, L1)] == [3, 3, 3]
    assert "unreached" in await world.list_audit_events()
    assert {c.outcome for c in await world.rows(t.calls)} == {"no_answer", "busy"}
    assert [message.state for message in await world.rows(t.outbox) if message.kind == "call_to_sign"] == ["failed"] * 3


@ONE_ENGINE
async def test_an_invalid_number_is_not_called_about_the_next_matter_either_until_it_is_unblocked_FW23(
    world: World,
) -> None:
    world.simulator.phones.refusals[H1] = 21211
    world.phone(H2).answer_with(["1", "1"])
    await world.dispatch_ticket("T1")
    await world.settle()
    world.simulator.phones.refusals.clear()
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket("T2")
    await world.settle()
    assert world.count_calls(H1) == 0
    [blocked] = await world.store.list_invalid_numbers(10)
    assert (blocked.masked, blocked.code, blocked.person, blocked.ticket_no) == ("138****1001", "21211", "H1", "T1")
    assert await world.calls.unblock_number(blocked.key, Actor("A1", Role.ADMIN))
    await world.dispatch_ticket("T3")
    await world.settle()
    assert world.count_calls(H1) == 1 and "number_revived" in await world.list_audit_events()


@ONE_ENGINE
async def test_nobody_is_called_about_a_ticket_signed_meanwhile_FW18(world: World) -> None:
    world.at = world.at.replace(hour=7)
    await world.dispatch_ticket(grade=Grade.GENERAL)
    await world.settle()
    await world.act("sign", HANDLER)
    await world.advance(hours=3)
    assert world.count_calls() == 0
    assert ((await world.message()).state, (await world.call()).state) == ("skipped", "done")


@ONE_ENGINE
async def test_a_person_who_opened_the_card_is_not_called_about_an_unopened_card_FW18(world: World) -> None:
    await world.dispatch_ticket(grade=Grade.GENERAL)
    await world.update_rows(t.outbox, facts='{"unless_opened": true}')
    await world.update_rows(t.assignments, opened_at=1)
    await world.settle()
    assert world.count_calls() == 0 and (await world.message()).state == "skipped"


@ONE_ENGINE
async def test_a_number_the_carrier_refuses_is_marked_and_never_called_again_FW23(world: World) -> None:
    world.simulator.phones.refusals[H1] = 21216
    world.phone(H2).answer_with(["1"])
    await world.dispatch_ticket()
    await world.advance(hours=1)
    assert world.count_calls(H1) == 0 and world.count_calls(H2) == 1
    assert (await world.list_audit_events()).count("number_refused") == 1
    assert [c.outcome for c in await world.rows(t.calls)] == ["failed", "confirmed"]
    assert world.alarms == []  # one number is nobody's alarm


@ONE_ENGINE
async def test_administrators_are_told_when_the_carrier_takes_no_calls_FS6(world: World) -> None:
    world.simulator.phones.refusals[H1] = 20003
    await world.dispatch_ticket()
    await world.advance(hours=1)
    assert world.alarms and set(world.alarms) == {"carrier_failing"}


@ONE_ENGINE
@pytest.mark.proves("calls.countries", "calls.stopped", "calls.daily_budget")
async def test_foreign_numbers_budget_and_stop_switch_FW31(world: World) -> None:
    await world.set_setting("calls.countries", "MO")
    await world.dispatch_ticket("T1")
    await world.settle()
    assert world.count_calls() == 0 and "number_refused" in await world.list_audit_events()
    await world.set_setting("calls.countries", "CN,MO")
    await world.set_setting("calls.stopped", "true")
    await world.dispatch_ticket("T2")
    await world.settle()
    assert world.count_calls() == 0
    await world.set_setting("calls.stopped", "false")
    await world.set_setting("calls.daily_budget", "1")
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket("T3")
    await world.settle()
    await world.advance(minutes=2)
    assert world.count_calls() == 1 and "budget_used_up" in world.alarms


@ONE_ENGINE
async def test_calls_about_two_matters_to_one_telephone_come_one_after_the_other(world: World) -> None:
    world.phone(H1).operate_by_hand()
    await world.dispatch_ticket("T1")
    await world.dispatch_ticket("T2")
    await world.calls.run_once()
    await world.calls.run_once()
    assert world.count_calls(H1) == 1
    live = await world.phone(H1).wait_for_ring()
    live.hang_up()
    await world.simulator.settle()
    world.phone(H1).answer_with(["1"])
    await world.advance(minutes=6)
    assert [c.outcome for c in await world.rows(t.calls)] == ["confirmed", "confirmed"]


@ONE_ENGINE
async def test_the_office_can_call_a_unit_at_any_hour(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.at = world.at.replace(hour=7)
    await world.dispatch_ticket(grade=Grade.GENERAL)
    await world.settle()
    assert world.count_calls() == 0
    assert await world.calls.call_unit("T1001", DISPATCHER) == "H1"
    await world.settle()
    assert world.count_calls() == 1 and (await world.call()).outcome == "confirmed"
