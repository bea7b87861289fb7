"""Four processes deliver while they are killed, rolled, paused, or lose their database: nothing is lost, copies are few."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.conftest import open_own_cluster
from tests.figures import Figures, choose_size
from tests.soak.dispatching import Run, dispatch_all, import_tickets
from tests.soak.fleet import Fleet
from tests.stories.office import open_office

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]
WORKERS = 4


@pytest.fixture
def cluster() -> Iterator[postgres.Cluster]:
    """A cluster of this test alone, which it may stop."""
    with open_own_cluster() as opened:
        yield opened


Disturb = Callable[[Run], Awaitable[None]]
#: row → what disturbs; how often (quick, full); how many dispatches (quick, full); seconds between two disturbances
ROWS: dict[str, tuple[Disturb, tuple[int, int], tuple[int, int], float]] = {
    "G1": (lambda run: run.fleet.kill(), (12, 200), (600, 20_000), 0.3),
    "G2": (lambda run: run.fleet.roll(), (10, 50), (400, 6_000), 0.3),
    "G5": (lambda run: run.restart_database(), (4, 10), (400, 6_000), 3.0),
    "G6": (lambda run: run.fleet.pause(), (4, 28), (400, 6_000), 0.5),
}


@pytest.mark.parametrize("row", ROWS)
async def test_whatever_happens_to_the_processes_no_dispatch_is_lost_G1_G2_G5_G6(
    cluster: postgres.Cluster, tmp_path: Path, figures: Figures, row: str
) -> None:
    disturb, (quick_times, full_times), (quick, full), pause = ROWS[row]
    times = choose_size("soak", small=0, quick=quick_times, full=full_times)
    count = choose_size("soak", small=0, quick=quick, full=full)
    roles = ("web", "bot", "clock")
    async with open_office(tmp_path, cluster.url + "postgres", roles=roles) as office:
        handler = await office.bind("H101")
        run = Run(office, Fleet(office, random.Random(row)), cluster, handler)
        await import_tickets(office, count)
        await run.fleet.grow(WORKERS)
        begun = time.monotonic()
        try:
            await asyncio.gather(dispatch_all(run, count), _disturb_all(run, disturb, count, times, pause))
            await run.wait_until_settled()
        finally:
            await run.fleet.close()
        office.log.clear()  # what an outage says of itself is judged elsewhere
        found = await run.measure(count)
        figures.report(
            row, disturbances=times, back_seconds=run.back_seconds, seconds=time.monotonic() - begun, **found
        )


async def _disturb_all(run: Run, disturb: Disturb, count: int, times: int, pause: float) -> None:
    """Disturb so many times, each time with its share of the dispatches still to come, so that none finds the office idle."""
    run.released = count // (times + 1)
    while not run.list_arrived():  # until the workers are warm
        await asyncio.sleep(0.1)
    for n in range(times):
        run.released = count * (n + 1) // (times + 1)
        await asyncio.sleep(pause)
        run.released += count // (4 * (times + 1))
        await disturb(run)
    run.released = count
