"""Drivers as configured: chat networks, telephone, SMS, the external platform; each of them may be absent."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.app.config import Config
from backend.app.core import Core
from backend.app.place import is_embedded
from backend.delivery.shared_limit import SharedRateLimiter
from notify.carrier import VoiceCarrier
from notify.channel import Channel
from notify.driver_registry import DriverRegistry
from notify.platform_client import PlatformClient
from notify.rate_limit import LocalRateLimiter, RateLimiter
from notify.sms_gateway import SmsGateway
from storage.delivery.rate_limit import SqlRateLimitStore
from storage.delivery.rate_limit_redis import RedisRateLimitStore


@dataclass(frozen=True)
class Drivers:
    """What speaks to the outside; commands that only open the services have none of it."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    carrier: VoiceCarrier | None = None
    spare_carrier: VoiceCarrier | None = None  # rings about alarms when the usual one fails
    sms: SmsGateway | None = None
    sms_signer: VoiceCarrier | None = None  # signs reports about SMS
    platform: PlatformClient | None = None
    own_number: str = ""  # that calls are made from, E.164

    @property
    def carriers(self) -> Sequence[VoiceCarrier]:
        """The telephone carriers, the usual one first."""
        return [one for one in (self.carrier, self.spare_carrier) if one is not None]

    async def close(self) -> None:
        """Close all connections."""
        for driver in (*self.channels.values(), *self.carriers, self.sms, self.platform):
            if driver is not None:
                with contextlib.suppress(Exception):
                    await driver.close()


def build_drivers(config: Config) -> Drivers:
    """Build those that are configured."""
    registry, timeout = DriverRegistry.discover(), str(config.provider_timeout_seconds)
    token, url = config.telegram_token.get_secret_value(), config.platform_url
    channels = (
        {
            "telegram": registry.build_channel(
                "telegram",
                {
                    "token": token,
                    "api_url": config.telegram_api_url,
                    "pace": str(config.telegram_pace),
                    "timeout": timeout,
                    "outgoing_allow": config.outgoing_allow,
                },
            )
        }
        if token
        else {}
    )
    twilio = (
        registry.build_carrier(
            "twilio",
            {
                "account_sid": config.twilio_account_sid,
                "auth_token": config.twilio_auth_token.get_secret_value(),
                "auth_token_old": config.twilio_auth_token_old.get_secret_value(),
                "api_url": config.twilio_api_url,
                "calls_per_second": str(config.twilio_calls_per_second),
                "timeout": timeout,
                "outgoing_allow": config.outgoing_allow,
            },
        )
        if config.twilio_account_sid
        else None
    )
    aliyun = (
        registry.build_carrier(
            "aliyun",
            {
                "access_key_id": config.aliyun_access_key_id,
                "access_key_secret": config.aliyun_access_key_secret.get_secret_value(),
                "endpoint": config.aliyun_endpoint,
                "show_number": config.aliyun_show_number,
                "templates": config.aliyun_templates,
                "hook_secret": config.aliyun_hook_secret.get_secret_value(),
                "timeout": timeout,
            },
        )
        if config.aliyun_access_key_id
        else None
    )
    sms = (
        registry.build_gateway(
            "twilio",
            {
                "account_sid": config.twilio_account_sid,
                "auth_token": config.twilio_auth_token.get_secret_value(),
                "from": config.twilio_from,
                "api_url": config.twilio_api_url,
                "timeout": timeout,
            },
        )
        if config.twilio_account_sid
        else None
    )
    platform = (
        PlatformClient(
            url,
            config.platform_secret.get_secret_value(),
            config.platform_feed_url,
            config.outgoing_allow,
            request_seconds=config.provider_timeout_seconds,
        )
        if url
        else None
    )
    return Drivers(channels, aliyun or twilio, twilio if aliyun else None, sms, twilio, platform, config.twilio_from)


def list_provider_states(config: Config) -> Mapping[str, str]:
    """Return what `/readyz` reports about each provider: absent, rehearsed (on this machine) or configured."""
    here = f"{config.local_url}/sandbox/"

    def state_of(is_set: bool, url: str) -> str:
        return "absent" if not is_set else "rehearsed" if url.startswith(here) else "configured"

    return {
        "telegram": state_of(bool(config.telegram_token.get_secret_value()), config.telegram_api_url),
        "twilio": state_of(bool(config.twilio_account_sid), config.twilio_api_url),
    }


def build_rate_limiter(config: Config, core: Core, stack: contextlib.AsyncExitStack) -> RateLimiter:
    """Build the rate limiter: shared in Redis, else in the database; local for a process that is alone."""
    if config.redis_url:
        store = RedisRateLimitStore.connect(config.redis_url)
        stack.push_async_callback(store.close)
        return SharedRateLimiter(store, core.clock.monotonic, is_optional=True)
    if is_embedded(config):
        return LocalRateLimiter(core.clock.monotonic)
    return SharedRateLimiter(SqlRateLimitStore(core.db), core.clock.monotonic)
