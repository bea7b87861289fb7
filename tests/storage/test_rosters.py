"""The shelf of duty rosters on both engines: shifts once each, stand-ins that end, notes and quiet hours."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backend.domain.duty_roster import Shift, StandIn
from backend.ports.rosters import Handover
from storage.config import read_epoch
from storage.db import Database
from storage.ids import Ids
from storage.rosters import RosterShelf

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
NIGHT = Shift(0, "U01", NOW, NOW + 8 * HOUR, "H1", "H2")


async def test_a_shift_is_kept_once_changed_in_place_and_struck(database: Database) -> None:
    store = RosterShelf(database, Ids(database))
    before = await database.read(read_epoch)
    assert await store.put_shifts([NIGHT, replace(NIGHT, person="H3")], "A", NOW) == [True, True]
    after = await database.read(read_epoch)
    assert after > before, "every process must read the roster again"
    assert await store.put_shifts([NIGHT], "A", NOW) == [False]
    assert await database.read(read_epoch) == after
    assert await store.put_shifts([replace(NIGHT, to_at=NOW + 9 * HOUR)], "A", NOW) == [True]
    found = await store.shifts("U01", NOW + 8 * HOUR, NOW + 10 * HOUR)
    assert [(s.person, s.to_at) for s in found] == [("H1", NOW + 9 * HOUR)]
    struck = await store.drop_shift(found[0].id)
    assert struck == found[0] and await store.drop_shift(found[0].id) is None
    assert [s.person for s in await store.shifts("U01", NOW, NOW + HOUR)] == ["H3"]
    assert await store.shifts("U02", NOW, NOW + HOUR) == []


async def test_a_stand_in_ends_early_once(database: Database) -> None:
    store = RosterShelf(database, Ids(database))
    kept = await store.put_stand_in(StandIn(0, "H1", "H2", NOW, NOW + 5 * HOUR), "A", NOW)
    assert await store.stand_ins(NOW + HOUR) == [kept]
    assert await store.end_stand_in(kept.id, NOW + 2 * HOUR)
    assert not await store.end_stand_in(kept.id, NOW + 3 * HOUR)
    assert await store.stand_ins(NOW + 2 * HOUR) == [] and len(await store.stand_ins(NOW + HOUR)) == 1


async def test_notes_come_newest_first_and_of_their_own_unit(database: Database) -> None:
    store = RosterShelf(database, Ids(database))
    notes = [Handover(NOW + n * HOUR, "U01", "H1", f"第{n}条") for n in range(3)]
    for note in [*notes, replace(notes[0], unit="U02")]:
        await store.note(note)
    assert await store.notes("U01", 2) == [notes[2], notes[1]]
