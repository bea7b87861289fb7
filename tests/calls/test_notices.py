"""Handlers are called, press keys and sign by PIN (P1, P2, Q43)."""

import asyncio
import json
from datetime import timedelta

import pytest

from backend.calls.notices import send_notices
from backend.domain.acts import Actor
from backend.domain.ticket_enums import Role
from sandbox.telephone.behaviour import Behaviour, HangUp, Silence, Speech, answer_with
from sandbox.telephone.model import Pickup
from storage import tables as t
from tests.calls.world import ASKER, DUTY, H1, H2, HANDLER, PIN, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_key_1_confirms_and_settles_the_message_but_signs_nothing(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket()
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


async def test_key_2_and_the_pin_sign_the_ticket_for_the_person_who_was_called(world: World) -> None:
    world.phone(H1).answer_with(["2", f"{PIN}#"])
    await world.dispatch_ticket()
    await world.settle()
    snap = await world.load()
    assert snap.lead is not None and (snap.lead.signed_by, snap.lead.sign_method) == ("H1", "manual")
    call = await world.call()
    assert (call.outcome, call.keys) == ("signed", "2****")
    assert PIN not in str(await world.rows(t.calls)) + str(await world.rows(t.call_attempts))
    assert snap.last_entry is not None and snap.last_entry.source == "phone"


@ONE_ENGINE
async def test_three_wrong_pins_end_the_call_politely_and_are_audited(world: World) -> None:
    world.phone(H1).answer_with(["2", "1111#", "2222#", "3333#"])
    await world.dispatch_ticket()
    await world.settle()
    assert "密码有误" in world.phone(H1).heard
    assert await world.state() == "dispatched" and (await world.call()).outcome == "confirmed"
    assert "pin_failed" in await world.list_audit_events()


@ONE_ENGINE
async def test_key_0_connects_the_duty_telephone_and_says_so_when_nobody_answers(world: World) -> None:
    world.phone(H1).answer_with(["0"])
    world.phone(DUTY).answer_with([])
    await world.dispatch_ticket()
    await world.settle()
    assert any(c.direction == "outbound-dial" and c.to == DUTY for c in world.simulator.phones.calls.values())
    assert (await world.call()).outcome == "confirmed" and "duty_wanted" in await world.list_audit_events()
    world.phone(DUTY).ring_out()
    await world.dispatch_ticket("T1002")
    await world.settle()
    assert "值班人员会尽快与您联系" in world.phone(H1).heard


@ONE_ENGINE
@pytest.mark.proves("notify.duty_phone")
async def test_the_duty_telephone_in_the_settings_comes_before_the_people_on_duty(world: World) -> None:
    await world.set_setting("notify.duty_phone", "+8613800002999")
    world.phone(H1).answer_with(["0"])
    world.phone("+8613800002999").answer_with([])
    await world.dispatch_ticket()
    await world.settle()
    legs = [c.to for c in world.simulator.phones.calls.values() if c.direction == "outbound-dial"]
    assert legs == ["+8613800002999"]


@ONE_ENGINE
@pytest.mark.proves("phone_sign.enabled")
async def test_signing_by_telephone_can_be_switched_off_Q43(world: World) -> None:
    await world.set_setting("phone_sign.enabled", "false")
    world.phone(H1).answer_with(["2", "1"])
    await world.dispatch_ticket()
    await world.settle()
    assert "签收请按2" not in world.phone(H1).heard
    assert (await world.state(), (await world.call()).outcome) == ("dispatched", "confirmed")


@ONE_ENGINE
async def test_speech_confirms_as_well(world: World) -> None:
    world.phone(H1).answer_with([Speech("知道了")])
    await world.dispatch_ticket()
    await world.settle()
    assert (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_an_answering_machine_is_left_at_its_first_silence_and_confirms_nothing_FW19(world: World) -> None:
    world.phone(H1).be_machine()
    world.phone(H2).answer_with(["1"])
    await world.dispatch_ticket()
    await world.settle()
    assert world.phone(H1).heard.count("确认收到请按1") == 2  # the text is spoken twice; nobody is asked again
    assert (await world.call()).outcome == "machine" and (await world.message()).state == "sending"
    await world.advance(minutes=15)
    assert world.count_calls(H1) == 3 and world.count_calls(H2) == 1
    assert (await world.call()).outcome == "confirmed"


@ONE_ENGINE
async def test_a_person_taken_for_a_machine_is_believed_when_they_press_a_key_FW19(world: World) -> None:
    world.phone(H1).set_behaviours(Behaviour(Pickup.ANSWER, ["1"], answered_by="machine_start"))
    await world.dispatch_ticket()
    await world.settle()
    call, attempt = await world.call(), await world.attempt()
    assert (call.outcome, call.keys, attempt.answered_by) == ("confirmed", "1", "machine")


@ONE_ENGINE
async def test_each_missed_call_is_written_into_the_chat_M25(world: World) -> None:
    await world.bind("H1")
    await world.set_setting("notify.duty_phone", "+8643100001")
    world.phone(H1).ring_out()
    world.phone(H2).answer_with(["1"])
    await world.dispatch_ticket()
    await world.advance(minutes=16)
    sent = [json.loads(r.facts) for r in await world.rows(t.outbox) if r.kind == "call_missed"]
    assert [(f["n"], f["duty_phone"]) for f in sent] == [(1, "+8643100001"), (2, "+8643100001"), (3, "+8643100001")]
    assert {r.person for r in await world.rows(t.outbox) if r.kind == "call_missed"} == {"H1"}


@ONE_ENGINE
async def test_a_missed_call_about_words_of_danger_is_told_in_chat_as_one_M25_XM19(world: World) -> None:
    await world.bind("D1")
    world.phone(DUTY).ring_out()
    world.phone(ASKER).answer_with(["1", "1", Speech("活不下去了")])
    await world.close_ticket()
    await world.advance(hours=6)
    told = [r for r in await world.rows(t.outbox) if r.kind == "call_missed"]
    assert {(r.person, json.loads(r.facts)["script"]) for r in told} == {("D1", "danger")}


@ONE_ENGINE
async def test_key_0_that_nobody_answers_becomes_a_task_for_the_person_on_duty(world: World) -> None:
    await world.bind("D1")
    world.phone(H1).answer_with(["0"])
    world.phone(DUTY).ring_out()
    await world.dispatch_ticket()
    await world.settle()
    assert "值班人员会尽快与您联系" in world.phone(H1).heard
    assert [r.person for r in await world.rows(t.outbox) if r.kind == "duty_callback"] == ["D1"]


@ONE_ENGINE
async def test_costs_of_calls_are_summed_by_unit_and_month(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket()
    await world.advance(minutes=11)
    world.calls._costs._last_run -= 61
    await world.settle()
    [row] = await world.store.sum_costs(world.at - timedelta(days=1), world.at)
    assert (row.unit, row.purpose, row.attempts, row.answered, row.currency) == ("U01", "notice", 1, 1, "USD")
    assert row.seconds > 0 and float(row.cost) > 0
    assert await world.store.sum_costs(world.at, world.at + timedelta(days=1)) == []


@ONE_ENGINE
async def test_silence_and_hanging_up_are_no_confirmation(world: World) -> None:
    world.phone(H1).set_behaviours(answer_with([Silence(), Silence()]), answer_with([HangUp()]), answer_with(["1"]))
    await world.dispatch_ticket()
    await world.settle()
    assert "未收到您的选择" in world.phone(H1).heard and (await world.call()).outcome == "no_reply"
    await world.advance(minutes=5)
    assert (await world.attempt()).outcome == "no_reply"
    await world.advance(minutes=5)
    assert [(await world.call()).outcome, world.count_calls(H1)] == ["confirmed", 3]


@ONE_ENGINE
async def test_keys_that_were_not_offered_are_forgiven_twice_FW8(world: World) -> None:
    world.phone(H1).answer_with(["7", "#", "*", "1"])
    await world.dispatch_ticket()
    await world.settle()
    assert (await world.call()).outcome == "no_reply"


@ONE_ENGINE
async def test_a_key_pressed_after_the_ticket_was_signed_elsewhere_changes_nothing_FW9(world: World) -> None:
    phone = world.phone(H1).operate_by_hand()
    await world.dispatch_ticket()
    await world.calls.run_once()
    live = await phone.wait_for_ring()
    live.answer()
    await live.wait_to_hear("确认收到请按1")
    await world.act("sign", HANDLER)
    live.press("2")
    await live.wait_to_hear("已由其他方式处理")
    await live.wait_until_over()
    await world.settle()
    assert (await world.load()).ticket.version == 3


@ONE_ENGINE
async def test_supervision_is_announced_by_its_own_words_P2(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket()
    await world.settle()
    await world.act("sign", HANDLER)
    await world.act("supervise", Actor("S1", Role.SUPERVISOR, "M01"), reason="超期")
    await world.settle()
    call = await world.call()
    assert (call.purpose, call.outcome) == ("supervise", "confirmed") and "督办电话" in world.phone(H1).heard


@ONE_ENGINE
async def test_the_cost_of_a_call_is_asked_for_a_little_later(world: World) -> None:
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket()
    await world.advance(minutes=11)
    world.calls._costs._last_run -= 61
    await world.settle()
    call, attempt = await world.call(0), await world.attempt(0)
    assert attempt.cost is not None and attempt.cost.endswith("USD") and call.cost == attempt.cost


async def test_a_finished_call_has_no_planned_instant(world: World) -> None:
    """So the rehearsal's clock does not stop for it."""
    world.phone(H1).answer_with(["1"])
    await world.dispatch_ticket()
    await world.settle()
    assert [c.next_at for c in await world.rows(t.calls)] == [None]
    assert await world.calls.run_once() == 0


async def test_a_notice_about_a_call_is_written_once_however_many_processes_write_it(world: World) -> None:
    await world.bind("H1")
    world.phone(H1).ring_out()
    await world.dispatch_ticket()
    await world.settle()
    call = await world.calls.dependencies.store.find_missed("H1")
    assert call is not None
    person = (await world.office.snapshot()).by_code["H1"]
    deps = world.calls.dependencies
    added = await asyncio.gather(*(send_notices(deps, "duty_callback", [person], call, n=7) for _ in range(8)))
    assert sorted(added) == [0] * 7 + [1]
    assert await send_notices(deps, "duty_callback", [person], call, n=8) == 1, "another attempt is another notice"
    assert [r.kind for r in await world.rows(t.outbox)].count("duty_callback") == 2
