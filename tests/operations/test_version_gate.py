"""A process that is not admitted rests, and ends after ten minutes; what it is told by the gate is seen at once (XR2)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from backend.operations.gate import CODE, VersionGate
from backend.ports.availability import Unavailable
from tests.time_and_chance import build_clock

NOON = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)


class FakeGate:
    """`closed` parts, or the failure of asking; `gate` looks at a clock that `pass_time` moves."""

    def __init__(self) -> None:
        self.closed: Sequence[str] = ()
        self.trouble: Unavailable | None = None
        self.seconds = 100.0
        self.told = 0
        self.gate = VersionGate(self, build_clock(lambda: NOON, monotonic=lambda: self.seconds), self._tell)

    async def list_closed(self) -> Sequence[str]:
        if self.trouble is not None:
            raise self.trouble
        return self.closed

    async def _tell(self) -> None:
        assert not self.gate.expired.is_set(), "told before the end"
        self.told += 1

    async def pass_time(self, **span: float) -> None:
        self.seconds += timedelta(**span).total_seconds()
        await self.gate.look()


async def test_a_process_that_is_not_admitted_for_ten_minutes_ends_XR2() -> None:
    fake = FakeGate()
    await fake.gate.look()
    fake.gate.refuse_closed()
    fake.closed = ["outbox"]
    await fake.gate.look()
    assert not fake.gate.is_open()
    with pytest.raises(Unavailable) as refused:
        fake.gate.refuse_closed()
    assert refused.value.code == CODE
    await fake.pass_time(seconds=599)
    assert not fake.gate.expired.is_set() and fake.told == 0
    await fake.pass_time(seconds=1)
    assert fake.gate.expired.is_set() and fake.told == 1
    await fake.pass_time(minutes=5)
    assert fake.told == 1, "administrators are told once"


async def test_who_is_admitted_again_goes_on_and_waits_anew_the_next_time_XR2() -> None:
    """A rolled back upgrade, or a restored database."""
    fake = FakeGate()
    for _ in range(3):
        fake.closed = ["schema", "acts"]
        await fake.gate.look()
        await fake.pass_time(minutes=9)
        fake.closed = ()
        await fake.pass_time(minutes=9)
        assert fake.gate.is_open() and not fake.gate.expired.is_set()


async def test_an_outage_neither_opens_nor_shuts_the_gate_FD8() -> None:
    fake = FakeGate()
    fake.trouble = Unavailable("away")
    await fake.gate.look()
    assert fake.gate.is_open()
    fake.trouble, fake.closed = None, ["acts"]
    await fake.gate.look()
    fake.trouble = Unavailable("away")
    await fake.pass_time(minutes=10)
    assert not fake.gate.is_open() and fake.gate.expired.is_set()


async def test_workers_rest_while_the_process_is_not_admitted_XR2() -> None:
    fake, runs = FakeGate(), 0

    async def work() -> int:
        nonlocal runs
        runs += 1
        return 7

    run_once = fake.gate.while_open(work)
    assert await run_once() == 7
    fake.closed = ["inbox"]
    watching = asyncio.create_task(fake.gate.watch())
    while fake.gate.is_open():
        await asyncio.sleep(0)
    assert await run_once() == 0 and runs == 1
    watching.cancel()
