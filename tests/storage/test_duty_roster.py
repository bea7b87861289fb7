"""Duty rosters in the database: shifts are kept once, stand-ins end, handovers are read newest first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backend.domain.duty_roster import Shift, StandIn
from backend.ports.office import Handover
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.office.config import read_epoch
from storage.office.duty_roster import SqlDutyRosterStore

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
NIGHT = Shift(0, "U01", NOW, NOW + 8 * HOUR, "H1", "H2")


async def test_a_shift_is_kept_once_changed_in_place_and_deleted_once(database: Database) -> None:
    store = SqlDutyRosterStore(database, IdSupply(database))
    before = await database.read(read_epoch)
    assert await store.save_shifts([NIGHT, replace(NIGHT, person="H3")], "A", NOW) == [True, True]
    after = await database.read(read_epoch)
    assert after > before, "every process must read the roster again"
    assert await store.save_shifts([NIGHT], "A", NOW) == [False]
    assert await database.read(read_epoch) == after
    assert await store.save_shifts([replace(NIGHT, to_at=NOW + 9 * HOUR)], "A", NOW) == [True]
    found = await store.list_shifts("U01", NOW + 8 * HOUR, NOW + 10 * HOUR)
    assert [(s.person, s.to_at) for s in found] == [("H1", NOW + 9 * HOUR)]
    deleted = await store.delete_shift(found[0].id)
    assert deleted == found[0] and await store.delete_shift(found[0].id) is None
    assert [s.person for s in await store.list_shifts("U01", NOW, NOW + HOUR)] == ["H3"]
    assert await store.list_shifts("U02", NOW, NOW + HOUR) == []


async def test_a_stand_in_ends_early_once(database: Database) -> None:
    store = SqlDutyRosterStore(database, IdSupply(database))
    stand_in = await store.add_stand_in(StandIn(0, "H1", "H2", NOW, NOW + 5 * HOUR), "A", NOW)
    assert await store.list_stand_ins(NOW + HOUR) == [stand_in]
    assert await store.end_stand_in(stand_in.id, NOW + 2 * HOUR)
    assert not await store.end_stand_in(stand_in.id, NOW + 3 * HOUR)
    assert await store.list_stand_ins(NOW + 2 * HOUR) == [] and len(await store.list_stand_ins(NOW + HOUR)) == 1


async def test_handovers_are_listed_newest_first_and_of_ones_own_unit(database: Database) -> None:
    store = SqlDutyRosterStore(database, IdSupply(database))
    handovers = [Handover(NOW + n * HOUR, "U01", "H1", f"第{n}条") for n in range(3)]
    for handover in [*handovers, replace(handovers[0], unit="U02")]:
        await store.add_handover(handover)
    assert await store.list_handovers("U01", 2) == [handovers[2], handovers[1]]
