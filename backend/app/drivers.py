"""Drivers as configured: chat networks, telephone, SMS, the external platform; each of them may be absent."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from backend.app.config import Config
from backend.app.core import Core
from backend.app.driver_settings import build_driver, choose_drivers
from backend.app.place import is_embedded
from backend.calls.carriers import Carriers
from backend.delivery.gateways import SmsGateways
from backend.delivery.shared_limit import SharedRateLimiter
from notify.carrier import VoiceCarrier
from notify.channel import Channel
from notify.chat_network import ChatNetwork
from notify.driver_registry import FAMILIES, DriverRegistry
from notify.platform_client import PlatformClient
from notify.rate_limit import LocalRateLimiter, RateLimiter
from notify.sms_gateway import SmsGateway
from storage.delivery.rate_limit import SqlRateLimitStore
from storage.delivery.rate_limit_redis import RedisRateLimitStore


@dataclass(frozen=True)
class Drivers:
    """What speaks to the outside; commands that only open the services have none of it."""

    networks: Mapping[str, ChatNetwork] = field(default_factory=dict)  # by name
    voice: Carriers = field(default_factory=Carriers)
    sms: SmsGateways = field(default_factory=SmsGateways)
    platform: PlatformClient | None = None

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The sending side of each chat network."""
        return {name: network.channel for name, network in self.networks.items()}

    @property
    def carriers(self) -> Sequence[VoiceCarrier]:
        """The telephone carriers, the preferred one first."""
        return self.voice.carriers

    async def close(self) -> None:
        """Close all connections."""
        for driver in (*self.networks.values(), *self.carriers, *self.sms.gateways, self.platform):
            if driver is not None:
                with contextlib.suppress(Exception):
                    await driver.close()


def build_drivers(config: Config) -> Drivers:
    """Build those that are configured. Refused as `check_drivers` and the drivers themselves refuse their settings."""
    url = config.platform_url
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
    return Drivers(build_networks(config), build_carriers(config), build_gateways(config), platform)


def build_networks(config: Config) -> Mapping[str, ChatNetwork]:
    """Build the chat networks, by name."""
    modules = choose_drivers(config, "chat")
    built = [build_driver(config, module, _list_common(config)) for module in modules]
    return {one.name: one for one in cast("list[ChatNetwork]", built)}


def build_carriers(config: Config) -> Carriers:
    """Build the voice carriers by preference."""
    modules = choose_drivers(config, "voice")
    built = [build_driver(config, module, _list_common(config)) for module in modules]
    return Carriers(cast("list[VoiceCarrier]", built), all_serve=config.sandbox)


def build_gateways(config: Config) -> SmsGateways:
    """Build the SMS gateways by preference."""
    modules = choose_drivers(config, "sms")
    built = [build_driver(config, module, _list_common(config)) for module in modules]
    return SmsGateways(cast("list[SmsGateway]", built), all_serve=config.sandbox)


def _list_common(config: Config) -> Mapping[str, str]:
    """Return the settings that every driver is given."""
    return {
        "timeout": str(config.provider_timeout_seconds),
        "outgoing_allow": config.outgoing_allow,
        "public_url": config.base_url,
    }


def list_provider_states(config: Config) -> Mapping[str, str]:
    """Return what `/readyz` reports about each provider: absent, rehearsed (on this machine) or configured."""
    here = f"{config.local_url}/sandbox/"

    def state_of(is_set: bool, url: str) -> str:
        return "absent" if not is_set else "rehearsed" if url.startswith(here) else "configured"

    registry = DriverRegistry.discover()
    chosen = {module.name for family in FAMILIES for module in choose_drivers(config, family)}
    names = sorted({name for family in FAMILIES for name in registry.list_names(family)})
    urls = {name: config.drivers.get(name, {}).get("api_url", "") for name in names}
    return {name: state_of(name in chosen, urls[name]) for name in names}


def build_rate_limiter(config: Config, core: Core, stack: contextlib.AsyncExitStack) -> RateLimiter:
    """Build the rate limiter: shared in Redis, else in the database; local for a process that is alone."""
    if config.redis_url:
        store = RedisRateLimitStore.connect(config.redis_url)
        stack.push_async_callback(store.close)
        return SharedRateLimiter(store, core.clock.monotonic, is_optional=True)
    if is_embedded(config):
        return LocalRateLimiter(core.clock.monotonic)
    return SharedRateLimiter(SqlRateLimitStore(core.db), core.clock.monotonic)
