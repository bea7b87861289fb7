"""The watch over a lost database, and what workers say meanwhile: little, and they are back at once (XR6)."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backend.app.workers import Worker
from backend.operations.outage import OutageWatch
from backend.ports.availability import Unavailable
from tests.stories.office import capture_log
from tests.time_and_chance import build_clock


class FakeDatabase:
    """Fails as long as `cause` says why, and remembers who asked."""

    def __init__(self, cause: str | None) -> None:
        self.cause = cause
        self.is_away = False
        self.pings = 0

    async def ping(self) -> None:
        self.pings += 1
        if self.cause:
            raise OSError(self.cause)

    def explain(self, error: Exception) -> str | None:
        return str(error)


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with capture_log() as lines:
        yield lines


def build_watch(database: FakeDatabase, seconds: list[float]) -> tuple[OutageWatch, list[str]]:
    """A watch whose clock is `seconds`, and who was woken."""
    woken: list[str] = []
    clock = build_clock(lambda: pytest.fail("no office time"), monotonic=lambda: seconds[0])
    return OutageWatch(database, clock, lambda: woken.append("all")), woken


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("cause", "is_away"), [("away", True), ("pool", False), ("locked", False)])
async def test_an_outage_is_told_in_a_line_at_its_begin_one_each_half_minute_and_one_at_its_end_XR6(
    log: list[Any], cause: str, is_away: bool
) -> None:
    database, seconds = FakeDatabase(cause), [1000.0]
    watch, woken = build_watch(database, seconds)
    for _ in range(500):  # every worker, every door
        watch.note(Unavailable(cause))
    await until(lambda: database.pings)
    assert database.is_away is is_away, "a full pool or a lock leaves others a way"
    for _ in range(2):
        seconds[0] += 30
        before = database.pings
        await until(lambda before=before: database.pings > before + 1)  # type: ignore[misc]
        watch.note(Unavailable(cause))
    assert woken == []
    database.cause = None
    await until(lambda: woken)
    assert woken == ["all"] and not database.is_away
    assert [line["event"] for line in log] == [
        "database_unavailable", "database_still_unavailable", "database_still_unavailable", "database_serves_again",
    ]  # fmt: skip
    assert [bool(line.get("trace")) for line in log] == [True, False, False, False], "one traceback a cause"
    assert log[-1]["seconds"] == 60 and log[-1]["refused"] == 502


async def test_a_database_that_comes_and_goes_is_told_of_at_most_five_times_a_minute_G29(log: list[Any]) -> None:
    database, seconds = FakeDatabase(None), [0.0]
    watch, woken = build_watch(database, seconds)
    for number in range(120):
        seconds[0] += 0.5
        watch.note(Unavailable("pool"))
        await until(lambda number=number: len(woken) == number + 1)  # type: ignore[misc]
    assert len(log) <= 5


async def test_nobody_watches_a_database_that_serves_XR6(log: list[Any]) -> None:
    database = FakeDatabase(None)
    watch, _ = build_watch(database, [0.0])
    await asyncio.sleep(0)
    await watch.close()
    assert database.pings == 0 and log == []


async def run_worker(work: Callable[[], Any], seconds: list[float]) -> tuple[Worker, "asyncio.Task[None]"]:
    worker = Worker("delivery", work, lambda: seconds[0])
    worker.wake()
    return worker, asyncio.create_task(worker.run_forever())


async def test_a_wake_ends_the_pause_of_a_worker_that_fails_and_each_cause_is_told_once_XR6(log: list[Any]) -> None:
    tries, seconds, causes = 0, [1000.0], [ValueError("one"), KeyError("two")]

    async def work() -> int:
        nonlocal tries
        tries += 1
        if causes:
            raise causes[tries % 2]
        return 0

    worker, task = await run_worker(work, seconds)
    for wanted in range(1, 9):
        await until(lambda wanted=wanted: tries >= wanted)  # type: ignore[misc]
        worker.wake()  # the eighth pause would be 30 s long
    assert [(line["event"], bool(line.get("trace"))) for line in log] == [("worker_failed", True)] * 2
    seconds[0] += 30
    worker.wake()
    await until(lambda: len(log) == 3)
    causes.clear()
    worker.wake()
    await until(lambda: len(log) == 4)
    assert [line["event"] for line in log[2:]] == ["worker_still_fails", "worker_recovered"]
    assert not task.done()
    task.cancel()


async def test_a_worker_says_nothing_of_an_outage_and_works_as_soon_as_it_is_over_XR6_XR13(log: list[Any]) -> None:
    tries, away = 0, [True]

    async def work() -> int:
        nonlocal tries
        tries += 1
        if away:
            raise Unavailable("pool")
        return 0

    worker, task = await run_worker(work, [0.0])
    await until(lambda: tries >= 4)
    away.clear()
    before, began = tries, time.monotonic()
    worker.wake()
    await until(lambda: tries > before)
    assert time.monotonic() - began < 1 and log == [] and worker.heartbeats == {"delivery": 0.0}
    task.cancel()
