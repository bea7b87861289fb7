"""The office snapshot is read by one process while another changes it: nobody is left without any."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import UnitKind
from backend.office.cache import MAX_KNOWN_REGIONS, OfficeCache
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.office.config import SqlConfigStore
from tests.time_and_chance import build_clock

NOW = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)


class ChangingStore(SqlConfigStore):
    """A store during each of whose answers somebody else changes something."""

    office: OfficeCache
    changes = 0

    async def get_epoch(self) -> int:
        self.changes += 1
        self.office.invalidate()
        return await super().get_epoch()


async def test_a_change_while_the_epoch_is_read_leaves_nobody_without_a_snapshot(database: Database) -> None:
    store = ChangingStore(database, IdSupply(database))
    store.office = OfficeCache(store, build_clock(lambda: NOW), "jilin")
    first = await store.office.snapshot()
    again = await store.office.snapshot(fresh=True)
    assert again.config.epoch == first.config.epoch
    assert store.changes == 1
    assert await store.office.snapshot() is not again, "the next call reads everything again"


async def test_an_institution_found_once_is_found_again_and_a_changed_tree_is_noticed_XM1(database: Database) -> None:
    store = SqlConfigStore(database, IdSupply(database))
    office = OfficeCache(store, build_clock(lambda: NOW), "jilin")
    branch = Unit("B1", "办事处", UnitKind.MANAGEMENT, "北京市", "Z9")
    await store.save_units([Unit("Z9", "市总", UnitKind.MANAGEMENT, "北京市"), branch], "admin", NOW)
    snapshot = await office.snapshot(fresh=True)
    for _ in range(2):
        assert [snapshot.find_institution("北京市", unit) for unit in (None, "B1", "Z9")] == ["Z9", "B1", "Z9"]
    for number in range(2 * MAX_KNOWN_REGIONS):
        assert snapshot.find_institution(f"第{number}区") == "Z9"
    await store.save_units([replace(branch, parent=None)], "admin", NOW)
    snapshot = await office.snapshot(fresh=True)
    for _ in range(2):
        assert snapshot.find_institution("北京市") is None and snapshot.find_institution("北京市", "B1") == "B1"
        with pytest.raises(Refused, match="no_institution"):
            snapshot.get_institution("北京市")
