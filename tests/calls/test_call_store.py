"""The store of calls on both engines: one call a message, one attempt at a time, each step and each result once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from backend.domain.instants import from_micros, to_micros
from backend.ports.call_records import CallUsage
from backend.ports.calls import AttemptReport, AttemptResult, DialogueStep, NewCall
from storage import tables as t
from storage.calls.calls import SqlCallStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from tests.time_and_chance import CHANCE

NOW = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
LI, WANG = "+8613800001001", "+8613800001002"
CHECK_AT = NOW + timedelta(seconds=90)


@pytest.fixture
def store(database: Database) -> SqlCallStore:
    """The store on either engine, empty."""
    return SqlCallStore(database, IdSupply(database), Encryption("a secret of the tests, long enough", CHANCE))


def build_call(**more: Any) -> NewCall:
    """A call to a handler about a ticket."""
    return NewCall(
        **{"purpose": "notice", "script": "notice", "next_at": NOW, "created_at": NOW, "person": "H1", **more}
    )


async def add_message(database: Database, message_id: int = 1, **more: Any) -> None:
    """Put a message of the telephone channel into the outbox."""
    row = {"id": message_id, "kind": "call_to_sign", "channel": "phone", "person": "H1", "ticket_version": 1, "urgent": False,
           "not_before": to_micros(NOW), "created_at": to_micros(NOW), "facts": "{}", "state": "pending", "attempts": 2, **more}  # fmt: skip
    await database.write(lambda c: c.execute(insert(t.outbox).values(row)) and None)


async def begin_attempt(store: SqlCallStore, number: str = LI, **more: Any) -> int:
    call = await store.enqueue(build_call(**more))
    assert call is not None
    attempt = await store.begin_attempt(call, number, "138****1001", NOW, CHECK_AT)
    assert attempt is not None
    return attempt


def build_step(attempt_id: int, number: int = 0, **more: Any) -> DialogueStep:
    return DialogueStep(attempt_id, number, NOW, {"say": ["x"]}, "offer.0.0.0.0.0", {"contacted": "yes"}, **more)


async def test_one_message_makes_one_call_however_many_workers_take_it_FM8(
    store: SqlCallStore, database: Database
) -> None:
    await add_message(database)
    found = (await store.list_due_messages(NOW, 10))[0]
    assert (found.id, found.attempts, found.unit) == (1, 2, None)
    created = await asyncio.gather(*(store.enqueue(build_call(outbox_id=1)) for _ in range(8)))
    assert sum(one is not None for one in created) == 1
    row = await database.read(lambda c: c.execute(select(t.outbox)).one())
    assert (row.state, row.owner, row.attempts, row.lease_until) == ("sending", "calls", 3, None)
    assert await store.list_due_messages(NOW, 10) == []


async def test_messages_are_listed_when_due_and_the_urgent_ones_first(store: SqlCallStore, database: Database) -> None:
    await add_message(database, 1)
    await add_message(database, 2, urgent=True)
    await add_message(database, 3, not_before=to_micros(NOW) + 1)
    await add_message(database, 4, channel="telegram")
    assert [found.id for found in await store.list_due_messages(NOW, 10)] == [2, 1]


async def test_one_round_of_visits_to_a_ticket_is_one_call_FW22(store: SqlCallStore) -> None:
    created = await asyncio.gather(
        *(store.enqueue(build_call(purpose="visit", ticket_id=5, round=1)) for _ in range(4))
    )
    assert sum(one is not None for one in created) == 1
    assert await store.enqueue(build_call(purpose="visit", ticket_id=5, round=2)) is not None


async def test_one_of_many_workers_begins_and_the_attempt_is_stored_before_the_carrier_is_asked_FW14(
    store: SqlCallStore,
) -> None:
    call = await store.enqueue(build_call())
    assert call is not None
    started = await asyncio.gather(*(store.begin_attempt(call, LI, "138****1001", NOW, CHECK_AT) for _ in range(8)))
    attempt = next(one for one in started if one is not None)
    assert sum(one is not None for one in started) == 1
    live = await store.find_live_call(attempt)
    assert live is not None and (
        live.attempt.state,
        live.attempt.attempt_no,
        live.call.state,
        live.call.attempts_made,
    ) == (
        "asking",
        1,
        "live",
        1,
    )
    assert await store.get_number(call) == LI


async def test_a_telephone_in_use_is_not_called_about_another_matter(store: SqlCallStore) -> None:
    first = await begin_attempt(store)
    other = await store.enqueue(build_call())
    assert other is not None
    assert await store.is_engaged(other, LI) and not await store.is_engaged(other, WANG)
    assert await store.begin_attempt(other, LI, "x", NOW, CHECK_AT) is None
    await store.settle_attempt(AttemptResult(first, "confirmed", NOW))
    assert not await store.is_engaged(other, LI)
    assert await store.begin_attempt(other, LI, "x", NOW, CHECK_AT) is not None


async def test_the_number_is_nowhere_stored_in_plain_text_G23(store: SqlCallStore, database: Database) -> None:
    await begin_attempt(store, phone=LI, masked="138****1001")
    for table in (t.calls, t.call_attempts):
        rows = await database.read(lambda c, table=table: c.execute(select(table)).all())
        assert "13800001001" not in str(rows)


async def test_a_step_is_recorded_once_and_an_attempt_ends_once_FW5_FW7(store: SqlCallStore) -> None:
    attempt = await begin_attempt(store)
    recorded = await asyncio.gather(
        *(store.record_step(build_step(attempt, keys="1", provider_id="CA1")) for _ in range(6))
    )
    assert recorded.count(True) == 1
    assert not await store.record_step(build_step(attempt, 5))
    live = await store.find_live_call(attempt)
    assert live is not None
    assert (
        live.attempt.next_step,
        live.attempt.last_prompt,
        live.attempt.keys,
        live.attempt.provider_id,
        live.attempt.state,
    ) == (
        1,
        {"say": ["x"]},
        "1",
        "CA1",
        "placed",
    )
    assert (live.call.position, live.call.answers) == ("offer.0.0.0.0.0", {"contacted": "yes"})
    settled = await asyncio.gather(
        *(store.settle_attempt(AttemptResult(attempt, "no_reply", NOW, NOW + timedelta(minutes=5))) for _ in range(6))
    )
    assert settled.count(True) == 1
    again = (await store.list_due(NOW + timedelta(minutes=5), 10))[0]
    assert (again.attempt_count, again.state) == (1, "waiting")
    assert await store.list_due(NOW + timedelta(minutes=4), 10) == []


REPORTS = [
    ("in order", [("ringing", 0), ("in-progress", 1), ("completed", 2)], "completed"),
    ("reversed", [("completed", 2), ("in-progress", 1), ("ringing", 0)], "completed"),
    ("doubled", [("ringing", 0), ("ringing", 0), ("completed", 2), ("completed", 2)], "completed"),
    ("the final status wins though its number is low", [("in-progress", 3), ("busy", 0), ("in-progress", 4)], "busy"),
    ("no final status", [("in-progress", 1), ("ringing", 0)], "in-progress"),
    ("two final statuses", [("busy", 1), ("completed", 2)], "busy"),
]


@pytest.mark.parametrize(("name", "reports", "status"), REPORTS, ids=[row[0] for row in REPORTS])
async def test_status_reports_may_come_in_any_order_FW6(
    store: SqlCallStore, database: Database, name: str, reports: list[tuple[str, int]], status: str
) -> None:
    attempt = await begin_attempt(store)
    for word, sequence in reports:
        is_final = word in ("completed", "busy")
        await store.record_report(
            attempt,
            AttemptReport(
                "CA1",
                word,
                is_final,
                NOW,
                sequence,
                duration=7 if is_final else None,
                cost="0.02 USD" if is_final else None,
            ),
        )
    row = await database.read(lambda c: c.execute(select(t.call_attempts)).one())
    call = await database.read(lambda c: c.execute(select(t.calls)).one())
    assert (row.status, row.provider_id, row.state) == (status, "CA1", "placed")
    assert (call.duration, call.cost) == ((7, "0.02000 USD") if status != "in-progress" else (0, None))


async def test_duration_and_cost_are_summed_over_the_attempts(store: SqlCallStore, database: Database) -> None:
    call = await store.enqueue(build_call())
    assert call is not None
    for place in range(3):
        attempt = await store.begin_attempt(call, LI, "x", NOW, CHECK_AT)
        assert attempt is not None
        await store.record_report(
            attempt, AttemptReport(f"CA{place}", "completed", True, NOW, 1, duration=10, cost="0.02 USD")
        )
        await store.settle_attempt(AttemptResult(attempt, "no_reply", NOW, NOW))
    row = await database.read(lambda c: c.execute(select(t.calls)).one())
    assert (row.duration, row.cost, row.attempt_count) == (30, "0.06000 USD", 3)


async def test_callbacks_may_come_before_the_carriers_answer_FW16(store: SqlCallStore) -> None:
    attempt = await begin_attempt(store)
    await store.record_report(attempt, AttemptReport("CA1", "ringing", False, NOW, 0))
    assert not await store.mark_placed(attempt, "CA1", CHECK_AT)
    other = await begin_attempt(store, WANG)
    assert not await store.mark_placed(other, "CA1", CHECK_AT), "one id of the carrier belongs to one attempt"
    assert await store.find_provider_ids(["CA1", "CA2"]) == {"CA1"}


async def test_an_ambiguous_attempt_is_checked_until_it_is_resolved(store: SqlCallStore) -> None:
    attempt = await begin_attempt(store)
    await store.mark_ambiguous(attempt, "cut")
    assert await store.list_overdue(NOW, 10) == []
    live = (await store.list_overdue(CHECK_AT, 10))[0]
    assert (live.attempt.id, live.attempt.state) == (attempt, "ambiguous")
    await store.postpone_check(attempt, CHECK_AT + timedelta(seconds=1))
    assert await store.list_overdue(CHECK_AT, 10) == []
    await store.settle_attempt(AttemptResult(attempt, "carrier_failed", CHECK_AT, CHECK_AT, False, "not_found"))
    assert await store.list_overdue(CHECK_AT + timedelta(days=1), 10) == []
    assert (await store.list_due(CHECK_AT, 10))[0].attempt_count == 0


async def test_an_incoming_call_is_stored_once_FW7(store: SqlCallStore, database: Database) -> None:
    stored = await asyncio.gather(
        *(store.open_inbound(build_call(purpose="inbound", script="inbound_handler"), "CA9") for _ in range(5))
    )
    assert len(set(stored)) == 1
    assert len(await database.read(lambda c: c.execute(select(t.calls)).all())) == 1


async def test_recent_visits_and_the_do_not_call_list_are_found_by_number(store: SqlCallStore) -> None:
    attempt = await begin_attempt(store, purpose="visit", ticket_id=1, round=1)
    live = await store.find_live_call(attempt)
    assert live is not None and live.call.phone_index is not None
    assert await store.list_visit_calls(LI, NOW - timedelta(days=7), 0) == [NOW]
    assert await store.list_visit_calls(LI, NOW - timedelta(days=7), live.call.id) == []
    assert await store.list_visit_calls(LI, NOW + timedelta(seconds=1), 0) == []
    assert await store.list_visit_calls(WANG, NOW - timedelta(days=7), 0) == []
    assert not await store.is_do_not_call(LI)
    for _ in range(2):
        await store.add_do_not_call(live.call.phone_index, NOW, None)
    assert await store.is_do_not_call(LI) and not await store.is_do_not_call(WANG)
    assert await store.measure_usage(NOW) == CallUsage(1, 1), "still on the line"
    assert await store.measure_usage(NOW + timedelta(seconds=1)) == CallUsage(0, 0)


@pytest.mark.parametrize(
    ("purpose", "seconds", "minutes"), [("notice", 0, 0), ("notice", 60, 1), ("notice", 61, 2), ("bridge", 61, 4)]
)
async def test_every_minute_begun_is_counted_and_both_legs_of_a_bridge_XM31(
    store: SqlCallStore, purpose: str, seconds: int, minutes: int
) -> None:
    attempt = await begin_attempt(store, purpose=purpose)
    await store.mark_placed(attempt, "CA1", NOW)
    await store.record_report(attempt, AttemptReport("CA1", "completed", True, NOW, None, "", seconds, ""))
    await store.settle_attempt(AttemptResult(attempt, "completed", NOW))
    assert await store.measure_usage(NOW) == CallUsage(1, minutes)


async def test_waiting_calls_can_be_postponed_or_cancelled_and_live_ones_cannot(store: SqlCallStore) -> None:
    call = await store.enqueue(build_call())
    assert call is not None
    assert await store.postpone(call, NOW + timedelta(hours=1)) and await store.list_due(NOW, 5) == []
    assert await store.cancel(call, NOW) and not await store.cancel(call, NOW)
    attempt = await begin_attempt(store)
    live = await store.find_live_call(attempt)
    assert live is not None
    assert not await store.postpone(live.call.id, NOW) and not await store.cancel(live.call.id, NOW)
    assert await store.find_live_call(1) is None


async def test_what_a_callback_address_carries_is_sealed_for_one_attempt(store: SqlCallStore) -> None:
    sealed = store.seal_param(7, '["2580","说"]')
    assert "2580" not in sealed and store.open_param(7, sealed) == '["2580","说"]'
    for attempt, text in ((8, sealed), (7, sealed[:-4] + "AAAA"), (7, ""), (7, "!"), (7, "说")):
        with pytest.raises(ValueError):
            store.open_param(attempt, text)


async def test_a_recording_is_stored_with_its_attempt(store: SqlCallStore, database: Database) -> None:
    attempt = await begin_attempt(store)
    await store.record_recording(attempt, "https://x/RE1")
    row = await database.read(lambda c: c.execute(select(t.call_attempts)).one())
    assert row.recording == "https://x/RE1"


async def test_an_old_recording_is_deleted(store: SqlCallStore, database: Database) -> None:
    attempt = await begin_attempt(store)
    await store.record_recording(attempt, "https://x/RE1")
    asked = await database.read(lambda c: c.execute(select(t.call_attempts.c.asked_at)).scalar_one())
    assert await store.delete_recordings(from_micros(asked)) == 0
    assert await store.delete_recordings(from_micros(asked + 1)) == 1
    assert await database.read(lambda c: c.execute(select(t.call_attempts.c.recording)).scalar_one()) is None


async def test_a_slower_worker_never_brings_the_next_attempt_forward_FM4(store: SqlCallStore) -> None:
    """It saw the call waiting and could not begin it; meanwhile another worker's attempt had ended."""
    attempt = await begin_attempt(store)
    live = await store.find_live_call(attempt)
    assert live is not None
    await store.settle_attempt(AttemptResult(attempt, "no_answer", NOW, NOW + timedelta(minutes=5)))
    assert not await store.postpone(live.call.id, NOW + timedelta(minutes=1))
    assert await store.list_due(NOW + timedelta(minutes=4), 10) == []
    assert len(await store.list_due(NOW + timedelta(minutes=5), 10)) == 1
