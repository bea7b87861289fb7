"""The rules in force are read by one while another changes them: nobody is left without any."""

from storage.engine.database import Database
from storage.office.config import SqlConfigStore
from tests.delivery.world import House


class Forgetful(SqlConfigStore):
    """A shelf during whose every answer somebody else changes something."""

    house: House

    async def get_epoch(self) -> int:
        self.house.office.invalidate()
        return await super().get_epoch()


async def test_a_change_while_the_epoch_is_asked_for_leaves_nobody_without_rules(database: Database) -> None:
    house = await House(database).open()
    store = Forgetful(database, house.ids)
    store.house, house.office.store = house, store
    first = await house.office.snapshot()
    assert (await house.office.snapshot(fresh=True)).config.epoch == first.config.epoch
