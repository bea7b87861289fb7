"""An office that dispatches many tickets to one handler while processes beside it deliver."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass

from backend.domain.acts import Act, Actor
from backend.domain.ticket_enums import Role, Source
from backend.ports.availability import Unavailable
from sandbox.telegram.users import ChatUser
from storage import tables as t
from tests import postgres
from tests.soak.fleet import LEASE_SECONDS, Fleet
from tests.stories.office import Office

DISPATCHER = Actor("PD01", Role.DISPATCHER, "M01")
AGAIN = "（重发）"


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

    async def wait_until_settled(self) -> None:
        """Wait until every message has left, for the time a lease and its rescue may take."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(4 * LEASE_SECONDS + 60):
                while await self.count_unsettled():
                    await asyncio.sleep(0.5)

    async def measure(self, count: int) -> dict[str, float]:
        """Return what came of `count` dispatches."""
        arrived = Counter(text.removeprefix(AGAIN) for text in self.list_arrived())
        assert max(arrived.values()) <= 2
        in_hand = await self.office.count_rows(t.outbox, t.outbox.c.state == "sending")
        lost, copies = count - len(arrived), arrived.total() - len(arrived)
        return {"dispatches": count, "lost": lost, "copies": copies, "in_hand": in_hand}


async def import_tickets(office: Office, count: int) -> None:
    """Take in so many demands, which wait for dispatch."""
    head = "ticket_no,category,grade,channel,text,requester_phone,region\n"
    rows = "".join(f"S{n:05d},help,general,phone,第{n}件,,云岭市\n" for n in range(count))
    admin = Actor("GL01", Role.ADMIN, "M01")
    report = await office.application.services.imports.import_file("tickets", "t.csv", (head + rows).encode(), admin)
    assert report["imported"] == count, report


async def dispatch_all(run: Run, count: int) -> None:
    """Dispatch them by four people at once, as far as they are released."""
    numbers = iter(range(count))

    async def go_on() -> None:
        for number in numbers:
            while number >= run.released:
                await asyncio.sleep(0.05)
            await run.dispatch(f"S{number:05d}")

    await asyncio.gather(*(go_on() for _ in range(4)))
