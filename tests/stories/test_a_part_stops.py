"""A part of the installation stops: its health is red and administrators know within a minute (FS6, XR8, G31)."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from backend.operations.beats import Rhythm
from tests.figures import Figures
from tests.stories.office import Office, open_office

QUICK = Rhythm(timedelta(seconds=0.25), timedelta(seconds=2))
RHYTHMS = [
    pytest.param(QUICK, id="quick", marks=(pytest.mark.long, pytest.mark.timeout(300))),
    pytest.param(Rhythm(), id="real", marks=(pytest.mark.soak, pytest.mark.timeout(900))),
]
RARE_TICK = 20.0  # seconds; nothing counts as stuck before three of them
MINUTE = 60.0
OTHERS = ("web", "bot", "clock")
WORKER = """
import asyncio, sys
from datetime import timedelta
from backend.app.build import open_application
from backend.app.config import Config
from backend.operations.beats import Rhythm

async def main():
    every, silence = (timedelta(seconds=float(one)) for one in sys.argv[1:3])
    async with open_application(Config(), ("worker",), rhythm=Rhythm(every, silence)):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def run_worker(office: Office, rhythm: Rhythm) -> AsyncIterator[subprocess.Popen[str]]:
    """A process of its own that delivers, beside the office."""
    config = office.application.config
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIESU_")}
    environment |= {
        "JIESU_SANDBOX": "1", "JIESU_DATA": str(config.data), "JIESU_DATABASE_URL": config.database_url,
        "JIESU_PORT": str(config.port), "JIESU_TICK_SECONDS": str(RARE_TICK),
        "JIESU_TELEGRAM_API_URL": config.drivers["telegram"]["api_url"], "JIESU_TWILIO_API_URL": config.drivers["twilio"]["api_url"],
        "JIESU_TELEGRAM_TOKEN": config.drivers["telegram"]["token"], "JIESU_TWILIO_FROM": config.drivers["twilio"]["from"],
        "JIESU_TWILIO_ACCOUNT_SID": config.drivers["twilio"]["account_sid"],
        "JIESU_TWILIO_AUTH_TOKEN": config.drivers["twilio"]["auth_token"],
    }  # fmt: skip
    spans = [str(span.total_seconds()) for span in (rhythm.every, rhythm.silence)]
    process = subprocess.Popen([sys.executable, "-c", WORKER, *spans], env=environment, stdout=subprocess.PIPE,
                               cwd=Path(__file__).parents[2], text=True)  # fmt: skip
    try:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"  # the office serves it meanwhile
        yield process
    finally:
        process.kill()
        process.communicate()


async def read_health(office: Office) -> tuple[int, list[str]]:
    async with office.http.get(f"{office.application.config.local_url}/readyz") as answer:
        return answer.status, (await answer.json())["red"]


async def wait_for_red(office: Office, red: list[str], seconds: float) -> float:
    """Wait until exactly this is red; return after how many seconds it was."""
    begun = time.monotonic()
    while (seen := await read_health(office)) != (503 if red else 200, red):
        assert time.monotonic() - begun < seconds, seen
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


@contextlib.asynccontextmanager
async def open_others(folder: Path, url: str, rhythm: Rhythm, tick: float) -> AsyncIterator[Office]:
    """An office without its worker."""
    async with open_office(folder, url, roles=OTHERS, rhythm=rhythm, tick_seconds=tick) as office:
        yield office


@pytest.mark.parametrize("rhythm", RHYTHMS)
async def test_a_role_that_is_stopped_or_killed_is_red_and_told_within_a_minute_G31(
    rhythm: Rhythm, postgres_url: str, tmp_path: Path, figures: Figures
) -> None:
    async with open_others(tmp_path, postgres_url, rhythm, RARE_TICK) as office:
        admin = await office.bind("GL01")
        office.phone(office.find_phone("GL01")).answer_with(["1"])
        async with run_worker(office, rhythm) as worker:
            await wait_for_red(office, [], MINUTE)
            await asyncio.sleep(2 * rhythm.every.total_seconds())
            begun = time.monotonic()
            worker.send_signal(signal.SIGSTOP)
            await wait_for_red(office, ["role_missing:worker"], MINUTE)
            message = await admin.expect("系统的一部分停止运行", timeout=MINUTE)
            told_after = time.monotonic() - begun
            assert "投递与通话" in message.text and told_after <= MINUTE
            worker.send_signal(signal.SIGCONT)
            await wait_for_red(office, [], MINUTE)
            await admin.expect("已恢复", timeout=MINUTE, edit=True)
            worker.kill()
            killed_after = await wait_for_red(office, ["role_missing:worker"], MINUTE)
            await admin.expect("系统告警", timeout=MINUTE, edit=True)
        figures.report("G31", red_seconds=max(told_after, killed_after))
        assert office.calls_to(office.find_phone("GL01"))  # the telephone rang, and
        assert office.simulator.list_violations() == []  # what it said is what a carrier takes


@pytest.mark.parametrize("rhythm", RHYTHMS)
async def test_a_worker_that_hangs_is_red_and_told_though_its_process_lives_FS6(
    rhythm: Rhythm, postgres_url: str, tmp_path: Path
) -> None:
    async with open_others(tmp_path, postgres_url, rhythm, 0.2) as office:
        admin = await office.bind("GL01")
        await asyncio.sleep(3 * rhythm.every.total_seconds())
        async with office.application.workers.by_name["deadlines"]._lock:
            await wait_for_red(office, ["worker_stuck:deadlines"], MINUTE)
            await admin.expect("后台任务 deadlines 没有再完成", timeout=MINUTE)
        await wait_for_red(office, [], MINUTE)
        await admin.expect("已恢复", timeout=MINUTE, edit=True)
