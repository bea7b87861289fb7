"""Worker processes beside a running office, which can be killed, stopped, paused and replaced."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from tests.stories.office import Office

LEASE_SECONDS, PROVIDER_SECONDS = 9, 3
PACE = 200  # times the public rate limits
WORKER = """
import asyncio, signal, sys, time
from datetime import datetime, timedelta
from backend.app.build import open_application
from backend.app.config import Config
from backend.app.core import Opening
from backend.app.run import configure_logging
from storage.engine.versions import get_own_numbers

configure_logging(Config())

async def main():
    start, begun, told = datetime.fromisoformat(sys.argv[1]), time.monotonic(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    clock = lambda: start + timedelta(seconds=time.monotonic() - begun)
    numbers = {part: own + int(sys.argv[2]) for part, own in get_own_numbers().items()}
    async with open_application(Config(), ("worker",), Opening(clock, numbers=numbers)):
        print("ready", flush=True)
        await told.wait()

asyncio.run(main())
"""


class Fleet:
    """The processes that deliver for one office, on PostgreSQL; each is one of `count`."""

    def __init__(self, office: Office, dice: random.Random) -> None:
        self._office, self._dice = office, dice
        self._living: list[asyncio.subprocess.Process] = []
        self._errors = office.config.data / "workers.log"

    async def grow(self, count: int = 1, *, ahead: int = 0) -> None:
        """Start processes and wait until they are at work; their code calls itself so many versions `ahead`."""
        config = self._office.config
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JIESU_")}
        environment |= {
            "JIESU_SANDBOX": "1", "JIESU_DATA": str(config.data), "JIESU_DATABASE_URL": config.database_url,
            "JIESU_LOG_FORMAT": "console",  # to stderr: nobody reads stdout after "ready"
            "JIESU_PORT": str(config.port), "JIESU_TICK_SECONDS": "1", "JIESU_TELEGRAM_PACE": str(PACE),
            "JIESU_LEASE_SECONDS": str(LEASE_SECONDS), "JIESU_PROVIDER_TIMEOUT_SECONDS": str(PROVIDER_SECONDS),
        }  # fmt: skip
        with self._errors.open("a") as errors:
            started = await asyncio.gather(*(
                asyncio.create_subprocess_exec(
                    sys.executable, "-c", WORKER, self._office.now.isoformat(), str(ahead), env=environment, stderr=errors,
                    stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
                ) for _ in range(count)
            ))  # fmt: skip
        for process in started:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n", self._errors.read_text()[-3000:]
            self._living.append(process)

    async def kill(self) -> None:
        """Kill one and start another."""
        victim = self._living.pop(self._dice.randrange(len(self._living)))
        victim.kill()
        await victim.wait()
        await self.grow()

    async def roll(self) -> None:
        """Start another, then ask the oldest to stop, and wait until it has."""
        await self.grow()
        await self.retire(0)

    async def retire(self, place: int) -> None:
        """Ask one of the living to stop, and wait until it has."""
        chosen = self._living.pop(place)
        chosen.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(chosen.wait(), 60) == 0

    async def pause(self) -> None:
        """Hold one for longer than its lease."""
        chosen = self._dice.choice(self._living)
        chosen.send_signal(signal.SIGSTOP)
        await asyncio.sleep(LEASE_SECONDS + 2)
        chosen.send_signal(signal.SIGCONT)

    async def close(self) -> None:
        """Kill all."""
        for process in self._living:
            process.kill()
        await asyncio.gather(*(process.wait() for process in self._living))
