"""The clock of the host (SQLite) or of the database (PostgreSQL) is set back an hour while the office is at work."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.faults import Fault
from storage import tables as t
from tests.stories.office import MONDAY, Office, open_office

HOUR = timedelta(hours=1)
TOLD_SECONDS = 15.0  # operations §2, G11


class Machine:
    """Whose clock counts: it shows Monday nine o'clock at first, and can be set."""

    def __init__(self) -> None:
        self.ahead = MONDAY - datetime.now(UTC)

    def alter(self, at: datetime) -> datetime:
        return at + self.ahead

    def __call__(self) -> datetime:
        return self.alter(datetime.now(UTC))


async def wait_for(condition: Callable[[], Any], what: str, office: Office) -> None:
    began = time.monotonic()
    while not condition():
        await asyncio.sleep(0.05)
        assert time.monotonic() - began < TOLD_SECONDS, (what, office.log[-5:])


async def test_an_urgent_dispatch_is_told_in_time_and_once_though_the_clock_goes_back_an_hour_XR1_FS3_G11(
    database_url: str, engine: str, tmp_path: Path
) -> None:
    machine = Machine()
    clocks: dict[str, Any] = {"wall_clock": machine} if engine == "sqlite" else {"database_says": machine.alter}
    async with open_office(tmp_path, database_url, tick_seconds=0.5, **clocks) as office:
        assert abs(office.now - MONDAY) < timedelta(minutes=1)
        handler = await office.bind("H101")
        watch = office.application.clock_watch
        await watch.run_once()
        office.simulator.chat.faults.plan_next(Fault.TOO_MANY, where="sendMessage", seconds=4)
        await office.create_ticket("JS0001", grade="urgent")
        await office.act(
            "JS0001", "dispatch", "dispatcher", unit="U01"
        )  # its card waits out a 429 when the clock jumps
        await wait_for(lambda: office.simulator.chat.faults.history, "the 429", office)
        before = office.now
        machine.ahead -= HOUR
        await wait_for(lambda: abs(office.now - before + HOUR) < timedelta(seconds=30), "the step", office)

        def cards(no: str) -> list[str]:
            return [m.text for m in handler.messages if m.from_bot and "【紧急" in m.text and no in m.text]

        await wait_for(lambda: cards("JS0001"), "what waited", office)
        await office.create_ticket("JS0002", grade="urgent")
        await office.act("JS0002", "dispatch", "dispatcher", unit="U01")
        calls = len(office.simulator.phones.calls_made)
        await wait_for(lambda: cards("JS0002"), "a dispatch after it", office)
        await wait_for(lambda: len(office.simulator.phones.calls_made) >= calls, "a call after it", office)
        await asyncio.sleep(2)
        assert len(cards("JS0001")) == len(cards("JS0002")) == 1, "nothing twice"
        assert await office.count_rows(t.outbox, t.outbox.c.state.in_(("dead", "ambiguous"))) == 0
        verdict = await office.application.services.journal.verify()
        assert verdict.findings == ()
        assert await office.count_rows(t.integrity_findings, t.integrity_findings.c.kind == "clock_back") == 1
        assert await office.count_rows(t.integrity_findings, t.integrity_findings.c.kind == "clock_skew") == (
            engine == "postgresql"
        )
