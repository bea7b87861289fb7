"""People who call back hear what the missed call was about and can answer; the number shown proves nothing (FW25)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from backend.domain.ticket_enums import Role
from backend.office.people import PersonForm
from backend.ports.calls import AttemptResult, NewCall
from sandbox.telephone.behaviour import answer_with
from storage import tables as t
from tests.calls.world import ASKER, H1, H2, PIN, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_handler_who_calls_back_proves_who_they_are_signs_and_is_not_called_again(world: World) -> None:
    world.phone(H1).ring_out()
    await world.dispatch_ticket()
    await world.settle()
    live = await world.phone(H1).call_office(script=[f"{PIN}#", "2"])
    await live.wait_until_over()
    await world.advance(minutes=20)
    assert await world.state() == "signed" and world.count_calls(H1) == 1
    missed, inbound = await world.rows(t.calls)
    assert (missed.outcome, missed.state, inbound.purpose, inbound.outcome) == ("signed", "done", "inbound", "signed")
    assert (await world.message()).state == "sent" and PIN not in str(inbound)


@ONE_ENGINE
@pytest.mark.parametrize("entered", [f"{PIN}#", "12345#" + f"{PIN}#"])
async def test_keys_pressed_one_by_one_leave_nothing_for_the_next_question_XM10(world: World, entered: str) -> None:
    world.phone(H1).ring_out()
    await world.dispatch_ticket()
    await world.settle()
    live = await world.phone(H1).call_office()
    await wait_until(lambda: "请输入四位签收密码" in live.heard)
    for key in entered:
        live.press(key)
        # as a thumb does: had the digits alone ended the input, the next question would be asked by now
        await asyncio.sleep(0.4 if key == PIN[-1] else 0.02)
    await wait_until(lambda: "您单位有一件" in live.heard)
    live.press("2")
    await live.wait_until_over()
    assert "按键无效" not in live.heard and await world.state() == "signed"


async def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until the telephone network has come that far."""
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.01)


@ONE_ENGINE
@pytest.mark.parametrize("missed", [True, False])
async def test_a_number_two_people_share_is_taken_for_whoever_missed_a_call_and_for_nobody_else(
    world: World, missed: bool
) -> None:
    form = PersonForm("甲", "U01", Role.LIAISON, "A0", H1)  # whose code and rank come first
    await world.people.save_people([form], "admin")
    world.office.invalidate()
    world.phone(H1).ring_out()
    if missed:
        await world.dispatch_ticket()
        await world.settle()
    live = await world.phone(H1).call_office(script=[f"{PIN}#", "2"])
    await live.wait_until_over()
    assert await world.state() == "signed" if missed else "请输入四位签收密码" not in live.heard


@ONE_ENGINE
async def test_a_spoofed_number_hears_nothing_private_without_the_pin_FW25(world: World) -> None:
    world.phone(H1).ring_out()
    await world.dispatch_ticket()
    await world.settle()
    live = await world.phone("+8613700000000").call_office(caller_id=H1, script=["1111#", "2222#", "3333#"])
    await live.wait_until_over()
    await world.settle()
    assert "1 0 0 1" not in live.heard and "求助" not in live.heard
    assert await world.state() == "dispatched" and (await world.call()).outcome == "no_reply"


@ONE_ENGINE
async def test_a_handler_without_a_pin_is_told_how_to_set_one_instead_of_being_asked_for_it(world: World) -> None:
    await world.people.save_people([PersonForm("钱新", "U01", Role.HANDLER, "H9", "+8613800001009")], "admin")
    live = await world.phone("+8613800001009").call_office(script=["1111#"])
    await live.wait_until_over()
    assert "尚未设置电话签收密码" in live.heard and "请输入" not in live.heard and "不正确" not in live.heard
    assert "pin_failed" not in await world.list_audit_events()


@ONE_ENGINE
async def test_a_handler_without_a_missed_call_hears_so_after_entering_the_pin(world: World) -> None:
    live = await world.phone(H1).call_office(script=[f"{PIN}#"])
    await live.wait_until_over()
    assert "没有待签收的工单" in live.heard


@ONE_ENGINE
async def test_a_requester_who_calls_back_answers_the_visit_without_hearing_date_or_category_FW26(world: World) -> None:
    world.phone(ASKER).ring_out()
    await world.close_ticket()
    await world.advance(hours=5, minutes=30)
    assert world.count_calls() == 1
    live = await world.phone(ASKER).call_office(script=["1001#", "1", "1", "1", "1"])
    await live.wait_until_over()
    await world.advance(hours=24)
    assert (await world.load()).ticket.final_answer == "satisfied" and world.count_calls() == 1
    assert "求助" not in live.heard and "11月" not in live.heard
    assert {c.state for c in await world.rows(t.calls)} == {"done"}


@ONE_ENGINE
async def test_a_requester_who_calls_back_and_says_nothing_is_called_as_planned(world: World) -> None:
    world.phone(ASKER).set_behaviours(world.phone(ASKER).ring_out().behaviour, answer_with(["1", "1", "1", "1", "2"]))
    await world.close_ticket()
    await world.advance(hours=5, minutes=30)
    live = await world.phone(ASKER).call_office(script=[])
    await live.wait_until_over()
    await world.advance(hours=24)
    assert (await world.load()).ticket.final_answer == "basically_satisfied"


@ONE_ENGINE
async def test_an_unknown_and_a_hidden_number_hear_which_number_to_call(world: World) -> None:
    for shown in ("+8613700000000", "anonymous", H2.replace("1002", "9999")):
        live = await world.phone("+8613700000000").call_office(caller_id=shown, script=["1"])
        await live.wait_until_over()
        assert "请拨打12345。再见。" in live.heard
    assert await world.rows(t.calls) == []


@ONE_ENGINE
async def test_an_incoming_call_fetched_twice_is_one_call_FW7(world: World) -> None:
    world.simulator.phones.webhooks.fetch_twice = True
    world.phone(H1).ring_out()
    await world.dispatch_ticket()
    await world.settle()
    live = await world.phone(H1).call_office(script=[f"{PIN}#", "1"])
    await live.wait_until_over()
    assert [c.purpose for c in await world.rows(t.calls)] == ["notice", "inbound"]
    assert (await world.call()).outcome == "confirmed"
    await world.advance(minutes=16)
    assert await world.call(0) and world.count_calls(H1) == 1


@ONE_ENGINE
async def test_a_spoofed_requester_hears_nothing_and_changes_nothing_without_the_ticket_tail_FW25(world: World) -> None:
    world.phone(ASKER).ring_out()
    await world.close_ticket()
    await world.advance(hours=5, minutes=30)
    live = await world.phone("+8613700000000").call_office(
        caller_id=ASKER, script=["3", "0000#", "1111#", "2222#", "3"]
    )
    await live.wait_until_over()
    await world.settle()
    assert "回访您反映" not in live.heard and "编号不符" in live.heard
    assert await world.state() == "revisit_auto" and await world.rows(t.do_not_call) == []
    assert "visits_refused" not in await world.list_audit_events()


@ONE_ENGINE
async def test_guessing_ticket_numbers_locks_a_caller_out_even_when_the_last_guess_is_right(world: World) -> None:
    world.phone(ASKER).ring_out()
    await world.close_ticket()
    await world.advance(hours=5, minutes=30)
    for _ in range(4):
        live = await world.phone("+8613700000000").call_office(caller_id=ASKER, script=["0000#", "1111#", "2222#"])
        await live.wait_until_over()
    live = await world.phone("+8613700000000").call_office(caller_id=ASKER, script=["1001#", "3"])
    await live.wait_until_over()
    assert "tail_locked" in await world.list_audit_events() and await world.rows(t.do_not_call) == []


@ONE_ENGINE
async def test_a_requester_who_knows_their_ticket_can_refuse_further_visits_when_calling_back_FW33(
    world: World,
) -> None:
    world.phone(ASKER).ring_out()
    await world.close_ticket()
    await world.advance(hours=5, minutes=30)
    live = await world.phone(ASKER).call_office(script=["1001#", "3"])
    await live.wait_until_over()
    await world.settle()
    assert len(await world.rows(t.do_not_call)) == 1


async def test_a_requester_with_several_visits_waiting_returns_the_call_that_rang_not_the_newest(world: World) -> None:
    world.phone(ASKER).ring_out()
    await world.close_ticket()
    await world.close_ticket("T1002")  # planned later, and not rung: one person is not rung twice a week
    await world.advance(hours=5, minutes=30)
    assert world.count_calls() == 1
    live = await world.phone(ASKER).call_office(script=["1001#", "1", "1", "1", "1"])
    await live.wait_until_over()
    await world.settle()
    assert "编号不符" not in live.heard
    assert (await world.load()).ticket.final_answer == "satisfied" and await world.state("T1002") == "revisit_auto"


@pytest.mark.parametrize(("rung_last", "meant"), [(0, 0), (1, 1), (None, 1)])
async def test_who_calls_back_means_the_call_that_rang_last_else_the_one_due_first(
    world: World, rung_last: int | None, meant: int
) -> None:
    visits = []
    for no, hours in (("T1001", 3), ("T1002", 2), ("T1003", 4)):
        await world.close_ticket(no)
        ticket = (await world.load(no)).ticket
        new = NewCall("visit", "visit", world.at + timedelta(hours=hours), world.at, ticket_id=ticket.id,
                      round=9, phone=ASKER, masked="139****5678")  # fmt: skip
        visits.append(await world.store.enqueue(new))
    await world.update_rows(t.tickets, state="revisit_auto")
    for minutes, place in enumerate([] if rung_last is None else [1 - rung_last, rung_last]):
        at = world.at + timedelta(hours=5, minutes=minutes)
        attempt = await world.store.begin_attempt(visits[place], ASKER, "139****5678", at, at)
        assert attempt is not None
        await world.store.settle_attempt(AttemptResult(attempt, "no_answer", at, world.at + timedelta(days=1)))
    found = await world.store.find_pending_visit(ASKER)
    assert found is not None and found.id == visits[meant]
