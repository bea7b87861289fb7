"""A to-do list put off comes back after the time the office has set, and only once."""

from datetime import timedelta

import pytest

from backend.office.settings import set_setting
from tests.bot.world import World


@pytest.mark.parametrize(("span", "hours"), [("1h", 1), ("2h", 2)])
async def test_how_long_a_list_is_put_off_is_a_setting(world: World, span: str, hours: int) -> None:
    await world.bind("H1")
    await set_setting(world.office, world.services.audit, "remind.snooze", None, span, "admin")
    person = (await world.office.snapshot(fresh=True)).by_code["H1"]
    returns_at = await world.services.snooze.snooze_list(person)
    assert returns_at - world.at == timedelta(hours=hours)
    assert await world.services.snooze.snooze_list(person) == returns_at
