"""How long a webhook takes to a durable answer, at the rate of a whole province, and beside a large import (G7, FD3)."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from backend.app.build_rehearsal import point_at_simulator
from backend.app.config import Config
from tests.app.test_serve import find_free_port, serve
from tests.figures import Figures, choose_size

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
PER_SECOND = 500
FIT = 4_000  # bare answers a second of a machine that is to take so many webhooks, with who sends them beside it


@dataclass(frozen=True)
class Door:
    """A server in a process of its own, on SQLite: its address and what its chat network signs with."""

    address: str
    secret: str


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A running server."""
    port = find_free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIESU_")}
    environment |= {"JIESU_SANDBOX": "1", "JIESU_DATA": str(tmp_path / "var"), "JIESU_PORT": str(port),
                    "JIESU_SAMPLES": "1"}  # fmt: skip
    with serve(environment):
        config = Config(data=tmp_path / "var", port=port, sandbox=True)
        point_at_simulator(config)  # a rehearsal makes its secrets itself
        yield Door(f"http://127.0.0.1:{port}", config.drivers["telegram"]["secret"])


async def knock(door: Door, per_second: int, seconds: int) -> tuple[list[float], int]:
    """Send so many updates a second, whether or not the others were answered; return the delays and the failures."""
    delays: list[float] = []
    failed = 0
    headers = {"X-Telegram-Bot-Api-Secret-Token": door.secret}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def send(number: int, due: float) -> None:
            nonlocal failed
            await asyncio.sleep(max(due - time.monotonic(), 0))
            update = {"update_id": number, "message": {"chat": {"id": number % 500}, "text": "/help"}}
            try:
                async with http.post(f"{door.address}/hooks/telegram", json=update, headers=headers) as answer:
                    await answer.read()
                    failed += answer.status != 200
            except aiohttp.ClientError:
                failed += 1
            delays.append(time.monotonic() - due)

        began = time.monotonic() + 0.5
        await asyncio.gather(*(send(n, began + n / per_second) for n in range(per_second * seconds)))
    return sorted(delays), failed


async def measure_slowness(door: Door, seconds: float) -> float:
    """Return how many times slower than fit this machine is now: what it and its other work leave for bare answers."""
    answered, until = 0, time.monotonic() + seconds
    async with aiohttp.ClientSession() as http:

        async def ask() -> None:
            nonlocal answered
            while time.monotonic() < until:
                async with http.get(f"{door.address}/healthz") as answer:
                    await answer.read()
                answered += 1

        await asyncio.gather(*(ask() for _ in range(8)))
    return max(1.0, FIT * seconds / answered)


async def test_a_webhook_is_answered_within_a_tenth_of_a_second_G7(door: Door, figures: Figures) -> None:
    slowness = await measure_slowness(door, 3)
    per_second = max(1, int(PER_SECOND / slowness))
    delays, failed = await knock(door, per_second, choose_size("soak", small=1, quick=10, full=60))
    figures.report(
        "G7", requests=len(delays), per_second=per_second, slowness=slowness, failed=failed, worst_seconds=delays[-1],
        p50_ms=delays[len(delays) // 2] * 1000, p99_ms=delays[len(delays) * 99 // 100] * 1000,
    )  # fmt: skip


async def test_beside_a_large_import_webhooks_are_answered_within_a_second_FD3(door: Door, tmp_path: Path) -> None:
    found = json.loads((tmp_path / "var" / "server.json").read_text())
    rows = choose_size("soak", small=1, quick=5_000, full=50_000)
    text = "ticket_no,category,grade,channel,text\n" + "".join(
        f"F{n},help,general,phone,第{n}件\n" for n in range(rows)
    )
    assert urlsplit(door.address).port == urlsplit(found["url"]).port
    form = aiohttp.FormData()
    form.add_field("file", text.encode(), filename="t.csv")
    headers = {"Authorization": f"Bearer {found['token']}"}
    async with aiohttp.ClientSession() as http:
        importing = asyncio.create_task(http.post(f"{door.address}/api/v1/imports/tickets", data=form, headers=headers))
        delays, failed = await knock(door, 20, choose_size("soak", small=1, quick=10, full=60))
        answer = await importing
        assert answer.status == 200, await answer.text()
    assert failed == 0 and delays[len(delays) * 99 // 100] <= 1
