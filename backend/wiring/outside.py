"""Drivers as configured (chat, telephone, rate limiter), or the simulator of a rehearsal."""

import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backend.delivery.shared_limit import SharedRateLimiter
from backend.environment import Environment
from backend.shelves import Shelves, embedded
from notify.carrier import VoiceCarrier
from notify.channel import Channel
from notify.rate_limit import LocalRateLimiter, RateLimiter
from notify.registry import DriverRegistry as Drivers
from storage.deadlines.due import SqlDueStore
from storage.delivery.rate_limit import SqlRateLimitStore
from storage.delivery.rate_limit_redis import RedisRateLimitStore

if TYPE_CHECKING:
    from sandbox.town import Town

REHEARSED_CALLS = 200.0  # calls a second: a day passes in moments when the clock is moved


def town_of(environment: Environment) -> "Town | None":
    """Build the simulator of a rehearsal and point the settings at it; providers with a URL of their own keep it."""
    if not environment.sandbox:
        return None
    from pydantic import SecretStr

    from sandbox.phone.behaviour import MANUAL
    from sandbox.town import Town

    base = f"http://{environment.host}:{environment.port}"
    shared = bool(environment.telegram_api_url or environment.twilio_api_url)
    if not environment.telegram_api_url:
        environment.telegram_api_url = f"{base}/sandbox/telegram"
        environment.telegram_token = SecretStr("1234567890:sandbox-" + secrets.token_hex(8))
        environment.telegram_secret = SecretStr(secrets.token_urlsafe(24))
        environment.telegram_mode = "webhook"
    if not environment.twilio_api_url:
        environment.twilio_api_url = f"{base}/sandbox/twilio"
        environment.twilio_account_sid = "AC" + secrets.token_hex(16)
        environment.twilio_auth_token = SecretStr(secrets.token_hex(16))
        environment.twilio_from = "+861084012345"
        if "twilio_calls_per_second" not in environment.model_fields_set:
            environment.twilio_calls_per_second = REHEARSED_CALLS  # the simulated carrier has lines enough
    if not environment.platform_url:
        environment.platform_url = f"{base}/sandbox/platform/moves"
        environment.platform_feed_url = f"{base}/sandbox/platform/feed"
        environment.platform_secret = SecretStr(secrets.token_urlsafe(24))
    town = Town(
        now=lambda: datetime.now(UTC), public_url=environment.address, reach_url=base,
        telegram_token=environment.telegram_token.get_secret_value(),
        telegram_secret=environment.telegram_secret.get_secret_value() or None,
        twilio_sid=environment.twilio_account_sid, twilio_token=environment.twilio_auth_token.get_secret_value(),
        own_number=environment.twilio_from or "+861084012345",
        platform_secret=environment.platform_secret.get_secret_value(), state_path=environment.data / "sandbox.json",
    )  # fmt: skip
    town.phones.default = MANUAL
    town.shared = shared
    return town


def next_stop(due: SqlDueStore, town: "Town | None") -> Callable[[datetime], Awaitable[datetime | None]]:
    """Build the function that tells where a moved clock stops next: planned work, or a phone that has rung out."""

    async def ask(after: datetime) -> datetime | None:
        stops = [await due.find_next(after), town.phones.rung_out_at(after) if town is not None else None]
        return min((stop for stop in stops if stop is not None), default=None)

    return ask


def channels_of(environment: Environment) -> dict[str, Channel]:
    """Build the configured chat channels."""
    token = environment.telegram_token.get_secret_value()
    if not token:
        return {}
    settings = {"token": token, "api_url": environment.telegram_api_url, "pace": str(environment.telegram_pace)}
    return {"telegram": Drivers.discover().build_channel("telegram", settings)}


def line_of(environment: Environment) -> VoiceCarrier | None:
    """Build the configured telephone carrier."""
    if environment.aliyun_access_key_id:
        return Drivers.discover().build_carrier("aliyun", {
            "access_key_id": environment.aliyun_access_key_id,
            "access_key_secret": environment.aliyun_access_key_secret.get_secret_value(),
            "endpoint": environment.aliyun_endpoint, "show_number": environment.aliyun_show_number,
            "templates": environment.aliyun_templates,
            "hook_secret": environment.aliyun_hook_secret.get_secret_value(),
        })  # fmt: skip
    return twilio_of(environment)


def twilio_of(environment: Environment) -> VoiceCarrier | None:
    """Build Twilio's carrier if its account is set: SMS may go through it while calls go through another."""
    if not environment.twilio_account_sid:
        return None
    settings = {
        "account_sid": environment.twilio_account_sid,
        "auth_token": environment.twilio_auth_token.get_secret_value(),
        "auth_token_old": environment.twilio_auth_token_old.get_secret_value(),
        "api_url": environment.twilio_api_url,
        "calls_per_second": str(environment.twilio_calls_per_second),
    }
    return Drivers.discover().build_carrier("twilio", settings)


def providers_of(environment: Environment) -> Callable[[], Awaitable[Mapping[str, str]]]:
    """Build what `/readyz` reports about the providers: absent, rehearsed (on this machine) or configured."""
    here = f"http://{environment.host}:{environment.port}/sandbox/"

    def word(there: bool, url: str) -> str:
        return "absent" if not there else "rehearsed" if url.startswith(here) else "configured"

    states = {
        "telegram": word(bool(environment.telegram_token.get_secret_value()), environment.telegram_api_url),
        "twilio": word(bool(environment.twilio_account_sid), environment.twilio_api_url),
    }

    async def ask() -> Mapping[str, str]:
        return states

    return ask


async def pacer_of(environment: Environment, stores: Shelves, stack: contextlib.AsyncExitStack) -> RateLimiter:
    """Build the rate limiter: shared in Redis, else in the database; local for a process that is alone."""
    if environment.redis_url:
        store = RedisRateLimitStore.connect(environment.redis_url)
        stack.push_async_callback(store.close)
        return SharedRateLimiter(store, is_optional=True)
    if embedded(environment):
        return LocalRateLimiter()
    return SharedRateLimiter(SqlRateLimitStore(stores.db))


async def rehearse(stores: Shelves, town: "Town") -> None:
    """Let the simulator create binding codes; with `samples`, load the sample office and give everyone in it a phone.

    With a real network configured no samples are loaded: only people who were really imported may be called.
    """
    from backend.samples import bring, neighbours

    if stores.environment.samples and not town.shared:
        await bring(stores.imports, today=stores.clock.now().date())
        for person in neighbours():
            town.introduce(**person)

    async def code(person: str) -> str:
        return (await stores.registry.create_binding_code(person, "sandbox")).code

    town.binding_code = code
