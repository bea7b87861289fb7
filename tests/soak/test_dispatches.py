"""Four processes deliver while they are killed, rolled, paused, or lose their database: nothing is lost, copies are few."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.domain.acts import Act, Actor
from backend.domain.ticket_enums import Role, Source
from backend.ports.availability import Unavailable
from sandbox.telegram.users import ChatUser
from storage import tables as t
from tests import postgres
from tests.conftest import open_own_cluster
from tests.figures import Figures, choose_size
from tests.soak.fleet import LEASE_SECONDS, Fleet
from tests.stories.office import Office, open_office

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]
DISPATCHER = Actor("PD01", Role.DISPATCHER, "M01")
AGAIN = "（重发）"
WORKERS = 4


@pytest.fixture
def cluster() -> Iterator[postgres.Cluster]:
    """A cluster of this test alone, which it may stop."""
    with open_own_cluster() as opened:
        yield opened


@dataclass
class Run:
    """One run: the office, its workers, and what is asked of them."""

    office: Office
    fleet: Fleet
    cluster: postgres.Cluster
    handler: ChatUser
    released: int = 0  # so many of the tickets may be dispatched by now
    asked: int = 0
    back_seconds: float = 0.0

    async def dispatch(self, no: str) -> None:
        """Dispatch an imported ticket, again and again while the database is away."""
        act = Act("dispatch", DISPATCHER, Source.API, ticket_no=no, arguments={"unit": "U01"})
        while True:
            try:
                await self.office.application.services.tickets.act(act)
            except Unavailable:
                await asyncio.sleep(0.1)
            else:
                self.asked += 1
                return

    async def restart_database(self) -> None:
        """Stop the database as a crash would and start it at once; measure until the next message arrives."""
        await asyncio.to_thread(self.cluster.stop)
        await asyncio.to_thread(self.cluster.start)
        before, began = len(self.list_arrived()), time.monotonic()
        while len(self.list_arrived()) == before:
            await asyncio.sleep(0.05)
            assert time.monotonic() - began < 60
        self.back_seconds = max(self.back_seconds, time.monotonic() - began)

    def list_arrived(self) -> list[str]:
        """The cards that arrived, edits aside."""
        arrivals = self.office.simulator.chat.arrivals.get(self.handler.chat.id, [])
        return [one.text for one in arrivals if not one.is_edit and "新工单" in one.text]

    async def count_unsettled(self) -> int:
        k = t.outbox.c
        return await self.office.count_rows(t.outbox, k.kind == "ticket_dispatched", k.channel == "telegram", k.person == "H101",
                                            k.state.in_(("pending", "sending")))  # fmt: skip


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
            await asyncio.gather(_dispatch_all(run, count), _disturb_all(run, disturb, count, times, pause))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(4 * LEASE_SECONDS + 60):
                    while await run.count_unsettled():
                        await asyncio.sleep(0.5)
        finally:
            await run.fleet.close()
        arrived = Counter(text.removeprefix(AGAIN) for text in run.list_arrived())
        in_hand = await office.count_rows(t.outbox, t.outbox.c.state == "sending")
        office.log.clear()  # what an outage says of itself is judged elsewhere
        figures.report(
            row, dispatches=count, disturbances=times, lost=count - len(arrived), copies=arrived.total() - len(arrived),
            in_hand=in_hand, back_seconds=run.back_seconds, seconds=time.monotonic() - begun,
        )  # fmt: skip
        assert max(arrived.values()) <= 2


async def import_tickets(office: Office, count: int) -> None:
    """Take in so many demands, which wait for dispatch."""
    head = "ticket_no,category,grade,channel,text,requester_phone,region\n"
    rows = "".join(f"S{n:05d},help,general,phone,第{n}件,,云岭市\n" for n in range(count))
    admin = Actor("GL01", Role.ADMIN, "M01")
    report = await office.application.services.imports.import_file("tickets", "t.csv", (head + rows).encode(), admin)
    assert report["imported"] == count, report


async def _dispatch_all(run: Run, count: int) -> None:
    numbers = iter(range(count))

    async def go_on() -> None:
        for number in numbers:
            while number >= run.released:
                await asyncio.sleep(0.05)
            await run.dispatch(f"S{number:05d}")

    await asyncio.gather(*(go_on() for _ in range(4)))


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
