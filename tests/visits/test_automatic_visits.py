"""Requesters are called: by keys or speech, within the window, not too often; silence is never satisfaction (V0-V8)."""

import json

import pytest

from backend.domain.ticket_enums import State
from sandbox.telephone.behaviour import HangUp, Silence, Speech, answer_with
from storage import tables as t
from tests.calls.world import AGENT, ASKER, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_satisfied_by_keys_settles_the_ticket(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    await world.close_ticket()
    await world.advance(hours=6)
    visit, call = (await world.rows(t.visits))[0], await world.call()
    assert (visit.answer, visit.contacted, visit.resolved, visit.kind, visit.source, visit.decisive) == (
        "satisfied", "yes", "resolved", "auto", "phone", True)  # fmt: skip
    assert (call.outcome, call.purpose, call.round, call.to_masked) == ("completed", "visit", 1, "139****5678")
    assert await world.state() == "finalized" and (await world.load()).ticket.final_answer == "satisfied"
    heard = world.phone(ASKER).heard
    assert "12345热线回访电话" in heard and "路灯" not in heard


@ONE_ENGINE
async def test_the_visit_waits_for_its_window_FW32(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    world.at = world.at.replace(hour=16, minute=30)
    await world.close_ticket()
    await world.advance(hours=16)  # 08:30 of the next day
    assert world.count_calls() == 0
    await world.advance(minutes=31)
    assert (
        world.count_calls() == 1
        and world.simulator.phones.calls_made[0].created_at.astimezone(world.at.tzinfo).hour == 9
    )


@ONE_ENGINE
async def test_after_an_unsatisfied_answer_by_speech_with_a_recorded_reason_a_person_takes_over(world: World) -> None:
    world.phone(ASKER).answer_with([Speech("方便"), Speech("是我"), Speech("没人联系"), Speech("还那样"), Speech("不太满意"),
                                "1", Speech("路灯还是不亮")])  # fmt: skip
    await world.close_ticket()
    await world.advance(hours=6)
    visit, attempt = (await world.rows(t.visits))[0], await world.attempt()
    assert (visit.answer, visit.contacted, visit.resolved, visit.decisive) == ("unsatisfied", "no", "unresolved", False)
    assert await world.state() == "revisit_manual"
    assert attempt.recording and "/Recordings/" in attempt.recording and attempt.outcome == "completed"


async def test_an_unsatisfied_answer_to_the_machine_becomes_a_persons_task_and_the_person_decides(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "3", "#"])
    await world.close_ticket()
    await world.advance(hours=6)
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
    assert await world.state() == "finalized" and (await world.load()).ticket.final_answer == "basically_satisfied"


@ONE_ENGINE
async def test_after_hanging_up_before_the_answer_what_was_said_is_kept_and_one_more_call_is_made_FW21(
    world: World,
) -> None:
    world.phone(ASKER).set_behaviours(answer_with(["1", "1", "1", "2", HangUp()]))
    await world.set_setting("visit.manual.sample", "0")
    await world.close_ticket()
    await world.advance(hours=6)
    call = await world.call()
    assert (call.outcome, call.state) == ("partial", "waiting")
    assert json.loads(call.answers) == {"contacted": "yes", "resolved": "partly_resolved"}
    assert await world.rows(t.visits) == []
    await world.advance(hours=24)
    visit, ticket = (await world.rows(t.visits))[0], (await world.load()).ticket
    assert (visit.answer, visit.contacted, visit.resolved, visit.note) == (
        "no_reply",
        "yes",
        "partly_resolved",
        "partial",
    )
    assert (ticket.state, ticket.deemed_satisfied, ticket.final_answer) == (State.FINALIZED, True, "no_reply")
    assert world.count_calls() == 2


@ONE_ENGINE
async def test_hanging_up_while_giving_the_reason_keeps_the_answer_FW21(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "3", "3", HangUp()])
    await world.close_ticket()
    await world.advance(hours=6)
    assert (await world.rows(t.visits))[0].answer == "unsatisfied" and (await world.call()).outcome == "completed"
    assert await world.state() == "revisit_manual" and world.count_calls() == 1


@ONE_ENGINE
async def test_when_nobody_answers_twice_satisfaction_is_deemed_not_stated(world: World) -> None:
    world.phone(ASKER).ring_out()
    await world.set_setting("visit.manual.sample", "0")
    await world.close_ticket()
    await world.advance(hours=30)
    ticket = (await world.load()).ticket
    assert (world.count_calls(), ticket.final_answer, ticket.deemed_satisfied) == (2, "unreached", True)


@ONE_ENGINE
@pytest.mark.proves("visit.manual.sample")
async def test_a_sample_of_the_unreached_goes_to_people(world: World) -> None:
    world.phone(ASKER).ring_out()
    await world.set_setting("visit.manual.sample", "1")
    await world.close_ticket()
    await world.advance(hours=30)
    assert await world.state() == "revisit_manual" and world.count_calls() == 2


@ONE_ENGINE
async def test_an_answering_machine_is_not_counted_as_a_visit_FW19(world: World) -> None:
    machine = world.phone(ASKER).be_machine().behaviour
    world.phone(ASKER).set_behaviours(machine, machine, answer_with(["1", "1", "1", "1", "2"]))
    await world.close_ticket()
    await world.advance(hours=40)
    assert ((await world.call()).attempt_count, world.count_calls()) == (1, 3)
    assert (await world.load()).ticket.final_answer == "basically_satisfied"


@ONE_ENGINE
async def test_a_requester_who_refuses_visits_is_never_called_again_FW33(world: World) -> None:
    world.phone(ASKER).answer_with(["3"])
    await world.close_ticket("T1")
    await world.advance(hours=6)
    first = (await world.load("T1")).ticket
    assert (first.final_answer, first.deemed_satisfied, first.do_not_call) == ("no_reply", True, True)
    assert (await world.call()).outcome == "refused" and (await world.rows(t.visits))[0].note == "no_more_visits"
    await world.close_ticket("T2")
    await world.advance(days=10)
    assert world.count_calls() == 1 and await world.state("T2") == "finalized"
    assert "visits_refused" in await world.list_audit_events()


@ONE_ENGINE
async def test_the_wrong_person_hears_nothing_more_and_gives_no_answer_for_the_requester_FW26(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "2"])
    await world.set_setting("visit.manual.sample", "0")
    await world.close_ticket()
    await world.advance(hours=6)
    visit = (await world.rows(t.visits))[0]
    assert (visit.answer, visit.note, (await world.call()).outcome) == ("unreached", "wrong_person", "wrong_person")
    assert "承办单位" not in world.phone(ASKER).heard


@ONE_ENGINE
async def test_a_request_to_call_later_is_followed(world: World) -> None:
    world.phone(ASKER).set_behaviours(answer_with(["2"]), answer_with(["1", "1", "1", "1", "1"]))
    await world.close_ticket()
    await world.advance(hours=30)
    assert world.count_calls() == 2 and (await world.load()).ticket.final_answer == "satisfied"


@ONE_ENGINE
@pytest.mark.parametrize(("speech", "note"), [("转人工", "want_person"), ("我不想活了", "danger")])
async def test_a_requester_who_needs_a_person_gets_one_at_once(world: World, speech: str, note: str) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", Speech(speech)])
    await world.close_ticket()
    await world.advance(hours=6)
    visit = (await world.rows(t.visits))[0]
    assert (visit.answer, visit.note.split()[0], await world.state()) == ("unclear", note, "revisit_manual")
    assert world.count_calls(ASKER) == 1


@ONE_ENGINE
async def test_silence_is_recorded_as_silence(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", Silence(), Silence(), Silence()])
    await world.set_setting("visit.auto.attempts", "1")
    await world.set_setting("visit.manual.sample", "0")
    await world.close_ticket()
    await world.advance(hours=6)
    ticket = (await world.load()).ticket
    assert (ticket.final_answer, ticket.deemed_satisfied, (await world.call()).outcome) == (
        "no_reply",
        True,
        "no_reply",
    )


@ONE_ENGINE
async def test_nobody_is_visited_twice_within_a_week(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    await world.set_setting("visit.finish_within", "20wd")
    await world.close_ticket("T1")
    await world.close_ticket("T2")
    await world.advance(days=6)
    assert world.count_calls() == 1
    await world.advance(days=2)
    assert world.count_calls() == 2 and await world.state("T2") == "finalized"


@ONE_ENGINE
@pytest.mark.proves("visit.finish_within")
async def test_a_visit_that_could_only_be_made_too_late_goes_to_a_person(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    await world.set_setting("visit.finish_within", "2wd")
    await world.close_ticket("T1")
    await world.close_ticket("T2")
    await world.advance(hours=8)
    assert (await world.state("T1"), await world.state("T2"), world.count_calls()) == ("finalized", "revisit_manual", 1)


async def test_the_first_valid_answer_wins_and_a_second_one_hears_that_it_was_recorded_FW22(world: World) -> None:
    world.phone(ASKER).operate_by_hand()
    await world.close_ticket()
    world.at = world.at.replace(hour=14)
    for _ in range(3):
        await world.deadlines.run_once()
        await world.visits.run_once()
        await world.calls.run_once()
    live = await world.phone(ASKER).wait_for_ring()
    live.answer()
    await live.wait_to_hear("方便请按1")
    live.press("1")
    await live.wait_to_hear("是您本人吗")
    await world.act("visit", AGENT, kind="manual", answer="satisfied", note="本人来电")
    live.press("1")
    await live.wait_to_hear("此前已经记录")
    await live.wait_until_over()
    await world.settle()
    assert len(await world.rows(t.visits)) == 1


@ONE_ENGINE
async def test_no_automatic_visit_is_made_when_the_office_wants_none(world: World) -> None:
    await world.set_setting("visit.auto.attempts", "0")
    await world.set_setting("visit.manual.sample", "1")
    await world.close_ticket()
    await world.advance(hours=6)
    assert world.count_calls() == 0 and await world.state() == "revisit_manual"
