"""Drivers as configured (chat, telephone, rate limiter), or the simulator of a rehearsal."""

import contextlib
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from backend.app.config import Config
from backend.app.core import Core, is_embedded, read_wall_clock
from backend.delivery.shared_limit import SharedRateLimiter
from notify.carrier import VoiceCarrier
from notify.channel import Channel
from notify.driver_registry import DriverRegistry as Drivers
from notify.rate_limit import LocalRateLimiter, RateLimiter
from storage.deadlines.due import SqlDueStore
from storage.delivery.rate_limit import SqlRateLimitStore
from storage.delivery.rate_limit_redis import RedisRateLimitStore

if TYPE_CHECKING:
    from sandbox.simulator import Simulator

REHEARSAL_CALLS_PER_SECOND = 200.0  # calls a second: a day passes in moments when the clock is moved


def build_simulator(config: Config) -> "Simulator | None":
    """Build the simulator of a rehearsal and point the settings at it; providers with a URL of their own keep it."""
    if not config.sandbox:
        return None
    from pydantic import SecretStr

    from sandbox.simulator import Simulator
    from sandbox.twilio.behaviour import MANUAL

    base, derive_secret = config.local_url, partial(_derive_secret, config.load_secret_key())
    uses_real_network = bool(config.telegram_api_url or config.twilio_api_url)
    if not config.telegram_api_url:
        config.telegram_api_url = f"{base}/sandbox/telegram"
        config.telegram_token = SecretStr("1234567890:sandbox-" + derive_secret("chat token")[:16])
        config.telegram_secret = SecretStr(derive_secret("chat webhook"))
        config.telegram_mode = "webhook"
    if not config.twilio_api_url:
        config.twilio_api_url = f"{base}/sandbox/twilio"
        config.twilio_account_sid = "AC" + derive_secret("voice account")[:32]
        config.twilio_auth_token = SecretStr(derive_secret("voice token")[:32])
        config.twilio_from = "+861084012345"
        if "twilio_calls_per_second" not in config.model_fields_set:
            config.twilio_calls_per_second = REHEARSAL_CALLS_PER_SECOND  # the simulated carrier has lines enough
    if not config.platform_url:
        config.platform_url = f"{base}/sandbox/platform/moves"
        config.platform_feed_url = f"{base}/sandbox/platform/feed"
        config.platform_secret = SecretStr(derive_secret("platform"))
    simulator = Simulator(
        now=read_wall_clock, real_time=time.time, monotonic=time.monotonic, random_bytes=secrets.token_bytes,
        public_url=config.base_url, reach_url=base,
        telegram_token=config.telegram_token.get_secret_value(),
        telegram_secret=config.telegram_secret.get_secret_value() or None,
        twilio_sid=config.twilio_account_sid, twilio_token=config.twilio_auth_token.get_secret_value(),
        own_number=config.twilio_from or "+861084012345",
        platform_secret=config.platform_secret.get_secret_value(), state_path=config.data / "sandbox.json",
    )  # fmt: skip
    simulator.phones.default = MANUAL
    simulator.uses_real_network = uses_real_network
    return simulator


def _derive_secret(key: str, name: str) -> str:
    """Derive a key of the simulated networks, 64 hex digits: every process of one rehearsal has the same."""
    return hmac.new(key.encode(), f"rehearsal {name}".encode(), hashlib.sha256).hexdigest()


def build_next_stop(
    due_work: SqlDueStore, simulator: "Simulator | None"
) -> Callable[[datetime], Awaitable[datetime | None]]:
    """Build the function that tells where a moved clock stops next: planned work, or a phone that has rung out."""

    async def find_next_stop(after: datetime) -> datetime | None:
        stops = [
            await due_work.find_next(after),
            simulator.phones.find_next_ring_out(after) if simulator is not None else None,
        ]
        return min((stop for stop in stops if stop is not None), default=None)

    return find_next_stop


def build_channels(config: Config) -> dict[str, Channel]:
    """Build the configured chat channels."""
    token = config.telegram_token.get_secret_value()
    if not token:
        return {}
    settings = {
        "token": token,
        "api_url": config.telegram_api_url,
        "pace": str(config.telegram_pace),
        "timeout": str(config.provider_timeout_seconds),
        "outgoing_allow": config.outgoing_allow,
    }
    return {"telegram": Drivers.discover().build_channel("telegram", settings)}


def build_voice_carrier(config: Config, *, spare: bool = False) -> VoiceCarrier | None:
    """Build the configured telephone carrier; `spare`: the one left if that fails, for alarms (operations §8)."""
    if spare:
        return build_twilio_carrier(config) if config.aliyun_access_key_id else None
    if config.aliyun_access_key_id:
        return Drivers.discover().build_carrier("aliyun", {
            "access_key_id": config.aliyun_access_key_id,
            "access_key_secret": config.aliyun_access_key_secret.get_secret_value(),
            "endpoint": config.aliyun_endpoint, "show_number": config.aliyun_show_number,
            "templates": config.aliyun_templates,
            "hook_secret": config.aliyun_hook_secret.get_secret_value(),
            "timeout": str(config.provider_timeout_seconds),
        })  # fmt: skip
    return build_twilio_carrier(config)


def build_twilio_carrier(config: Config) -> VoiceCarrier | None:
    """Build Twilio's carrier if its account is set: SMS may go through it while calls go through another."""
    if not config.twilio_account_sid:
        return None
    settings = {
        "account_sid": config.twilio_account_sid,
        "auth_token": config.twilio_auth_token.get_secret_value(),
        "auth_token_old": config.twilio_auth_token_old.get_secret_value(),
        "api_url": config.twilio_api_url,
        "calls_per_second": str(config.twilio_calls_per_second),
        "timeout": str(config.provider_timeout_seconds),
        "outgoing_allow": config.outgoing_allow,
    }
    return Drivers.discover().build_carrier("twilio", settings)


def build_provider_status(config: Config) -> Callable[[], Awaitable[Mapping[str, str]]]:
    """Build what `/readyz` reports about the providers: absent, rehearsed (on this machine) or configured."""
    here = f"{config.local_url}/sandbox/"

    def status_of(there: bool, url: str) -> str:
        return "absent" if not there else "rehearsed" if url.startswith(here) else "configured"

    states = {
        "telegram": status_of(bool(config.telegram_token.get_secret_value()), config.telegram_api_url),
        "twilio": status_of(bool(config.twilio_account_sid), config.twilio_api_url),
    }

    async def get_statuses() -> Mapping[str, str]:
        return states

    return get_statuses


async def build_rate_limiter(config: Config, core: Core, stack: contextlib.AsyncExitStack) -> RateLimiter:
    """Build the rate limiter: shared in Redis, else in the database; local for a process that is alone."""
    if config.redis_url:
        store = RedisRateLimitStore.connect(config.redis_url)
        stack.push_async_callback(store.close)
        return SharedRateLimiter(store, core.clock.monotonic, is_optional=True)
    if is_embedded(config):
        return LocalRateLimiter(core.clock.monotonic)
    return SharedRateLimiter(SqlRateLimitStore(core.db), core.clock.monotonic)


async def prepare_rehearsal(core: Core, simulator: "Simulator") -> None:
    """Let the simulator create binding codes; with `samples`, load the sample office and give everyone in it a phone.

    With a real network configured no samples are loaded: only people who were really imported may be called.
    """
    from backend.rehearsal.city import list_phone_owners, load_sample

    if core.config.samples and not simulator.uses_real_network:
        await load_sample(core.imports, today=core.clock.now().date())
        for person in list_phone_owners():
            simulator.add_person(**person)

    async def create_binding_code(person: str) -> str:
        return (await core.people.create_binding_code(person, "sandbox")).code

    simulator.create_binding_code = create_binding_code
