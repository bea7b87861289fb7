"""Builds a rehearsal: the simulated networks, the clock that moves, the sample office."""

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from backend.app.config import Config
from backend.app.core import Core
from backend.app.place import is_embedded
from backend.app.workers import Workers
from backend.importing.service import ImportService
from backend.rehearsal.clock import ClockMover
from backend.rehearsal.shared_clock import SharedClock
from notify.driver_registry import DriverRegistry
from sandbox.carriers import Rehearsed, list_carriers
from sandbox.chats import FurtherChat, RehearsedChat, find_chat, list_further_chats
from storage.deadlines.due import SqlDueStore

if TYPE_CHECKING:
    from sandbox.simulator import Simulator

CreateBindingCode = Callable[[str], Awaitable[str]]
CALL_WAIT_SECONDS = 2.0  # real seconds a rehearsal waits for calls over a real network
MAX_SETTLE_TURNS = 200  # turns after which a rehearsal that never settles is no longer waited for
REHEARSAL_CALLS_PER_SECOND = 200.0  # calls a second: a day passes in moments when the clock is moved


def point_at_simulator(config: Config) -> None:
    """Point a rehearsal's settings at the simulated networks; providers with a URL of their own keep it."""
    base, derive_secret = config.local_url, partial(_derive_secret, config.load_secret_key())
    name = find_chat()
    chat = config.drivers.setdefault(name, {})
    if not chat.get("api_url"):
        chat |= load_simulated_chat(name).build_settings(f"{base}/sandbox/{name}", derive_secret)
    twilio = config.drivers.setdefault("twilio", {})
    if not twilio.get("api_url"):
        twilio |= {
            "api_url": f"{base}/sandbox/twilio",
            "account_sid": "AC" + derive_secret("voice account")[:32],
            "auth_token": derive_secret("voice token")[:32],
            "from": "+861084012345",
        }
        twilio.setdefault("calls_per_second", str(REHEARSAL_CALLS_PER_SECOND))  # the simulated carrier has lines enough
    for name in _list_own(config, config.voice, list_carriers()):
        settings = load_simulated(name).build_settings(f"{base}/sandbox/{name}", derive_secret, config.data)
        config.drivers[name] = settings | config.drivers.get(name, {}) | {"api_url": settings["api_url"]}
    for name in _list_own(config, config.chat, list_further_chats()):
        settings = load_further_chat(name).build_settings(f"{base}/sandbox/{name}", derive_secret)
        config.drivers[name] = settings | config.drivers.get(name, {}) | {"api_url": settings["api_url"]}
    if not config.platform_url:
        config.platform_url = f"{base}/sandbox/platform/moves"
        config.platform_feed_url = f"{base}/sandbox/platform/feed"
        config.platform_secret = SecretStr(derive_secret("platform"))


def _list_own(config: Config, chosen: str, simulated: Sequence[str]) -> list[str]:
    """Return those chosen of `JIESU_VOICE` or `JIESU_CHAT` that are simulated; those with an address of their own are real."""
    wanted = [one.strip() for one in chosen.split(",")]
    here = f"{config.local_url}/sandbox/"
    urls = {name: config.drivers.get(name, {}).get("api_url", "") for name in wanted}
    return [name for name in wanted if name in simulated and (not urls[name] or urls[name].startswith(here))]


def load_simulated(name: str) -> Rehearsed:
    """Load a simulated carrier by its driver's name."""
    registry = DriverRegistry()
    registry.add("voice", name, f"sandbox.{name}.rehearsal")
    rehearsed: Rehearsed = registry.load("voice", name).build({})
    return rehearsed


def load_simulated_chat(name: str) -> RehearsedChat:
    """Load the simulated chat network by its driver's name."""
    registry = DriverRegistry()
    registry.add("chat", name, f"sandbox.{name}.chat_rehearsal")
    rehearsed: RehearsedChat = registry.load("chat", name).build({})
    return rehearsed


def load_further_chat(name: str) -> FurtherChat:
    """Load a further simulated chat network by its driver's name."""
    registry = DriverRegistry()
    registry.add("chat", name, f"sandbox.{name}.further_chat")
    further: FurtherChat = registry.load("chat", name).build({})
    return further


def uses_real_network(config: Config) -> bool:
    """Whether a real network is part of this rehearsal; asked before the settings point at the simulated ones."""
    return any(given.get("api_url") for given in config.drivers.values())


def build_simulator(
    config: Config, now: Callable[[], datetime], create_binding_code: CreateBindingCode, *, is_partly_real: bool
) -> "Simulator":
    """Build the simulated networks, at the time of the office."""
    from sandbox.simulator import Simulator
    from sandbox.telephone.behaviour import MANUAL

    chat = config.drivers[find_chat()]
    simulator = Simulator(
        now=now,
        real_time=time.time,
        monotonic=time.monotonic,
        random_bytes=secrets.token_bytes,
        public_url=config.base_url,
        reach_url=config.local_url,
        chat_token=chat["token"],
        chat_secret=chat.get("secret"),
        twilio_sid=config.drivers["twilio"]["account_sid"],
        twilio_token=config.drivers["twilio"]["auth_token"],
        own_number=config.drivers["twilio"].get("from") or "+861084012345",
        platform_secret=config.platform_secret.get_secret_value(),
        state_path=config.data / "sandbox.json",
        create_binding_code=create_binding_code,
    )
    for name in _list_own(config, config.chat, list_further_chats()):
        simulator.add_chat(name, load_further_chat(name), config.drivers[name])
    for name in reversed(_list_own(config, config.voice, list_carriers())):
        simulator.add_carrier(load_simulated(name), config.drivers[name])
    simulator.phones.default = MANUAL
    simulator.uses_real_network = is_partly_real
    return simulator


def _derive_secret(key: str, name: str) -> str:
    """Derive a key of the simulated networks, 64 hex digits: every process of one rehearsal has the same."""
    return hmac.new(key.encode(), f"rehearsal {name}".encode(), hashlib.sha256).hexdigest()


@dataclass
class Settling:
    """How this process of a rehearsal settles before its clock moves on."""

    workers: Workers
    due_work: SqlDueStore
    simulator: "Simulator | None"
    long_calls: set[int] = field(default_factory=set)  # attempts no longer waited for

    async def settle(self) -> int:
        """Work until nothing is due, in flight or in conversation; return how much was done."""
        done = 0
        for _ in range(MAX_SETTLE_TURNS):
            worked = await self.workers.run_all_once()
            done += worked
            if self.simulator is not None:
                with contextlib.suppress(TimeoutError):
                    await self.simulator.settle()
                if self.simulator.uses_real_network:
                    worked += await self._wait_for_calls()
            if not worked and not await self.workers.run_all_once():
                break
        return done

    async def find_next_stop(self, after: datetime) -> datetime | None:
        """Return where a moved clock stops next: planned work, or a phone that has rung out."""
        stops = [
            await self.due_work.find_next(after),
            self.simulator.phones.find_next_ring_out(after) if self.simulator is not None else None,
        ]
        return min((stop for stop in stops if stop is not None), default=None)

    async def _wait_for_calls(self) -> int:
        """Let calls over a real network end before the clock moves on; return how many did.

        A call that lasts longer than CALL_WAIT_SECONDS is not waited for again.
        """
        until = asyncio.get_running_loop().time() + CALL_WAIT_SECONDS
        before = waited = await self.due_work.list_live_attempts() - self.long_calls
        while waited and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
            waited &= await self.due_work.list_live_attempts()
        self.long_calls |= waited
        return len(before - waited)


def build_clock_mover(
    core: Core, settling: Settling, owner: str, carry: Callable[[timedelta], Awaitable[object]], simulator: "Simulator"
) -> tuple[ClockMover, SharedClock | None]:
    """Build what moves a rehearsal's clock; where there may be other processes, also what follows theirs."""
    assert core.sandbox_clock is not None
    shared = None
    if not is_embedded(core.config):
        shared = SharedClock(core.sandbox_clock, core.clock, core.key_values, owner, settling.settle)
    settle = settling.settle if shared is None else shared.settle
    return ClockMover(core.sandbox_clock, settle, settling.find_next_stop, carry, simulator.is_ringing), shared


async def load_sample_office(config: Config, imports: ImportService, today: date, simulator: "Simulator") -> None:
    """With `samples`, load the sample office and give everyone in it a phone.

    With a real network configured no samples are loaded: only people who were really imported may be called.
    """
    from backend.rehearsal.city import list_phone_owners, load_sample

    if config.samples and not simulator.uses_real_network:
        await load_sample(imports, today=today)
        for person in list_phone_owners():
            simulator.add_person(**person)
