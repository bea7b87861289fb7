"""Handlers are rung, press keys, sign by PIN; and nobody is rung when nobody should be (P1, P2, Q42, Q43)."""

import json
from datetime import datetime, timedelta

import pytest

from backend.domain.acts import Actor
from backend.domain.instants import from_micros
from backend.domain.ticket import Grade, Role
from sandbox.twilio.behaviour import BUSY, Behaviour, HangUp, Silence, Speech, answer_with
from sandbox.twilio.model import Pickup
from storage import tables as t
from tests.calls.world import DISPATCHER, DUTY, H1, H2, HANDLER, L1, PIN, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_key_1_confirms_and_the_letter_is_told_but_nothing_is_signed(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatched()
    await world.settle()
    call, message = await world.call(), await world.message()
    assert (call.outcome, call.state, call.keys, call.purpose, call.to_masked) == (
        "confirmed",
        "done",
        "1",
        "notice",
        "138****1001",
    )
    assert (message.state, message.provider_id) == ("sent", (await world.attempt()).provider_id)
    assert await world.state() == "dispatched"
    assert "编号后四位 1 0 0 1" in world.phone(H1).heard and "路灯" not in world.phone(H1).heard
    assert call.duration > 0


async def test_key_2_and_the_pin_sign_the_ticket_by_the_person_who_was_rung(world: World) -> None:
    world.phone(H1).answer_with(["2", f"{PIN}#"])
    await world.dispatched()
    await world.settle()
    snap = await world.snap()
    assert snap.lead is not None and (snap.lead.signed_by, snap.lead.signed) == ("H1", "manual")
    call = await world.call()
    assert (call.outcome, call.keys) == ("signed", "2****")
    assert PIN not in str(await world.rows(t.calls)) + str(await world.rows(t.dials))
    assert snap.last_entry is not None and snap.last_entry.source == "phone"


@ONE_ENGINE
async def test_three_wrong_pins_end_it_politely_and_are_noted(world: World) -> None:
    world.phone(H1).answer_with(["2", "1111#", "2222#", "3333#"])
    await world.dispatched()
    await world.settle()
    assert "密码有误" in world.phone(H1).heard
    assert await world.state() == "dispatched" and (await world.call()).outcome == "confirmed"
    assert "pin_failed" in await world.audited()


@ONE_ENGINE
async def test_key_0_connects_the_duty_telephone_and_says_so_when_nobody_takes_it(world: World) -> None:
    world.phone(H1).answer_with(["0"])
    world.phone(DUTY).answer_with([])
    await world.dispatched()
    await world.settle()
    assert any(c.direction == "outbound-dial" and c.to == DUTY for c in world.town.phones.calls.values())
    assert (await world.call()).outcome == "confirmed" and "duty_wanted" in await world.audited()
    world.phone(DUTY).ring_out()
    await world.dispatched("T1002")
    await world.settle()
    assert "值班人员会尽快与您联系" in world.phone(H1).heard


@ONE_ENGINE
async def test_the_duty_telephone_of_the_settings_comes_before_people(world: World) -> None:
    await world.set("notify.duty_phone", "+8613800002999")
    world.phone(H1).answer_with(["0"])
    world.phone("+8613800002999").answer_with([])
    await world.dispatched()
    await world.settle()
    legs = [c.to for c in world.town.phones.calls.values() if c.direction == "outbound-dial"]
    assert legs == ["+8613800002999"]


@ONE_ENGINE
async def test_signing_by_telephone_can_be_switched_off_Q43(world: World) -> None:
    await world.set("phone_sign.enabled", "false")
    world.phone(H1).answer_with(["2", "1"])
    await world.dispatched()
    await world.settle()
    assert "签收请按2" not in world.phone(H1).heard
    assert (await world.state(), (await world.call()).outcome) == ("dispatched", "confirmed")


@ONE_ENGINE
async def test_speech_confirms_as_well(world: World) -> None:
    world.phone(H1).answer_with([Speech("知道了")])
    await world.dispatched()
    await world.settle()
    assert (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_general_tickets_never_ring_at_night_or_on_a_holiday_and_urgent_ones_do_FW32(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.at = world.at.replace(hour=20, day=13)  # Friday evening
    await world.dispatched("T1", Grade.GENERAL)
    await world.settle()
    assert world.rung() == 0
    await world.dispatched("T2", Grade.URGENT)
    await world.settle()
    assert world.rung() == 1
    general = (await world.snap("T1")).ticket.id
    await world.go(hours=60)  # Monday 08:00; the urgent one was rung for all night

    async def rung() -> list[datetime]:
        calls = {c.id for c in await world.rows(t.calls) if c.ticket_id == general}
        return [
            from_micros(d.asked_at).astimezone(world.at.tzinfo) for d in await world.rows(t.dials) if d.call_id in calls
        ]

    assert await rung() == []
    await world.go(minutes=31)
    assert [(at.day, at.hour, at.minute) for at in await rung()] == [(16, 8, 30)]


@ONE_ENGINE
async def test_three_tries_ten_minutes_apart_then_the_deputy_then_the_liaison_then_a_task_FW20(world: World) -> None:
    for number in (H1, H2, L1):
        world.phone(number).ring_out()
    await world.dispatched(grade=Grade.GENERAL)
    await world.settle()
    assert (world.rung(H1), (await world.call()).outcome) == (1, "no_answer")
    await world.go(minutes=9)
    assert world.rung() == 1
    await world.go(minutes=12)
    assert world.rung(H1) == 3
    assert world.rung(H2) == 1
    world.phone(H2).set_behaviours(BUSY)
    await world.go(hours=2)
    assert [world.rung(n) for n in (H1, H2, L1)] == [3, 3, 3]
    assert "unreached" in await world.audited()
    assert {c.outcome for c in await world.rows(t.calls)} == {"no_answer", "busy"}
    assert [message.state for message in await world.rows(t.letters) if message.kind == "P1"] == ["failed"] * 3


@ONE_ENGINE
async def test_a_machine_is_left_at_its_first_silence_and_is_not_told_FW19(world: World) -> None:
    world.phone(H1).be_machine()
    world.phone(H2).answer_with(["1"])
    await world.dispatched()
    await world.settle()
    assert world.phone(H1).heard.count("确认收到请按1") == 2  # said once, nobody asked a second time
    assert (await world.call()).outcome == "machine" and (await world.message()).state == "sending"
    await world.go(minutes=15)
    assert world.rung(H1) == 3 and world.rung(H2) == 1
    assert (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_a_person_taken_for_a_machine_is_believed_when_he_presses_a_key_FW19(world: World) -> None:
    world.phone(H1).set_behaviours(Behaviour(Pickup.ANSWER, ["1"], answered_by="machine_start"))
    await world.dispatched()
    await world.settle()
    call, attempt = await world.call(), await world.attempt()
    assert (call.outcome, call.keys, attempt.answered_by) == ("confirmed", "1", "machine")


@ONE_ENGINE
async def test_each_call_nobody_took_is_written_into_the_chat_M25(world: World) -> None:
    await world.bound("H1")
    await world.set("notify.duty_phone", "+8643100001")
    world.phone(H1).ring_out()
    world.phone(H2).answer_with(["1"])
    await world.dispatched()
    await world.go(minutes=16)
    told = [json.loads(r.facts) for r in await world.rows(t.letters) if r.kind == "M25"]
    assert [(f["n"], f["duty_phone"]) for f in told] == [(1, "+8643100001"), (2, "+8643100001"), (3, "+8643100001")]
    assert {r.person for r in await world.rows(t.letters) if r.kind == "M25"} == {"H1"}


@ONE_ENGINE
async def test_a_dead_number_is_not_rung_about_the_next_matter_either_until_it_is_revived_FW23(world: World) -> None:
    world.town.phones.refusals[H1] = 21211
    world.phone(H2).answer_with(["1", "1"])
    await world.dispatched("T1")
    await world.settle()
    world.town.phones.refusals.clear()
    world.phone(H1).answer_with(["1"])
    await world.dispatched("T2")
    await world.settle()
    assert world.rung(H1) == 0
    [dead] = await world.store.list_invalid_numbers(10)
    assert (dead.masked, dead.code, dead.person, dead.ticket_no) == ("138****1001", "21211", "H1", "T1")
    assert await world.calls.unblock_number(dead.key, Actor("A1", Role.ADMIN))
    await world.dispatched("T3")
    await world.settle()
    assert world.rung(H1) == 1 and "number_revived" in await world.audited()


@ONE_ENGINE
async def test_key_0_with_nobody_on_the_line_becomes_a_task_for_who_is_on_duty(world: World) -> None:
    await world.bound("D1")
    world.phone(H1).answer_with(["0"])
    world.phone(DUTY).ring_out()
    await world.dispatched()
    await world.settle()
    assert "值班人员会尽快与您联系" in world.phone(H1).heard
    assert [r.person for r in await world.rows(t.letters) if r.kind == "D1"] == ["D1"]


@ONE_ENGINE
async def test_what_calls_came_to_by_unit_and_month(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatched()
    await world.go(minutes=11)
    world.calls._costs._last_run -= 61
    await world.settle()
    [row] = await world.store.sum_costs(world.at - timedelta(days=1), world.at)
    assert (row.unit, row.purpose, row.attempts, row.answered, row.currency) == ("U01", "notice", 1, 1, "USD")
    assert row.seconds > 0 and float(row.cost) > 0
    assert await world.store.sum_costs(world.at, world.at + timedelta(days=1)) == []


@ONE_ENGINE
async def test_silence_and_hanging_up_are_no_confirmation(world: World) -> None:
    world.phone(H1).set_behaviours(answer_with([Silence(), Silence()]), answer_with([HangUp()]), answer_with(["1"]))
    await world.dispatched()
    await world.settle()
    assert "未收到您的选择" in world.phone(H1).heard and (await world.call()).outcome == "no_reply"
    await world.go(minutes=5)
    assert (await world.attempt()).outcome == "no_reply"
    await world.go(minutes=5)
    assert [(await world.call()).outcome, world.rung(H1)] == ["confirmed", 3]


@ONE_ENGINE
async def test_odd_keys_are_forgiven_twice_FW8(world: World) -> None:
    world.phone(H1).answer_with(["7", "#", "*", "1"])
    await world.dispatched()
    await world.settle()
    assert (await world.call()).outcome == "no_reply"


@ONE_ENGINE
async def test_a_ticket_signed_meanwhile_is_not_rung_for_FW18(world: World) -> None:
    world.at = world.at.replace(hour=7)
    await world.dispatched(grade=Grade.GENERAL)
    await world.settle()
    await world.act("sign", HANDLER)
    await world.go(hours=3)
    assert world.rung() == 0
    assert ((await world.message()).state, (await world.call()).state) == ("skipped", "done")


@ONE_ENGINE
async def test_who_opened_the_card_is_not_rung_for_not_having_opened_it_FW18(world: World) -> None:
    await world.dispatched(grade=Grade.GENERAL)
    await world.alter(t.letters, facts='{"unless_opened": true}')
    await world.alter(t.assignments, opened_at=1)
    await world.settle()
    assert world.rung() == 0 and (await world.message()).state == "skipped"


@ONE_ENGINE
async def test_a_key_pressed_after_the_ticket_was_signed_elsewhere_changes_nothing_FW9(world: World) -> None:
    phone = world.phone(H1).operate_by_hand()
    await world.dispatched()
    await world.calls.run_once()
    live = await phone.wait_for_ring()
    live.answer()
    await live.wait_to_hear("确认收到请按1")
    await world.act("sign", HANDLER)
    live.press("2")
    await live.wait_to_hear("已由其他方式处理")
    await live.wait_until_over()
    await world.settle()
    assert (await world.snap()).ticket.version == 3


@ONE_ENGINE
async def test_a_number_the_carrier_refuses_is_flagged_and_never_tried_again_FW23(world: World) -> None:
    world.town.phones.refusals[H1] = 21216
    world.phone(H2).answer_with(["1"])
    await world.dispatched()
    await world.go(hours=1)
    assert world.rung(H1) == 0 and world.rung(H2) == 1
    assert (await world.audited()).count("number_refused") == 1
    assert [c.outcome for c in await world.rows(t.calls)] == ["failed", "confirmed"]


@ONE_ENGINE
async def test_foreign_numbers_budget_and_stop_switch_FW31(world: World) -> None:
    await world.set("calls.countries", "MO")
    await world.dispatched("T1")
    await world.settle()
    assert world.rung() == 0 and "number_refused" in await world.audited()
    await world.set("calls.countries", "CN,MO")
    await world.set("calls.stopped", "true")
    await world.dispatched("T2")
    await world.settle()
    assert world.rung() == 0
    await world.set("calls.stopped", "false")
    await world.set("calls.daily_budget", "1")
    world.phone(H1).answer_with(["1"])
    await world.dispatched("T3")
    await world.settle()
    await world.go(minutes=2)
    assert world.rung() == 1


@ONE_ENGINE
async def test_two_matters_for_one_telephone_ring_one_after_the_other(world: World) -> None:
    world.phone(H1).operate_by_hand()
    await world.dispatched("T1")
    await world.dispatched("T2")
    await world.calls.run_once()
    await world.calls.run_once()
    assert world.rung(H1) == 1
    live = await world.phone(H1).wait_for_ring()
    live.hang_up()
    await world.town.settle()
    world.phone(H1).answer_with(["1"])
    await world.go(minutes=6)
    assert [c.outcome for c in await world.rows(t.calls)] == ["confirmed", "confirmed"]


@ONE_ENGINE
async def test_the_office_may_ring_a_unit_at_any_hour(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    world.at = world.at.replace(hour=7)
    await world.dispatched(grade=Grade.GENERAL)
    await world.settle()
    assert world.rung() == 0
    assert await world.calls.call_unit("T1001", DISPATCHER) == "H1"
    await world.settle()
    assert world.rung() == 1 and (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_supervision_is_announced_by_its_own_words_P2(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatched()
    await world.settle()
    await world.act("sign", HANDLER)
    await world.act("supervise", Actor("S1", Role.SUPERVISOR, "M01"), reason="超期")
    await world.settle()
    call = await world.call()
    assert (call.purpose, call.outcome) == ("supervise", "confirmed") and "督办电话" in world.phone(H1).heard


@ONE_ENGINE
async def test_what_a_call_cost_is_asked_for_a_little_later(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatched()
    await world.go(minutes=11)
    world.calls._costs._last_run -= 61
    await world.settle()
    call, attempt = await world.call(0), await world.attempt(0)
    assert attempt.cost is not None and attempt.cost.endswith("USD") and call.cost == attempt.cost


async def test_what_is_done_is_no_stop_of_the_clock(world: World) -> None:
    """What is done has no planned instant left, so the rehearsal's clock does not stop for it."""
    world.phone(H1).answer_with(["1"])
    await world.dispatched()
    await world.settle()
    assert [c.next_at for c in await world.rows(t.calls)] == [None]
    assert await world.calls.run_once() == 0 and world.at + timedelta(0) == world.at
