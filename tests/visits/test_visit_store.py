"""The stores of visits on both engines: tasks, do-not-call list, short messages and counts."""

from datetime import timedelta

from storage import tables as t
from storage.visits.texts import SqlRequesterTextStore
from storage.visits.visits import SqlVisitStore
from tests.calls.world import AGENT, ASKER, World


async def test_tasks_counts_do_not_call_list_and_short_messages_work_alike_on_every_engine(world: World) -> None:
    store, texts = (
        SqlVisitStore(world.db, world.encryption),
        SqlRequesterTextStore(world.db, world.ids, world.encryption),
    )
    world.phone(ASKER).answer_with(["1", "1", "1", "3", "3", "#"])
    await world.close_ticket()
    await world.advance(hours=6)
    (task,) = await store.list_tasks(10)
    assert (task.ticket_no, task.unit, task.phone_tail, task.heard["satisfaction"]) == (
        "T1001", "U01", ASKER[-4:], "unsatisfied")  # fmt: skip
    assert task.due_at is not None and not task.urgent and len(task.recordings) == 1
    await world.act("visit", AGENT, kind="manual", answer="satisfied", note="满意")
    assert await store.find_task("T1001") is None

    month = world.at.replace(day=1), world.at + timedelta(days=1)
    assert sorted((v.unit, v.by, v.kind, v.answer, v.count) for v in await store.count_visits(*month)) == [
        ("U01", "", "auto", "unsatisfied", 1), ("U01", "V1", "manual", "satisfied", 1)]  # fmt: skip
    (calls,) = await store.count_calls(*month)
    assert (calls.unit, calls.outcome, calls.calls, calls.attempts) == ("U01", "completed", 1, 1)

    assert await store.block(ASKER, "139****5678", "来电要求", "V1", world.at)
    assert not await store.block(ASKER, "139****5678", "再次", "V1", world.at)
    (line,) = await store.list_blocked(10)
    assert (line.masked, line.by, line.reason) == ("139****5678", "V1", "来电要求")
    assert (await world.load()).ticket.do_not_call
    assert await store.unblock(ref=line.ref) == "139****5678" and await store.unblock(phone=ASKER) is None
    assert not (await world.load()).ticket.do_not_call

    about = task.ticket_id, "sms_unreached", 1, ASKER, "139****5678", True, world.at
    assert await texts.enqueue(*about) and not await texts.enqueue(*about)
    (text,) = await texts.list_due(world.at, 10)
    until = world.at + timedelta(minutes=2)
    assert await texts.claim(text.id, world.at, until) and not await texts.claim(text.id, world.at, until)
    await texts.settle(
        text.id, "sent", world.at, next_at=world.at + timedelta(days=1), provider_id="SM1", cost="0.01 USD"
    )
    assert await texts.record_report(text.id, "SM1", "delivered", "") and not await texts.record_report(
        text.id, "SM9", "failed", "30003"
    )
    waiting = await texts.find_awaiting_answer(ASKER)
    assert waiting is not None and (waiting.state, waiting.status) == ("sent", "delivered")
    assert await texts.record_answer(text.id, "1", world.at) and not await texts.record_answer(text.id, "3", world.at)
    assert await texts.find_awaiting_answer(ASKER) is None and [
        x.answered for x in await texts.list_by_ticket(task.ticket_id)
    ] == ["1"]
    assert await store.list_awaiting_result(10) == [] and len(await world.rows(t.requester_texts)) == 1
