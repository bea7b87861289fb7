"""Alarms reach administrators once a cause, by every way that still works, and say when they are over (FS6, XR8, FD5)."""

import asyncio
import re
from datetime import timedelta

import pytest

from backend.domain.texts import Texts
from backend.operations.alarm_calls import TEXT, build_alarm_prompt
from backend.operations.alarm_table import ALARMS
from backend.operations.contacts import Contact
from notify.channel import DeliveryError
from storage.engine.database import Database
from storage.operations.alarms import SqlAlarmBook
from tests.chats import bind_to
from tests.house.source import ROOT
from tests.operations.world import DeadBook, FakeChannel, Told


@pytest.fixture
def told(database: Database) -> Told:
    return Told(SqlAlarmBook(database))


async def test_every_administrator_is_told_by_chat_and_telephone_and_the_url_too_XR8(told: Told) -> None:
    await told.alarms.tell("read_only", code="XX001")
    for person in ("a1", "a3", "o1"):  # auditors too: the table says so
        (text,) = told.chat.texts_of(person)
        assert "数据库损坏" in text and "XX001" in text and "请立即备份" in text and "开始时间" in text
    assert told.rung == ["+8613800000001", "+8613800000002", "+8613800000009"]
    assert [(p["cause"], p["state"]) for p in told.posted] == [("read_only", "told")]
    assert told.carriers[0].calls[0][1] == "https://x/hooks/first/alarm/read_only"


async def test_who_is_told_and_by_what_stands_in_the_table_FS6(told: Told) -> None:
    await told.alarms.tell("message_dead", person="H1", message="ticket_dispatched")
    assert told.chat.texts_of("o1") == [] and told.rung == [] and len(told.chat.texts_of("a1")) == 1
    assert "发给 李明 的通知" in told.chat.texts_of("a1")[0], "people are named, not coded"


async def test_one_message_a_cause_however_often_and_by_how_many_processes_it_is_told_FS6(told: Told) -> None:
    other = told.start_process()
    for minutes in (0, 1, 5, 9, 30):
        await told.alarms.tell("read_only")
        await other.tell("read_only")
        told.pass_time(minutes)
    assert len(told.chat.shown) == 3 and len(told.rung) == 3 and told.chat.edits == 0


async def test_a_cause_that_is_over_is_edited_once_and_told_anew_after_ten_minutes_FS6(told: Told) -> None:
    other = told.start_process()
    await told.alarms.tell("held")
    told.pass_time(3)
    await asyncio.gather(other.heal("held"), told.alarms.heal("held"))  # whoever sees it first, also after a restart
    (text,) = told.chat.texts_of("a1")
    assert "已恢复" in text and told.chat.edits == 3
    assert [p["state"] for p in told.posted] == ["told", "healed"]
    await other.refresh()
    told.pass_time(2)  # it flaps: the message that is there says so, nobody is woken again
    await other.tell("held")
    assert "系统告警" in told.chat.texts_of("a1")[0] and len(told.chat.texts_of("a1")) == 1 and len(told.rung) == 3
    await other.heal("held")
    told.pass_time(11)
    await told.alarms.tell("held")
    assert len(told.chat.texts_of("a1")) == 2 and len(told.rung) == 6


async def test_what_happens_at_a_moment_is_told_again_after_ten_minutes_FS6(told: Told) -> None:
    for minutes in (1, 8, 2, 30):
        await told.start_process().tell("carrier_failing", code="20003")
        told.pass_time(minutes)
    assert len(told.chat.texts_of("a1")) == 2


async def test_alarms_of_one_cause_are_told_apart_by_their_subject_XR8(told: Told) -> None:
    await told.alarms.tell("role_missing", subject="worker", role="投递")
    await told.alarms.tell("role_missing", subject="clock", role="时限")
    assert sorted("投递" in text for text in told.chat.texts_of("a1")) == [False, True]
    await told.alarms.heal("role_missing", "clock")
    assert sorted("已恢复" in text for text in told.chat.texts_of("a1")) == [False, True]


@pytest.mark.parametrize("hangs", [False, True])
async def test_an_alarm_needs_no_database_FD5(hangs: bool) -> None:
    told = Told(DeadBook(hangs=hangs))
    for _ in range(3):
        await told.alarms.tell("database_away")
        told.pass_time(4)
    assert len(told.chat.texts_of("a1")) == 1 and len(told.rung) == 2
    await told.alarms.heal("database_away")
    assert "已恢复" in told.chat.texts_of("a1")[0]


async def test_what_was_told_without_a_database_is_edited_when_it_is_back_XR8(database: Database) -> None:
    book = DeadBook()
    told = Told(book)
    await told.alarms.tell("database_away")
    book.back = SqlAlarmBook(database)
    await told.alarms.refresh()
    assert told.alarms.list_standing() == [("database_away", "")]
    await told.alarms.heal("database_away")
    assert "已恢复" in told.chat.texts_of("a1")[0]


FAILURES = [
    (DeliveryError("transient", "network"), True), (DeliveryError("throttled", "429", retry_after=0.01), True),
    (DeliveryError("permanent", "401"), False), (DeliveryError("dead_address", "403"), False),
]  # fmt: skip


@pytest.mark.parametrize(("failure", "arrives"), FAILURES)
async def test_a_chat_that_fails_keeps_nobody_else_from_being_told_XR8(
    told: Told, failure: DeliveryError, arrives: bool
) -> None:
    told.chat.failures = [failure]
    await told.alarms.tell("backup_old")
    assert sorted(len(told.chat.texts_of(one)) for one in ("a1", "a3")) == [int(arrives), 1]


async def test_an_alarm_takes_a_persons_next_network_where_the_first_is_dead_XR8(told: Told) -> None:
    other = FakeChannel("feige")
    told.channels["feige"] = other
    told.people = (Contact("A1", False, bind_to("chat:a1", "feige:f1"), None),)
    told.chat.failures = [DeliveryError("dead_address", "403")]
    await told.alarms.tell("backup_old")
    assert told.chat.texts_of("a1") == [] and len(other.texts_of("f1")) == 1
    await told.alarms.heal("backup_old")
    assert "已恢复" in other.texts_of("f1")[0]


async def test_another_carrier_rings_if_the_usual_one_fails_FS6(told: Told) -> None:
    told.carriers[0].error = DeliveryError("permanent", "20003")
    await told.alarms.tell("worker_stuck", subject="delivery")
    assert [(to, menu.first if menu else None) for to, _, menu in told.carriers[1].calls] == [
        ("+8613800000001", TEXT), ("+8613800000002", TEXT),
    ]  # fmt: skip


async def test_an_alarm_that_reached_nobody_is_told_again_XR8(told: Told) -> None:
    told.people, everybody = (), told.people
    await told.alarms.tell("backup_old")
    told.people = everybody
    told.pass_time(9)
    await told.alarms.tell("backup_old")
    assert told.chat.shown == {}
    told.pass_time(2)
    await told.alarms.tell("backup_old")
    assert len(told.chat.texts_of("a1")) == 1


async def test_what_is_told_daily_is_told_daily_FS8(told: Told) -> None:
    for _ in range(49):
        await told.alarms.tell("calendar_short", subject="2026-12-31")
        told.pass_time(60)
    assert len(told.chat.texts_of("a1")) == 3


async def test_telephones_ring_later_about_what_was_first_told_by_chat_FS6(told: Told) -> None:
    facts = {"subject": "chat", "channel": "chat"}
    await told.alarms.tell_standing("message_waiting", timedelta(minutes=10), facts, by_call=False)
    assert told.rung == [] and len(told.chat.texts_of("a1")) == 1
    told.pass_time(20)
    for _ in range(3):
        await told.alarms.tell_standing("message_waiting", timedelta(minutes=30), facts, by_call=True)
    assert len(told.rung) == 2 and len(told.chat.texts_of("a1")) == 1


@pytest.mark.parametrize("cause", ALARMS)
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_cause_has_its_sentences_and_a_short_script_FS6(language: str, cause: str) -> None:
    texts = Texts(language)
    assert len(texts.get_template(f"alarm.what.{cause}").split("\n")) == 2  # what is wrong; what to do
    prompt = build_alarm_prompt(texts, "热线", cause)
    assert texts.render(f"alarm.title.{cause}") in prompt.say[0] and len(prompt.say[0]) < 260
    assert build_alarm_prompt(texts, "热线", "../etc") == build_alarm_prompt(texts, "热线", "other")


def test_the_page_has_the_table_of_the_code_FS6() -> None:
    page = (ROOT / "docs" / "monitoring.zh.md").read_text("utf-8")
    rows = {
        cause: (title, after, by)
        for cause, title, after, by in re.findall(r"\| `(\w+)` (.+?) \| (.+?) \| (.+?) \|", page)
    }
    assert list(rows) == list(ALARMS)
    for cause, rule in ALARMS.items():
        title, after, by = rows[cause]
        assert title.startswith(Texts("zh_CN").render(f"alarm.title.{cause}"))
        assert ("电话" in by, "审计员" in by, "每天" in after) == (
            rule.call is not None,
            rule.auditors,
            rule.repeat is not None,
        )
        minutes = int(rule.after.total_seconds() // 60)
        assert minutes == 0 or f"{minutes} 分钟" in after
        assert rule.call in (None, rule.after) or f"{int(rule.call.total_seconds() // 60)} 分钟起" in by
