"""What only people may decide about a visit: attempts, exact words, the second person; and what is handed over to them."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert

from backend.domain.acts import Act, Actor
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade, Role, Source
from backend.office.people import PersonForm
from backend.visits.manual import ManualVisits
from sandbox.telephone.behaviour import Speech
from storage import tables as t
from storage.office.config import bump_epoch
from storage.visits.visits import SqlVisitStore
from tests.calls.world import AGENT, ASKER, DISPATCHER, DUTY, HANDLER, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def hear_unsatisfied(world: World) -> None:
    """A ticket whose automatic visit heard a no."""
    world.phone(ASKER).answer_with(["1", "1", "1", "3", "3", "#"])
    await world.close_ticket()
    await world.advance(hours=6)
    assert await world.state() == "revisit_manual"


async def record(world: World, by: Actor = AGENT, **arguments: object) -> None:
    """Record a manual visit."""
    await world.tickets.act(Act("visit", by, Source.API, ticket_no="T1001", arguments={"kind": "manual", **arguments}))


@ONE_ENGINE
@pytest.mark.parametrize("speech", ["我不想活了", "再不管我就报警了", "他妈的骗人"])
async def test_words_of_danger_make_the_visit_urgent_7_3(world: World, speech: str) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", Speech(speech)])
    await world.close_ticket()
    await world.advance(hours=6)
    duty = next(d for d in await world.rows(t.duties) if d.kind == "revisit" and d.met_at is None)
    assert (duty.grade, duty.due_at - duty.start_at) == ("urgent", 2 * 3600 * 10**6)
    assert "稍后由工作人员联系您" in world.phone(ASKER).heard


async def test_words_of_danger_ring_the_person_on_duty_at_once_and_the_next_when_they_do_not_answer_XM19(
    world: World,
) -> None:
    supervisor = "+8613800002002"
    await world.people.save_people([PersonForm("督办", "M01", Role.SUPERVISOR, "S1", supervisor)], "admin")
    await world.set_setting("visit.window", "19:00-20:00")  # after office hours: a general call would wait for morning
    world.phone(ASKER).answer_with(["1", "1", Speech("活不下去了")])
    world.phone(DUTY).ring_out()
    world.phone(supervisor).answer_with(["1"])
    await world.close_ticket()
    await world.advance(hours=12)
    assert (world.count_calls(DUTY), world.count_calls(supervisor)) == (3, 1)
    heard = world.phone(supervisor).heard
    assert "可能危及人身安全" in heard and "1 0 0 1" in heard and "活不下去" not in heard
    rung = [r for r in await world.rows(t.calls) if r.script == "danger"]
    assert [(r.person, r.outcome) for r in rung] == [("D1", "no_answer"), ("S1", "confirmed")]
    assert rung[0].created_at == (await world.rows(t.visits))[0].at
    assert {r.state for r in await world.rows(t.outbox) if r.kind == "call_danger"} == {"failed", "sent"}


@ONE_ENGINE
async def test_nobody_is_rung_any_more_once_a_person_has_spoken_with_the_requester_XM19(world: World) -> None:
    world.phone(ASKER).answer_with(["1", "1", Speech("活不下去了")])
    world.phone(DUTY).ring_out()
    await world.close_ticket()
    await world.advance(hours=5)
    rung = world.count_calls(DUTY)
    await record(world, answer="satisfied")
    await world.advance(hours=5)
    assert 1 <= rung <= 3 and world.count_calls(DUTY) == rung


@ONE_ENGINE
@pytest.mark.proves("visit.manual.urgent_limit")
async def test_the_limit_of_an_urgent_visit_is_a_setting(world: World) -> None:
    await world.set_setting("visit.manual.urgent_limit", "30m")
    world.phone(ASKER).answer_with(["1", "1", "1", Speech("我要跳楼")])
    await world.close_ticket()
    await world.advance(hours=6)
    duty = next(d for d in await world.rows(t.duties) if d.kind == "revisit" and d.met_at is None)
    assert duty.due_at - duty.start_at == 30 * 60 * 10**6


@ONE_ENGINE
async def test_silence_is_deemed_only_after_three_attempts_in_two_bands_over_two_days_Q36(world: World) -> None:
    await hear_unsatisfied(world)
    world.at = world.at.replace(hour=9) + timedelta(days=1)
    with pytest.raises(Refused) as early:
        await record(world, answer="no_reply")
    assert (early.value.code, early.value.facts) == ("attempts_missing", {"attempts": 2, "days": 1, "bands": 1})
    for hour in (9, 10, 11):  # three attempts, but all of one morning
        world.at = world.at.replace(hour=hour)
        await record(world, answer="unreached", note="无人接听")
    assert await world.state() == "revisit_manual"
    with pytest.raises(Refused) as narrow:
        await record(world, answer="no_reply")
    assert narrow.value.facts == {"days": 1, "bands": 1}
    world.at = world.at.replace(hour=15) + timedelta(days=1)
    await record(world, answer="unreached")
    ticket = (await world.load()).ticket
    assert (ticket.state, ticket.final_answer, ticket.deemed_satisfied) == ("finalized", "unreached", True)
    assert [v.answer for v in await world.rows(t.visits)] == ["unsatisfied", *["unreached"] * 4]


@ONE_ENGINE
async def test_a_dissatisfied_person_is_quoted_and_attempts_are_not_backdated(world: World) -> None:
    await hear_unsatisfied(world)
    with pytest.raises(Refused, match="note_missing"):
        await record(world, answer="unsatisfied")
    with pytest.raises(Refused, match="bad_field"):
        await record(world, answer="unreached", at=(world.at - timedelta(days=1)).isoformat())
    with pytest.raises(Refused, match="bad_field"):
        await record(world, answer="satisfied", at=(world.at + timedelta(days=1)).isoformat())
    await record(world, answer="unsatisfied", note="“灯修了一晚又灭了。”")
    assert (await world.load()).ticket.final_answer == "unsatisfied"


@ONE_ENGINE
async def test_the_reviewer_of_a_ticket_does_not_make_its_visit(world: World) -> None:
    both = Actor("V1", Role.REVIEWER, "M01")
    world.phone(ASKER).answer_with(["1", "1", "1", "3", "3", "#"])
    await world.create_ticket(grade=Grade.GENERAL, phone=ASKER)
    await world.act("dispatch", DISPATCHER, unit="U01", reason="属其职责")
    await world.act("sign", HANDLER)
    await world.act("return", HANDLER, reason="不归我管", files=["f1"], signed_by="seal")
    await world.act("decide_return", both, accept=False, reason="属你单位职责")
    await world.act("close", HANDLER, text="已修复", feedback="好", no_objection=True)
    await world.advance(hours=6)
    assert await world.state() == "revisit_manual"
    with pytest.raises(Refused, match="involved"):
        await record(world, answer="satisfied", note="满意")
    await record(world, Actor("V2", Role.REVISIT_AGENT, "M01"), answer="satisfied", note="满意")
    assert await world.state() == "finalized"


@ONE_ENGINE
@pytest.mark.parametrize(("blocked", "day"), [("2026-11-11", 12), ("11-11,11-12", 13), ("rest", 11), ("holiday", 11)])
async def test_nobody_is_called_on_a_blocked_day_FW32(world: World, blocked: str, day: int) -> None:
    world.phone(ASKER).answer_with(["1", "1", "1", "1", "1"])
    await world.set_setting("visit.blocked_days", blocked)
    world.at = world.at.replace(
        hour=18
    )  # four hours later is 22:00, so the visit is planned for Wednesday, 11 November
    await world.close_ticket()
    await world.advance(days=5)
    assert [c.created_at.astimezone(world.at.tzinfo).day for c in world.simulator.phones.calls_made] == [day]


@ONE_ENGINE
@pytest.mark.proves("visit.by_machine")
async def test_where_12351_visits_its_result_is_awaited_and_a_late_one_goes_to_a_person_Q45_A34(world: World) -> None:
    await world.set_setting("visit.by_machine", "false")
    await world.close_ticket()
    await world.advance(days=1)
    assert (await world.state(), world.count_calls()) == ("closed", 0)
    await world.advance(days=8)
    assert (await world.state(), world.count_calls()) == ("revisit_manual", 0)


@ONE_ENGINE
async def test_agents_and_supervisors_get_a_message_about_a_visit_not_finished_in_time(world: World) -> None:
    await world.people.save_people([PersonForm("督办", "M01", Role.SUPERVISOR, "S1", None)], "admin")
    await bind(world, ("V1", "telegram"), ("S1", "telegram"))
    await world.set_setting("visit.finish_within", "1wd")
    world.phone(ASKER).ring_out()
    await world.set_setting("visit.auto.attempts", "9")
    await world.close_ticket()
    await world.advance(days=2)
    sent = {(row.kind, row.person) for row in await world.rows(t.outbox) if row.kind == "visit_overdue"}
    assert sent == {("visit_overdue", "V1"), ("visit_overdue", "S1")}


async def bind(world: World, *people: tuple[str, str]) -> None:
    """Insert chats of these people, as if they had bound them."""
    rows = [
        {"id": 900 + n, "person": code, "channel": channel, "address": f"c{n}", "user_id": f"u{n}", "state": "live",
         "how": "code", "bound_at": 0}
        for n, (code, channel) in enumerate(people)
    ]  # fmt: skip

    def insert_rows(c: Connection) -> None:
        c.execute(insert(t.bindings), rows)
        bump_epoch(c)

    await world.db.write(insert_rows)
    world.office.invalidate()


@ONE_ENGINE
@pytest.mark.parametrize(
    ("kind", "answer", "state", "deemed"),
    [
        ("auto", "satisfied", "finalized", False),
        ("auto", "no_reply", "finalized", True),
        ("auto", "unsatisfied", "revisit_manual", False),
        ("manual", "unsatisfied", "finalized", False),
        ("manual", "unreached", "finalized", True),  # 12351 has made its attempts
    ],
)
async def test_results_of_12351_are_taken_as_they_come_A34_Q45(
    world: World, kind: str, answer: str, state: str, deemed: bool
) -> None:
    await world.set_setting("profile", "beijing_mutual_aid")
    await world.close_ticket()
    await world.advance(hours=6)
    arguments = {"kind": kind, "answer": answer, "contacted": "yes"}
    await world.tickets.act(Act("visit", AGENT, Source.IMPORT, ticket_no="T1001", arguments=arguments))
    ticket = (await world.load()).ticket
    assert (ticket.state, ticket.deemed_satisfied, world.count_calls(ASKER)) == (state, deemed, 0)


@ONE_ENGINE
async def test_the_requester_is_told_the_hour_by_which_the_unit_will_contact_them(world: World) -> None:
    texts = Texts("zh_CN")
    manual = ManualVisits(SqlVisitStore(world.db, world.encryption), world.office, texts, "12345热线")
    await hear_unsatisfied(world)
    sheet = await manual.get_task("T1001", AGENT)
    [promise] = [line for line in sheet.script if "前与您联系" in line]
    assert re.search(r"预计.*(上午|中午|下午|晚上).+点.*前与您联系", promise), promise
