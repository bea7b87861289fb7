"""Callers are rung back: by keys or by speech, in the window, not too often, and silence is never satisfaction (V0-V8)."""

from datetime import datetime

import pytest

from backend.domain.ticket import Role, State
from sandbox.twilio.behaviour import HangUp, Silence, Speech, answer_with
from storage import tables as t
from tests.calls.world import AGENT, ASKER, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_satisfied_by_keys_settles_the_ticket(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    await world.closed()
    await world.go(hours=6)
    visit, call = (await world.rows(t.visits))[0], await world.call()
    assert (visit.answer, visit.contacted, visit.resolved, visit.kind, visit.source, visit.final) == (
        "satisfied", "yes", "resolved", "auto", "phone", True)  # fmt: skip
    assert (call.outcome, call.purpose, call.round, call.to_masked) == ("completed", "visit", 1, "139****5678")
    assert await world.state() == "finalized" and (await world.snap()).ticket.final_answer == "satisfied"
    heard = world.phone(ASKER).heard
    assert "12345热线回访电话" in heard and "路灯" not in heard


@ONE_ENGINE
async def test_the_visit_waits_for_its_window_FW32(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    world.at = world.at.replace(hour=16, minute=30)
    await world.closed()
    await world.go(hours=16)  # 08:30 of the next day
    assert world.rung() == 0
    await world.go(minutes=31)
    assert world.rung() == 1 and world.town.phones.calls_made[0].created_at.astimezone(world.at.tzinfo).hour == 9


@ONE_ENGINE
async def test_by_speech_with_an_unsatisfied_answer_and_a_recorded_reason_a_person_takes_over(world: World) -> None:
    world.phone(ASKER).answer_with([Speech("方便"), Speech("是我"), Speech("没人联系"), Speech("还那样"), Speech("不太满意"),
                                "1", Speech("路灯还是不亮")])  # fmt: skip
    await world.closed()
    await world.go(hours=6)
    visit, attempt = (await world.rows(t.visits))[0], await world.attempt()
    assert (visit.answer, visit.contacted, visit.resolved, visit.final) == ("unsatisfied", "no", "unresolved", False)
    assert await world.state() == "revisit_manual"
    assert attempt.recording and "/Recordings/" in attempt.recording and attempt.outcome == "completed"


async def test_a_machines_unsatisfied_becomes_a_persons_task_and_the_persons_word_is_final(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "3", "#"])
    await world.closed()
    await world.go(hours=6)
    assert await world.state() == "revisit_manual"
    await world.act(
        "visit",
        AGENT,
        kind="manual",
        answer="basically_satisfied",
        contacted="yes",
        resolved="resolved",
        note="再次电话",
    )
    assert await world.state() == "finalized" and (await world.snap()).ticket.final_answer == "basically_satisfied"


@ONE_ENGINE
async def test_hanging_up_before_the_answer_keeps_what_was_said_and_is_asked_once_more_FW21(world: World) -> None:
    world.phone(ASKER).set_behaviours(answer_with(["1", "1", "1", "2", HangUp()]))
    await world.set("visit.manual.sample", "0")
    await world.closed()
    await world.go(hours=6)
    call = await world.call()
    assert (call.outcome, call.state) == ("partial", "waiting")
    assert '"contacted": "yes"' in call.heard and '"resolved": "partly_resolved"' in call.heard
    assert await world.rows(t.visits) == []
    await world.go(hours=24)
    visit, ticket = (await world.rows(t.visits))[0], (await world.snap()).ticket
    assert (visit.answer, visit.contacted, visit.resolved, visit.note) == (
        "no_reply",
        "yes",
        "partly_resolved",
        "partial",
    )
    assert (ticket.state, ticket.deemed, ticket.final_answer) == (State.FINALIZED, True, "no_reply")
    assert world.rung() == 2


@ONE_ENGINE
async def test_hanging_up_while_giving_the_reason_keeps_the_answer_FW21(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "3", "3", HangUp()])
    await world.closed()
    await world.go(hours=6)
    assert (await world.rows(t.visits))[0].answer == "unsatisfied" and (await world.call()).outcome == "completed"
    assert await world.state() == "revisit_manual" and world.rung() == 1


@ONE_ENGINE
async def test_nobody_answers_twice_and_it_is_deemed_not_said(world: World) -> None:
    world.phone(ASKER).ring_out()
    await world.set("visit.manual.sample", "0")
    await world.closed()
    await world.go(hours=30)
    ticket = (await world.snap()).ticket
    assert (world.rung(), ticket.final_answer, ticket.deemed) == (2, "unreached", True)


@ONE_ENGINE
async def test_the_unreached_who_are_drawn_go_to_people(world: World) -> None:
    world.phone(ASKER).ring_out()
    await world.set("visit.manual.sample", "1")
    await world.closed()
    await world.go(hours=30)
    assert await world.state() == "revisit_manual" and world.rung() == 2


@ONE_ENGINE
async def test_a_machine_is_not_counted_as_a_visit_FW19(world: World) -> None:
    machine = world.phone(ASKER).be_machine().behaviour
    world.phone(ASKER).set_behaviours(machine, machine, answer_with(["1", "1", "1", "1", "2"]))
    await world.closed()
    await world.go(hours=40)
    assert ((await world.call()).tries, world.rung()) == (1, 3)
    assert (await world.snap()).ticket.final_answer == "basically_satisfied"


@ONE_ENGINE
async def test_who_asks_for_peace_is_never_rung_again_FW33(world: World) -> None:
    world.phone(ASKER).answer_with(["3"])
    await world.closed("T1")
    await world.go(hours=6)
    first = (await world.snap("T1")).ticket
    assert (first.final_answer, first.deemed, first.no_visit) == ("no_reply", True, True)
    assert (await world.call()).outcome == "refused" and (await world.rows(t.visits))[0].note == "no_more_visits"
    await world.closed("T2")
    await world.go(days=10)
    assert world.rung() == 1 and await world.state("T2") == "finalized"
    assert "visits_refused" in await world.audited()


@ONE_ENGINE
async def test_the_wrong_person_hears_no_more_and_is_not_the_callers_answer_FW26(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "2"])
    await world.set("visit.manual.sample", "0")
    await world.closed()
    await world.go(hours=6)
    visit = (await world.rows(t.visits))[0]
    assert (visit.answer, visit.note, (await world.call()).outcome) == ("unreached", "wrong_person", "wrong_person")
    assert "承办单位" not in world.phone(ASKER).heard


@ONE_ENGINE
async def test_later_please_is_obeyed(world: World) -> None:
    world.phone(ASKER).set_behaviours(answer_with(["2"]), answer_with(["1", "1", "1", "1", "1"]))
    await world.closed()
    await world.go(hours=30)
    assert world.rung() == 2 and (await world.snap()).ticket.final_answer == "satisfied"


@ONE_ENGINE
@pytest.mark.parametrize(("words", "note"), [("转人工", "want_person"), ("我不想活了", "danger")])
async def test_who_needs_a_person_gets_one_at_once(world: World, words: str, note: str) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", Speech(words)])
    await world.closed()
    await world.go(hours=6)
    visit = (await world.rows(t.visits))[0]
    assert (visit.answer, visit.note.split()[0], await world.state()) == ("unclear", note, "revisit_manual")
    assert world.rung() == 1


@ONE_ENGINE
async def test_silence_is_kept_as_silence(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", Silence(), Silence(), Silence()])
    await world.set("visit.auto.attempts", "1")
    await world.set("visit.manual.sample", "0")
    await world.closed()
    await world.go(hours=6)
    ticket = (await world.snap()).ticket
    assert (ticket.final_answer, ticket.deemed, (await world.call()).outcome) == ("no_reply", True, "no_reply")


@ONE_ENGINE
async def test_one_person_is_not_asked_twice_a_week(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    await world.set("visit.finish_within", "20wd")
    await world.closed("T1")
    await world.closed("T2")
    await world.go(days=6)
    assert world.rung() == 1
    await world.go(days=2)
    assert world.rung() == 2 and await world.state("T2") == "finalized"


@ONE_ENGINE
async def test_whose_turn_comes_too_late_goes_to_a_person(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    await world.set("visit.finish_within", "2wd")
    await world.closed("T1")
    await world.closed("T2")
    await world.go(hours=8)
    assert (await world.state("T1"), await world.state("T2"), world.rung()) == ("finalized", "revisit_manual", 1)


async def test_the_first_valid_answer_wins_and_a_second_one_hears_that_it_was_recorded_FW22(world: World) -> None:
    world.phone(ASKER).operate_by_hand()
    await world.closed()
    world.at = world.at.replace(hour=14)
    for _ in range(3):
        await world.clockwork.run_once()
        await world.visits.run_once()
        await world.calls.run_once()
    live = await world.phone(ASKER).wait_for_ring()
    live.answer()
    await live.wait_to_hear("方便请按1")
    live.press("1")
    await live.wait_to_hear("是您本人吗")
    from backend.domain.acts import Actor

    await world.act("visit", Actor("V1", Role.REVISIT_AGENT, "M01"), kind="manual", answer="satisfied", note="本人来电")
    live.press("1")
    await live.wait_to_hear("此前已经记录")
    await live.wait_until_over()
    await world.settle()
    assert len(await world.rows(t.visits)) == 1 and isinstance(world.at, datetime)


@ONE_ENGINE
async def test_no_machine_at_all_when_the_office_wants_none(world: World) -> None:
    await world.set("visit.auto.attempts", "0")
    await world.set("visit.manual.sample", "1")
    await world.closed()
    await world.go(hours=6)
    assert world.rung() == 0 and await world.state() == "revisit_manual"
