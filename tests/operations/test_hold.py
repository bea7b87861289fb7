"""When a database has gone back in time, and what may leave once an operator has released it (XR3, FD13, FS17)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from backend.domain.instants import from_micros, to_micros
from backend.domain.refusals import Refused
from backend.operations.hold import Holds
from backend.ports.backups import Hold, Mark, Release
from backend.ports.calls import CALLS_OWNER
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.operations.hold import SqlHoldStore
from storage.operations.mark_places import FileMark, RedisMark
from tests.tickets.conftest import city
from tests.tickets.world import World
from tests.time_and_chance import CHANCE, build_clock

__all__ = ["city"]


@dataclass
class House:
    """An installation whose clocks a test moves; each start is a new process with the same marks."""

    db: Database
    folder: Path
    at: datetime = World.start
    monotonic: float = 0.0
    ids: IdSupply = field(init=False)

    def __post_init__(self) -> None:
        self.ids = IdSupply(self.db)

    @property
    def place(self) -> FileMark:
        return FileMark(self.folder)

    def open(self) -> Holds:
        clock = build_clock(lambda: self.at, lambda: self.at.timestamp(), lambda: self.monotonic)  # noqa: PLW0108 - it is moved
        return Holds(SqlHoldStore(self.db, self.ids), [self.place], clock, CHANCE)

    async def start(self) -> Holds:
        holds = self.open()
        await holds.start()
        return holds

    async def beat(self, holds: Holds, times: int = 1) -> None:
        for _ in range(times):
            self.at += timedelta(seconds=10)
            await holds.keep_mark()

    async def copy(self) -> Mapping[str, str]:
        """What a copy of the database would say."""
        return {row.name: row.value for row in await self.db.fetch_rows(select(t.key_values))}

    async def put_back(self, copy: Mapping[str, str]) -> None:
        await self.db.execute(t.key_values.delete())
        for name, value in copy.items():
            await self.db.execute(insert(t.key_values).values(name=name, value=value))


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return House(database, tmp_path / "state")


async def find_why(house: House, holds: Holds) -> str:
    """Why it is held; empty if it is not. The gate says the same."""
    report = await holds.describe()
    held = await house.db.fetch_column(select(t.gate.c.part).where(t.gate.c.held).order_by(t.gate.c.part))
    assert held == ([] if report is None else ["calls", "deadlines", "outbox"])
    return "" if report is None else report.hold.why


@pytest.mark.parametrize(
    ("beats_lost", "away", "marks_lost", "why"),
    [
        (0, timedelta(hours=3), False, ""),  # an outage: both agree (FS17)
        (0, timedelta(seconds=5), False, ""),
        (1, timedelta(hours=3), False, ""),  # a replica that lagged
        (6, timedelta(), False, ""),  # 60 s exactly
        (7, timedelta(), False, "behind"),
        (26_000, timedelta(hours=1), False, "behind"),
        (0, timedelta(hours=3), True, "unmarked"),  # a fresh host: nobody can say whether it is an old copy
        (500, timedelta(), True, "unmarked"),
        (0, timedelta(seconds=20), True, ""),  # somebody else has beaten a moment ago: a second host
    ],
)
async def test_it_is_held_when_it_is_older_than_its_marks_FD13(
    house: House, beats_lost: int, away: timedelta, marks_lost: bool, why: str
) -> None:
    holds = await house.start()
    assert await find_why(house, holds) == ""  # a new installation
    await house.beat(holds, 3)
    copy = await house.copy()
    await house.beat(holds, min(beats_lost, 1))
    if beats_lost > 1:  # as if so many beats had gone by
        house.at += timedelta(seconds=10 * (beats_lost - 1))
        mark = await house.place.read()
        assert mark is not None
        await house.place.write(replace(mark, number=mark.number + beats_lost - 1, at=to_micros(house.at)))
    await house.put_back(copy)
    if marks_lost:
        (house.folder / "mark.json").unlink()
    house.at += away
    again = await house.start()
    assert await find_why(house, again) == why
    assert await again.is_held() is bool(why)
    await house.beat(again, 2)
    assert await find_why(house, again) == why  # it stands until it is released, whatever beats
    assert await find_why(house, await house.start()) == why


async def test_a_failover_while_it_runs_begins_a_hold_too_FD13(house: House) -> None:
    holds = await house.start()
    await house.beat(holds, 2)
    copy = await house.copy()
    await house.beat(holds, 20)
    assert not await holds.is_held()
    await house.put_back(copy)
    await house.beat(holds)
    house.monotonic += 1.0
    assert await holds.is_held() and await find_why(house, holds) == "behind"
    assert await holds.unless_held(lambda: pytest.fail("rests"))() == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"number": 3}'])
async def test_a_mark_that_is_not_whole_counts_as_none_FD13(house: House, body: bytes) -> None:
    holds = await house.start()
    await house.beat(holds)
    (house.folder / "mark.json").write_bytes(body)
    assert await house.place.read() is None
    house.at += timedelta(hours=1)
    assert await find_why(house, await house.start()) == "unmarked"


async def test_marks_of_another_installation_say_nothing_FD13(house: House) -> None:
    holds = await house.start()
    await house.beat(holds)
    mark = await house.place.read()
    assert mark is not None and mark.number == 1
    await house.place.write(replace(mark, incarnation="another", number=99_999, at=mark.at + 10**12))
    assert await find_why(house, await house.start()) == ""
    (house.folder / "mark.json").write_text(json.dumps({"incarnation": "another"}))
    assert await find_why(house, await house.start()) == ""


class FakeRedis:
    """Redis as far as a mark needs it."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    async def set(self, key: str, value: bytes) -> None:
        self.values[key] = value


async def test_a_mark_in_redis_outlives_the_machine_FD13(house: House) -> None:
    redis = FakeRedis()
    assert await RedisMark(redis).read() is None
    mark = Mark("x", 7, 1, 2, 3, 4, None)
    await RedisMark(redis).write(mark)
    assert await RedisMark(redis).read() == mark


# -- the release


def letter(id_: int, state: str, due: datetime, *, urgent: bool = False, owner: str | None = None) -> dict[str, Any]:
    return {
        "id": id_, "kind": "ticket_dispatched", "channel": "phone" if owner == CALLS_OWNER else "telegram", "person": "H1", "ticket_version": 1,
        "urgent": urgent, "not_before": to_micros(due), "created_at": to_micros(due), "facts": "{}", "state": state,
        "owner": owner,
    }  # fmt: skip


def call(id_: int, purpose: str, state: str, due: datetime, outbox_id: int | None = None) -> dict[str, Any]:
    return {
        "id": id_, "purpose": purpose, "outbox_id": outbox_id, "to_masked": "", "script": "notice", "position": "",
        "facts": "{}", "answers": "{}", "keys": "", "state": state, "next_at": to_micros(due), "created_at": to_micros(due),
        "attempt_id": id_ if state == "live" else None, "round": id_,
    }  # fmt: skip


MARK_AT = World.start
OLD, NEW, LATER = (MARK_AT + timedelta(hours=hours) for hours in (-1, 1, 48))
NOW = MARK_AT + timedelta(hours=3)


async def fill(db: Database) -> None:
    """A copy with something of everything: due before the mark, since then, and in days to come."""
    letters = [
        letter(1, "pending", OLD), letter(2, "pending", OLD, urgent=True), letter(3, "pending", NEW),
        letter(4, "pending", NEW, urgent=True), letter(5, "pending", LATER), letter(6, "sending", OLD, owner="dead"),
        letter(7, "sending", NEW, owner="dead"), letter(8, "sending", OLD, owner=CALLS_OWNER),
        letter(9, "sending", NEW, owner=CALLS_OWNER), letter(10, "sending", NEW, owner=CALLS_OWNER),
        letter(11, "sent", OLD), letter(12, "sending", LATER, owner=CALLS_OWNER),
    ]  # fmt: skip
    calls = [
        call(1, "notice", "waiting", OLD, 8), call(2, "notice", "waiting", NEW, 9), call(3, "notice", "live", NEW, 10),
        call(4, "visit", "waiting", OLD), call(5, "visit", "live", OLD), call(6, "notice", "waiting", LATER, 12),
    ]  # fmt: skip
    dials = [
        {"id": id_, "call_id": id_, "attempt_no": 1, "state": "placed", "asked_at": to_micros(OLD), "keys": ""} for id_ in (3, 5)
    ]  # fmt: skip
    texts = [
        {"id": id_, "ticket_id": id_, "kind": "closed", "to_masked": "", "phone_index": "", "two_way": False, "state": state,
         "next_at": to_micros(due), "created_at": to_micros(due)}
        for id_, state, due in ((1, "pending", OLD), (2, "pending", NEW), (3, "sending", NEW))
    ]  # fmt: skip
    cards = [
        {"id": id_, "channel": "telegram", "address": "1", "message_id": str(id_), "person": "H1", "ticket_id": 1, "kind": "ticket_dispatched",
         "shown_version": 1, "target_version": wanted, "facts": "{}", "sent_at": to_micros(due), "state": "live", "not_before": to_micros(due)}
        for id_, wanted, due in ((1, 2, OLD), (2, 2, NEW), (3, 1, OLD))
    ]  # fmt: skip
    writebacks = [
        {"id": id_, "ticket_id": 1, "version": id_, "state": state, "since": to_micros(due)}
        for id_, state, due in ((1, "waiting", OLD), (2, "waiting", NEW), (3, "sending", NEW), (4, "confirmed", OLD))
    ]  # fmt: skip
    tables = {t.outbox: letters, t.calls: calls, t.call_attempts: dials, t.requester_texts: texts, t.chat_cards: cards,
              t.writebacks: writebacks}  # fmt: skip
    for table, rows in tables.items():
        for row in rows:
            await db.execute(insert(table).values(row))


async def list_ids(db: Database, table: Any, *where: Any) -> set[int]:
    return set(await db.fetch_column(select(table.c.id).where(*where)))


@pytest.mark.parametrize(
    ("mode", "before", "dropped_letters", "dropped_calls", "dropped_texts", "done_cards", "refused"),
    [
        (Release.NEWER, None, {1, 2, 6, 7, 8, 10}, {1, 3}, {1, 3}, {1, 3}, {1, 3}),
        (Release.NEWER, NOW, {1, 2, 3, 4, 6, 7, 8, 9, 10}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}),
        (Release.URGENT, None, {1, 2, 3, 6, 7, 8, 9, 10}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 3}),
        (Release.ALL, None, {6, 7, 10}, {3}, {3}, {3}, {3}),
    ],
)
async def test_a_release_drops_what_may_have_left_and_never_sends_what_was_in_hand_FD13_G26(
    house: House, mode: Release, before: datetime | None, dropped_letters: set[int], dropped_calls: set[int],
    dropped_texts: set[int], done_cards: set[int], refused: set[int],
) -> None:  # fmt: skip
    db, house.at = house.db, NOW
    holds = await house.start()
    await fill(db)
    with pytest.raises(Refused) as not_held:
        await holds.release(mode, "GL01")
    assert not_held.value.code == "not_held"
    store = SqlHoldStore(db, house.ids)
    hold = Hold("behind", to_micros(NOW), to_micros(MARK_AT), None, None, to_micros(OLD))
    assert await store.begin(hold) and not await store.begin(replace(hold, why="again"))
    report = await holds.describe()
    assert report is not None and report.hold == hold
    counted = {(one.what, one.kind): (one.older, one.newer) for one in report.waiting}
    assert counted == {
        ("messages", "ticket_dispatched"): (3, 3), ("calls", "notice"): (1, 2), ("calls", "visit"): (2, 0), ("requester_texts", ""): (1, 2),
        ("cards", "ticket_dispatched"): (1, 1), ("writebacks", ""): (1, 2),
    }  # fmt: skip
    assert min(one.oldest for one in report.waiting) == OLD
    dropped = await holds.release(mode, "GL01", before=before)
    k = t.outbox.c
    assert await list_ids(db, t.outbox, k.state == "skipped", k.error == "restored") == dropped_letters
    assert await list_ids(db, t.outbox, k.state == "sending") <= {8, 9, 12}
    assert await list_ids(db, t.outbox, k.state == "sent") == {11}
    assert await list_ids(db, t.calls, t.calls.c.state == "done") == dropped_calls
    visits = await db.fetch_rows(select(t.calls.c.id, t.calls.c.next_at).where(t.calls.c.id.in_((4, 5))))
    assert {row.id: from_micros(row.next_at) for row in visits} == {4: NOW, 5: OLD}  # made anew; the carrier is asked
    assert await list_ids(db, t.call_attempts, t.call_attempts.c.state == "placed") == {5}
    x = t.requester_texts.c
    assert await list_ids(db, t.requester_texts, x.state == "failed", x.next_at.is_(None)) == dropped_texts
    assert await list_ids(db, t.chat_cards, t.chat_cards.c.shown_version == t.chat_cards.c.target_version) == done_cards
    assert await list_ids(db, t.writebacks, t.writebacks.c.state == "refused") == refused
    assert not await holds.is_held() and await holds.describe() is None
    (line,) = await db.fetch_rows(
        select(t.audit_log.c.actor, t.audit_log.c.facts).where(t.audit_log.c.event == "hold_released")
    )
    assert (
        line.actor == "GL01" and json.loads(line.facts)["dropped"] == dropped and json.loads(line.facts)["mode"] == mode
    )
    with pytest.raises(Refused):
        await holds.release(mode, "GL01")


async def test_what_passed_in_the_gap_and_what_was_lost_is_told_FD13(house: House) -> None:
    world = await World(house.db).open()
    await world.add_ticket()
    holds = await house.start()
    await house.beat(holds)
    copy = await house.copy()
    mark = await house.place.read()
    assert mark is not None and (mark.lines, mark.seal) == (1, 0)
    lost_until = house.at + timedelta(days=3)
    lost = replace(mark, number=26_001, at=to_micros(lost_until), office_at=to_micros(lost_until), lines=41)
    await house.place.write(replace(lost, line_at=to_micros(lost_until)))
    await house.put_back(copy)
    house.at = lost_until + timedelta(hours=1)
    report = await (await house.start()).describe()
    assert report is not None and report.hold.lost_lines == 40 and report.hold.lost_until == to_micros(lost_until)
    assert report.hold.kept_until == mark.line_at and from_micros(report.hold.mark_at) == lost_until
    assert report.passed_duties == {"dispatch": 1}


async def test_journal_lines_are_counted_exactly_however_they_come_FD13(house: House) -> None:
    world = await World(house.db).open()
    holds, expected = await house.start(), 0
    for minutes in (0, 1, 8, 30, 31, 300):
        world.at = World.start + timedelta(minutes=minutes)
        for n in range(3):
            await world.add_ticket(f"T{minutes}.{n}")
        expected += 3
        await house.beat(holds)
        mark = await house.place.read()
        assert mark is not None and mark.lines == expected
