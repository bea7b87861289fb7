"""Who may lock a run, and when: an ended check period, another person, or an administrator's reason (B3, XD4)."""

from datetime import datetime, timedelta

import pytest

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from tests.scoring.world import CLERK, HANDLER, OCT, SECOND_CLERK, World

ADMIN = Actor("A1", Role.ADMIN, "M01")


#: check opened, check period over, who locks, with force and reason → refusal, None: locked
LOCKS = (
    (False, False, CLERK, None, "check_missing"),
    (False, False, SECOND_CLERK, None, "check_missing"),
    (False, False, ADMIN, None, "check_missing"),
    (True, False, CLERK, None, "check_running"),
    (True, False, SECOND_CLERK, None, "check_running"),
    (True, True, CLERK, None, "same_person"),
    (True, True, SECOND_CLERK, None, None),
    (True, True, ADMIN, None, None),
    (False, False, SECOND_CLERK, "期末决定", "forbidden"),
    (True, True, CLERK, "期末决定", "forbidden"),
    (False, False, ADMIN, " ", "reason_missing"),
    (False, False, ADMIN, "期末决定", None),
    (True, False, ADMIN, "期末决定", None),
)


@pytest.mark.parametrize(("checked", "over", "by", "reason", "code"), LOCKS)
async def test_a_lock_needs_an_ended_check_and_another_person_or_an_admin_with_a_reason_XD4(
    world: World, checked: bool, over: bool, by: Actor, reason: str | None, code: str | None
) -> None:
    run = await world.scoring.start_run(OCT, None, CLERK)
    if checked:
        until = datetime.fromisoformat((await world.scoring.runs.check(run["id"], CLERK))["check_until"])
        world.at = until if over else until - timedelta(seconds=1)
    force = {} if reason is None else {"force": True, "reason": reason}
    if code is None:
        locked = await world.scoring.lock_run(run["id"], by, **force)
        assert (locked["state"], locked["locked_by"], locked["forced"]) == ("locked", by.code, reason)
        shown = await world.scoring.get_scores(month=OCT, scheme=None, unit=None, actor=CLERK)
        assert (shown["state"], shown["forced"]) == ("locked", reason)
        return
    with pytest.raises(Refused) as refusal:
        await world.scoring.lock_run(run["id"], by, **force)
    assert refusal.value.code == code
    assert (await world.scoring.runs.get(run["id"])).state == ("check" if checked else "trial")


async def test_a_month_with_a_duty_still_open_is_not_locked_Q15(world: World) -> None:
    sent = {"unit": "U01", "lead": True, "dispatched_at": "2026-10-29T09:00:00+08:00"}
    await world.import_history([{
        "ticket_no": "O1", "category": "help", "grade": "general", "channel": "phone", "region": "朝阳区",
        "generated_at": "2026-10-29T08:00:00+08:00", "requester": {"name": "王某", "phone": "13800001234"}, "text": "…",
        "assignments": [sent], "visits": [],
    }])  # fmt: skip
    run = await world.scoring.start_run(OCT, None, CLERK)
    with pytest.raises(Refused) as refusal:
        await world.lock(run["id"])
    assert refusal.value.code == "duties_open"


async def test_the_lists_say_who_may_decide_what_another_person_entered_XD4(world: World) -> None:
    await world.load_e1()
    run = await world.scoring.start_run(OCT, None, CLERK)
    scoring, contests = world.scoring, world.scoring.contests
    await scoring.enter_ledger({"kind": "absence", "unit": "U01", "month": "2026-11", "note": "缺席例会"}, CLERK)
    await contests.exclude(
        {"month": OCT, "unit": "U01", "item": "sign", "tickets": ["E30"], "reason": "平台故障"}, CLERK
    )
    contest = await scoring.submit_contest(run["id"], {"unit": "U01", "words": "有误"}, SECOND_CLERK)
    await contests.propose(contest["id"], {"accept": False, "reason": "已核"}, CLERK)
    await scoring.knowledge.write({"title": "路灯", "body": "……"}, CLERK)
    for actor, may in ((CLERK, False), (SECOND_CLERK, True)):
        for rows in (
            (await scoring.ledgers.list_lines(actor, state="entered"))[0], await contests.list_exclusions(OCT, None, actor),
            await contests.list_contests(actor), (await scoring.knowledge.list_entries(actor))[0],
        ):  # fmt: skip
            assert [row["may_decide"] for row in rows] == [may], rows
    settled = (await scoring.ledgers.list_lines(SECOND_CLERK, month=OCT))[0]
    assert settled and not any(row["may_decide"] for row in settled)  # what is decided is not offered again


async def test_nothing_is_excluded_from_a_locked_month_but_by_a_contest_B3(world: World) -> None:
    await world.load_e1()
    contests, row = world.scoring.contests, {"month": OCT, "unit": "U01", "item": "sign", "reason": "平台故障"}
    (waiting,) = await contests.exclude({**row, "tickets": ["E30"]}, CLERK)
    run = await world.scoring.start_run(OCT, None, CLERK)
    await world.lock(run["id"])
    for work in (
        contests.exclude({**row, "tickets": ["E31"]}, CLERK), contests.decide_exclusion(waiting["id"], True, SECOND_CLERK)
    ):  # fmt: skip
        with pytest.raises(Refused, match="exclusion_locked"):
            await work
    assert (await contests.decide_exclusion(waiting["id"], False, SECOND_CLERK))["state"] == "refused"
    contest = await world.scoring.submit_contest(
        run["id"], {"words": "故障", "item": "sign", "tickets": ["E31"]}, HANDLER
    )
    await contests.propose(contest["id"], {"accept": True, "reason": "属实"}, CLERK)
    await contests.confirm(contest["id"], True, SECOND_CLERK)
    assert [x["state"] for x in await contests.list_exclusions(OCT, None, HANDLER)] == ["refused", "accepted"]


async def test_a_unit_that_asks_for_anothers_exclusions_is_refused_and_not_given_its_own_B3(world: World) -> None:
    assert await world.scoring.contests.list_exclusions(OCT, "U01", HANDLER) == []
    with pytest.raises(Refused, match="forbidden"):
        await world.scoring.contests.list_exclusions(OCT, "U02", HANDLER)
