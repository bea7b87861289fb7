"""The rules in force are read by one while another changes them: nobody is left without any."""

from storage.engine.database import Database
from storage.office.config import SqlConfigStore
from tests.delivery.world import World


class Forgetful(SqlConfigStore):
    """A store during whose every answer somebody else changes something."""

    world: World

    async def get_epoch(self) -> int:
        self.world.office.invalidate()
        return await super().get_epoch()


async def test_a_change_while_the_epoch_is_asked_for_leaves_nobody_without_rules(database: Database) -> None:
    world = await World(database).open()
    store = Forgetful(database, world.ids)
    store.world, world.office.store = world, store
    first = await world.office.snapshot()
    assert (await world.office.snapshot(fresh=True)).config.epoch == first.config.epoch
