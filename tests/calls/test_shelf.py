"""The shelf of calls on both engines: one call a letter, one attempt at a time, each step and each ending once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.calls import AttemptReport, AttemptResult, DialogueStep, NewCall
from storage import tables as t
from storage.calls.calls import SqlCallStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply

NOW = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
LI, WANG = "+8613800001001", "+8613800001002"
LOOK = NOW + timedelta(seconds=90)


@pytest.fixture
def shelf(database: Database) -> SqlCallStore:
    return SqlCallStore(database, IdSupply(database), Encryption("a secret of the tests, long enough"))


def new(**more: Any) -> NewCall:
    return NewCall(
        **{"purpose": "notice", "script": "notice", "next_at": NOW, "created_at": NOW, "person": "H1", **more}
    )


async def letter(database: Database, letter_id: int = 1, **more: Any) -> None:
    row = {"id": letter_id, "kind": "P1", "channel": "phone", "person": "H1", "version": 1, "urgent": False,
           "not_before": to_micros(NOW), "created_at": to_micros(NOW), "facts": "{}", "state": "pending", "attempts": 2, **more}  # fmt: skip
    await database.write(lambda c: c.execute(insert(t.letters).values(row)) and None)


async def begun(shelf: SqlCallStore, number: str = LI, **more: Any) -> int:
    call = await shelf.enqueue(new(**more))
    assert call is not None
    attempt = await shelf.begin_attempt(call, number, "138****1001", NOW, LOOK)
    assert attempt is not None
    return attempt


def step(dial: int, number: int = 0, **more: Any) -> DialogueStep:
    return DialogueStep(dial, number, NOW, {"say": ["x"]}, "offer.0.0.0.0.0", {"contacted": "yes"}, **more)


async def test_a_letter_makes_one_call_however_many_take_it_up_FM8(shelf: SqlCallStore, database: Database) -> None:
    await letter(database)
    found = (await shelf.list_due_messages(NOW, 10))[0]
    assert (found.id, found.attempts, found.unit) == (1, 2, None)
    made = await asyncio.gather(*(shelf.enqueue(new(letter_id=1)) for _ in range(8)))
    assert sum(one is not None for one in made) == 1
    row = await database.read(lambda c: c.execute(select(t.letters)).one())
    assert (row.state, row.owner, row.attempts, row.lease_until) == ("sending", "calls", 3, None)
    assert await shelf.list_due_messages(NOW, 10) == []


async def test_letters_come_when_due_and_the_urgent_first(shelf: SqlCallStore, database: Database) -> None:
    await letter(database, 1)
    await letter(database, 2, urgent=True)
    await letter(database, 3, not_before=to_micros(NOW) + 1)
    await letter(database, 4, channel="telegram")
    assert [found.id for found in await shelf.list_due_messages(NOW, 10)] == [2, 1]


async def test_a_round_of_a_ticket_is_visited_by_one_call_FW22(shelf: SqlCallStore) -> None:
    made = await asyncio.gather(*(shelf.enqueue(new(purpose="visit", ticket_id=5, round=1)) for _ in range(4)))
    assert sum(one is not None for one in made) == 1
    assert await shelf.enqueue(new(purpose="visit", ticket_id=5, round=2)) is not None


async def test_one_of_many_begins_and_the_attempt_is_there_before_the_carrier_is_asked_FW14(
    shelf: SqlCallStore,
) -> None:
    call = await shelf.enqueue(new())
    assert call is not None
    begun = await asyncio.gather(*(shelf.begin_attempt(call, LI, "138****1001", NOW, LOOK) for _ in range(8)))
    attempt = next(one for one in begun if one is not None)
    assert sum(one is not None for one in begun) == 1
    talk = await shelf.find_live_call(attempt)
    assert talk is not None and (talk.attempt.state, talk.attempt.number, talk.call.state, talk.call.attempts_made) == (
        "asking",
        1,
        "live",
        1,
    )
    assert await shelf.get_number(call) == LI


async def test_an_engaged_telephone_is_not_rung_about_something_else(shelf: SqlCallStore) -> None:
    first = await begun(shelf)
    other = await shelf.enqueue(new())
    assert other is not None
    assert await shelf.is_engaged(other, LI) and not await shelf.is_engaged(other, WANG)
    assert await shelf.begin_attempt(other, LI, "x", NOW, LOOK) is None
    await shelf.settle_attempt(AttemptResult(first, "confirmed", NOW))
    assert not await shelf.is_engaged(other, LI)
    assert await shelf.begin_attempt(other, LI, "x", NOW, LOOK) is not None


async def test_the_number_is_nowhere_in_the_clear_G23(shelf: SqlCallStore, database: Database) -> None:
    await begun(shelf, phone=LI, masked="138****1001")
    for table in (t.calls, t.dials):
        rows = await database.read(lambda c, table=table: c.execute(select(table)).all())
        assert "13800001001" not in str(rows)


async def test_a_step_is_taken_once_and_an_attempt_is_judged_once_FW5_FW7(shelf: SqlCallStore) -> None:
    attempt = await begun(shelf)
    taken = await asyncio.gather(*(shelf.record_step(step(attempt, keys="1", provider_id="CA1")) for _ in range(6)))
    assert taken.count(True) == 1
    assert not await shelf.record_step(step(attempt, 5))
    talk = await shelf.find_live_call(attempt)
    assert talk is not None
    assert (talk.attempt.step, talk.attempt.said, talk.attempt.keys, talk.attempt.provider_id, talk.attempt.state) == (
        1,
        {"say": ["x"]},
        "1",
        "CA1",
        "placed",
    )
    assert (talk.call.position, talk.call.heard) == ("offer.0.0.0.0.0", {"contacted": "yes"})
    ended = await asyncio.gather(
        *(shelf.settle_attempt(AttemptResult(attempt, "no_reply", NOW, NOW + timedelta(minutes=5))) for _ in range(6))
    )
    assert ended.count(True) == 1
    again = (await shelf.list_due(NOW + timedelta(minutes=5), 10))[0]
    assert (again.tries, again.state) == (1, "waiting")
    assert await shelf.list_due(NOW + timedelta(minutes=4), 10) == []


NEWS = [
    ("in order", [("ringing", 0), ("in-progress", 1), ("completed", 2)], "completed"),
    ("reversed", [("completed", 2), ("in-progress", 1), ("ringing", 0)], "completed"),
    ("doubled", [("ringing", 0), ("ringing", 0), ("completed", 2), ("completed", 2)], "completed"),
    ("the last word wins though its number is low", [("in-progress", 3), ("busy", 0), ("in-progress", 4)], "busy"),
    ("no last word", [("in-progress", 1), ("ringing", 0)], "in-progress"),
    ("two last words", [("busy", 1), ("completed", 2)], "busy"),
]


@pytest.mark.parametrize(("name", "told", "status"), NEWS, ids=[row[0] for row in NEWS])
async def test_news_in_any_order_FW6(
    shelf: SqlCallStore, database: Database, name: str, told: list[tuple[str, int]], status: str
) -> None:
    attempt = await begun(shelf)
    for word, sequence in told:
        last = word in ("completed", "busy")
        await shelf.record_report(
            attempt,
            AttemptReport(
                "CA1", word, last, NOW, sequence, duration=7 if last else None, cost="0.02 USD" if last else None
            ),
        )
    row = await database.read(lambda c: c.execute(select(t.dials)).one())
    call = await database.read(lambda c: c.execute(select(t.calls)).one())
    assert (row.status, row.provider_id, row.state) == (status, "CA1", "placed")
    assert (call.duration, call.cost) == ((7, "0.02000 USD") if status != "in-progress" else (0, None))


async def test_duration_and_cost_are_summed_over_the_attempts(shelf: SqlCallStore, database: Database) -> None:
    call = await shelf.enqueue(new())
    assert call is not None
    for place in range(3):
        attempt = await shelf.begin_attempt(call, LI, "x", NOW, LOOK)
        assert attempt is not None
        await shelf.record_report(
            attempt, AttemptReport(f"CA{place}", "completed", True, NOW, 1, duration=10, cost="0.02 USD")
        )
        await shelf.settle_attempt(AttemptResult(attempt, "no_reply", NOW, NOW))
    row = await database.read(lambda c: c.execute(select(t.calls)).one())
    assert (row.duration, row.cost, row.tries) == (30, "0.06000 USD", 3)


async def test_callbacks_may_come_before_the_carriers_answer_FW16(shelf: SqlCallStore) -> None:
    attempt = await begun(shelf)
    await shelf.record_report(attempt, AttemptReport("CA1", "ringing", False, NOW, 0))
    assert not await shelf.mark_placed(attempt, "CA1", LOOK)
    other = await begun(shelf, WANG)
    assert not await shelf.mark_placed(other, "CA1", LOOK), "one id of the carrier belongs to one attempt"
    assert await shelf.find_provider_ids(["CA1", "CA2"]) == {"CA1"}


async def test_doubt_is_looked_after_and_no_longer_when_it_is_resolved(shelf: SqlCallStore) -> None:
    attempt = await begun(shelf)
    await shelf.mark_ambiguous(attempt, "cut")
    assert await shelf.list_overdue(NOW, 10) == []
    talk = (await shelf.list_overdue(LOOK, 10))[0]
    assert (talk.attempt.id, talk.attempt.state) == (attempt, "ambiguous")
    await shelf.postpone_check(attempt, LOOK + timedelta(seconds=1))
    assert await shelf.list_overdue(LOOK, 10) == []
    await shelf.settle_attempt(AttemptResult(attempt, "carrier_failed", LOOK, LOOK, False, "not_found"))
    assert await shelf.list_overdue(LOOK + timedelta(days=1), 10) == []
    assert (await shelf.list_due(LOOK, 10))[0].tries == 0


async def test_an_incoming_call_is_kept_once_FW7(shelf: SqlCallStore, database: Database) -> None:
    kept = await asyncio.gather(
        *(shelf.open_inbound(new(purpose="inbound", script="inbound_handler"), "CA9") for _ in range(5))
    )
    assert len(set(kept)) == 1
    assert len(await database.read(lambda c: c.execute(select(t.calls)).all())) == 1


async def test_who_was_visited_lately_and_who_wants_peace(shelf: SqlCallStore) -> None:
    attempt = await begun(shelf, purpose="visit", ticket_id=1, round=1)
    talk = await shelf.find_live_call(attempt)
    assert talk is not None and talk.call.phone_index is not None
    assert await shelf.list_visit_calls(LI, NOW - timedelta(days=7), 0) == [NOW]
    assert await shelf.list_visit_calls(LI, NOW - timedelta(days=7), talk.call.id) == []
    assert await shelf.list_visit_calls(LI, NOW + timedelta(seconds=1), 0) == []
    assert await shelf.list_visit_calls(WANG, NOW - timedelta(days=7), 0) == []
    assert not await shelf.is_do_not_call(LI)
    for _ in range(2):
        await shelf.add_do_not_call(talk.call.phone_index, NOW, None)
    assert await shelf.is_do_not_call(LI) and not await shelf.is_do_not_call(WANG)
    assert await shelf.count_attempts(NOW) == 1 and await shelf.count_attempts(NOW + timedelta(seconds=1)) == 0


async def test_waiting_calls_are_postponed_or_dropped_and_live_ones_are_not(shelf: SqlCallStore) -> None:
    call = await shelf.enqueue(new())
    assert call is not None
    assert await shelf.postpone(call, NOW + timedelta(hours=1)) and await shelf.list_due(NOW, 5) == []
    assert await shelf.cancel(call, NOW) and not await shelf.cancel(call, NOW)
    attempt = await begun(shelf)
    talk = await shelf.find_live_call(attempt)
    assert talk is not None
    assert not await shelf.postpone(talk.call.id, NOW) and not await shelf.cancel(talk.call.id, NOW)
    assert await shelf.find_live_call(1) is None


async def test_what_travels_is_sealed_for_one_attempt(shelf: SqlCallStore) -> None:
    sealed = shelf.seal_param(7, '["2580","说"]')
    assert "2580" not in sealed and shelf.open_param(7, sealed) == '["2580","说"]'
    for attempt, text in ((8, sealed), (7, sealed[:-4] + "AAAA"), (7, ""), (7, "!"), (7, "说")):
        with pytest.raises(ValueError):
            shelf.open_param(attempt, text)


async def test_a_recording_is_kept_on_its_attempt(shelf: SqlCallStore, database: Database) -> None:
    attempt = await begun(shelf)
    await shelf.record_recording(attempt, "https://x/RE1")
    await database.write(lambda c: c.execute(update(t.dials).values(keys="")) and None)
    row = await database.read(lambda c: c.execute(select(t.dials)).one())
    assert row.recording == "https://x/RE1"


async def test_an_old_recording_is_let_go_of(shelf: SqlCallStore, database: Database) -> None:
    attempt = await begun(shelf)
    await shelf.record_recording(attempt, "https://x/RE1")
    asked = await database.read(lambda c: c.execute(select(t.dials.c.asked_at)).scalar_one())
    assert await shelf.delete_recordings(from_micros(asked)) == 0
    assert await shelf.delete_recordings(from_micros(asked + 1)) == 1
    assert await database.read(lambda c: c.execute(select(t.dials.c.recording)).scalar_one()) is None


async def test_a_slower_worker_never_brings_the_next_try_forward_FM4(shelf: SqlCallStore) -> None:
    """It saw the call waiting, could not begin it, and meanwhile another worker's attempt had ended."""
    attempt = await begun(shelf)
    talk = await shelf.find_live_call(attempt)
    assert talk is not None
    await shelf.settle_attempt(AttemptResult(attempt, "no_answer", NOW, NOW + timedelta(minutes=5)))
    assert not await shelf.postpone(talk.call.id, NOW + timedelta(minutes=1))
    assert await shelf.list_due(NOW + timedelta(minutes=4), 10) == []
    assert len(await shelf.list_due(NOW + timedelta(minutes=5), 10)) == 1
