"""Page 恢复: everybody is told that it is held, who may look looks, and only a fresh sign-in releases (XR3, FD13)."""

from datetime import timedelta

import pytest

from backend.domain.instants import to_micros
from backend.ports.backups import Hold
from storage.operations.hold import SqlHoldStore
from tests.web.browser import Browser
from tests.web.world import World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
BANNER = "数据恢复后已暂停"


async def hold(world: World) -> None:
    """Hold the office, as a restore does."""
    at = to_micros(world.at)
    store = SqlHoldStore(world.services.holds._store._db, world.ids)  # type: ignore[attr-defined]
    assert await store.begin(Hold("restored", at, at, at, 40, at - 3 * 86_400_000_000))
    world.services.holds._looked_at = None
    assert await world.services.holds.is_held()


@ONE_ENGINE
async def test_everybody_sees_the_hold_and_an_administrator_releases_it_XR3(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    assert BANNER not in await browser.page("/") and "现在没有暂停" in await browser.page("/restored")
    await hold(world)
    assert BANNER in await browser.page("/") and BANNER in await browser.page("/tickets")
    shown = await browser.page("/restored")
    assert "40 条" in shown and "系统由备份恢复" in shown and '<select name="mode"><option value="newer">' in shown
    assert (await browser.post("/restored", mode="some"))[0] == 400
    assert (await browser.post("/restored", mode="newer", before="gestern"))[0] == 400
    assert (await browser.post("/restored", mode="newer"))[0] == 303
    assert BANNER not in await browser.page("/")
    assert (await browser.post("/restored", mode="newer"))[0] == 409


@ONE_ENGINE
async def test_a_forgotten_screen_releases_nothing_XR3(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    await hold(world)
    world.at += timedelta(minutes=10, seconds=1)
    assert 'name="mode"' not in await browser.page("/restored")
    status, page = await browser.post("/restored", mode="all")
    assert status == 422 and "重新登录" in page and await world.services.holds.describe() is not None
    await browser.sign_in(world.keys["A1"])
    assert (await browser.post("/restored", mode="all"))[0] == 303


@ONE_ENGINE
@pytest.mark.parametrize(("who", "sees"), [("D1", 200), ("O1", 200), ("S1", 200), ("H1", 403), ("C1", 403)])
async def test_others_may_look_or_not_and_never_release_XR3(
    world: World, browser: Browser, who: str, sees: int
) -> None:
    await browser.sign_in(world.keys[who])
    await hold(world)
    assert 'name="mode"' not in await browser.page("/restored", sees)
    assert (await browser.post("/restored", mode="all"))[0] == 403
    assert await world.services.holds.describe() is not None
