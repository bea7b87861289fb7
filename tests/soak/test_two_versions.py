"""Former and newer code deliver side by side: nothing is lost or doubled, and who is not admitted sends nothing (XR2)."""

import asyncio
import random
from pathlib import Path

import pytest
from sqlalchemy import update

from storage import tables as t
from storage.engine.versions import get_own_numbers
from tests.conftest import open_own_cluster
from tests.figures import Figures, choose_size
from tests.soak.dispatching import Run, dispatch_all, import_tickets
from tests.soak.fleet import Fleet
from tests.stories.office import Office, open_office

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]
OUTBOX = get_own_numbers()["outbox"]
SHUT, NEWER_ONLY = 9, 1  # how far ahead of this code what is admitted to the outbox is


async def admit(office: Office, ahead: int) -> None:
    """Admit to the outbox only code so far ahead of this."""
    numbers = {"format": OUTBOX + ahead, "least": OUTBOX + ahead}
    await office.application.built.core.db.execute(update(t.gate).where(t.gate.c.part == "outbox").values(numbers))


async def count_late(run: Run) -> int:
    """Return how many cards arrive between one second and four after now."""
    await asyncio.sleep(1)
    before = len(run.list_arrived())
    await asyncio.sleep(3)
    return len(run.list_arrived()) - before


async def test_two_versions_lose_and_double_nothing_and_a_shut_gate_holds_G28(tmp_path: Path, figures: Figures) -> None:
    count = choose_size("soak", small=0, quick=300, full=2_000)
    with open_own_cluster() as cluster:
        async with open_office(tmp_path, cluster.url + "postgres", roles=("web", "bot", "clock")) as office:
            run = Run(office, Fleet(office, random.Random("G28")), cluster, await office.bind("H101"))
            await import_tickets(office, count)
            await run.fleet.grow(2)
            await run.fleet.grow(2, ahead=1)  # it widens the gate for both (expand)
            dispatching = asyncio.create_task(dispatch_all(run, count))
            try:
                run.released = count // 3
                while len(run.list_arrived()) < count // 6:
                    await asyncio.sleep(0.1)
                await admit(office, SHUT)
                run.released = count // 2
                late = await count_late(run)
                await run.fleet.retire(3)
                await run.fleet.retire(2)
                await admit(office, NEWER_ONLY)
                by_former = await count_late(run)
                await run.fleet.grow(2, ahead=1)
                run.released = count
                await dispatching
                await run.wait_until_settled()
            finally:
                dispatching.cancel()
                await run.fleet.close()
            office.log.clear()  # workers that are not admitted say so
            figures.report("G28", late=late, by_former=by_former, **await run.measure(count))
