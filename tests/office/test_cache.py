"""The office snapshot is read by one process while another changes it: nobody is left without any."""

from datetime import UTC, datetime

from backend.office.cache import OfficeCache
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
