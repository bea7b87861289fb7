"""Simulator of everything outside the product: chat, phone and platform; mounted into it or used by tests."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from sandbox.bell import Bell
from sandbox.desk import Desk
from sandbox.keep import Keeper
from sandbox.neighbours import Neighbour
from sandbox.phone.network import PhoneNetwork, e164
from sandbox.phone.rest import TwilioRest
from sandbox.record import RecordPlatform
from sandbox.road import Road
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.server import BotApi
from sandbox.telegram.updates import Webhook
from sandbox.traffic import Traffic

BindingCode = Callable[[str], Awaitable[str]]


class Town:
    """Everything outside the product that it talks to.

    `now` is the product's (movable) clock. `public_url` is the product's own base URL, `reach_url` where it can
    really be reached if that differs. `telegram_secret` is used until setWebhook gives another. `binding_code`
    is set by the wiring: a person code in, a new binding code out.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        public_url: str,
        telegram_token: str,
        telegram_secret: str | None,
        twilio_sid: str,
        twilio_token: str,
        own_number: str,
        platform_secret: str = "",
        http: aiohttp.ClientSession | None = None,
        reach_url: str | None = None,
        state_path: Path | None = None,
    ) -> None:
        self.now = now
        self.bell = Bell()
        self.traffic = Traffic()
        self.road = Road(public_url, reach_url, http)
        self.people: dict[str, Neighbour] = {}
        self.shared = False  # whether a real network is part of this rehearsal
        self.binding_code: BindingCode | None = None
        self.chat = ChatNetwork(
            now=now, token=telegram_token, bell=self.bell, traffic=self.traffic, post=self.road.post
        )
        self.chat.updates.webhook = Webhook(secret=telegram_secret or "")
        self.phones = PhoneNetwork(
            now=now,
            public_url=public_url,
            sid=twilio_sid,
            token=twilio_token,
            own_number=own_number,
            bell=self.bell,
            traffic=self.traffic,
            ask=self.road.ask,
        )
        self.platform = RecordPlatform(now, platform_secret, public_url, self.road.ask)
        self._keeper = None if state_path is None else Keeper(self, state_path)
        self._desk = Desk(self)

    def app(self) -> web.Application:
        """Build the routes, to be mounted under `/sandbox/`."""
        app = self._desk.app()
        app.add_subapp("/telegram", BotApi(self.chat).app())
        app.add_subapp("/platform", self.platform.app())
        app.add_subapp("/twilio", TwilioRest(self.phones).app())
        return app

    async def start(self) -> None:
        """Open the HTTP client; with a state file, load the handsets."""
        await self.road.open()
        if self._keeper is not None:
            self._keeper.load()
            self.bell.on_ring = self._keeper.plan

    async def close(self) -> None:
        """End polls and event streams, stop calls and deliveries, save the state."""
        self.bell.on_ring = None
        self._desk.close()
        self.chat.updates.stop_polls()
        await self.traffic.close()
        if self._keeper is not None:
            await self._keeper.close()
        await self.road.close()

    async def settle(self, timeout: float = 5.0) -> None:
        """Wait until no delivery and no automatic call is in flight. Raises TimeoutError after `timeout` seconds."""
        await self.traffic.settle(timeout)

    def introduce(
        self, *, name: str, phone: str, role: str, unit: str = "", note: str = "", code: str = ""
    ) -> Neighbour:
        """Add a person with a chat account and a telephone of this number."""
        neighbour = Neighbour(name, e164(phone), role, unit, note, code)
        self.people[neighbour.phone] = neighbour
        self.chat.user(name, neighbour.phone)
        self.phones.phone(neighbour.phone)
        self.bell.ring()
        return neighbour

    def violations(self) -> list[str]:
        """List every out-of-spec request to any network as text; tests assert that there is none."""
        listed = {"telegram": self.chat.violations, "twilio": self.phones.violations}
        wires = [f"{name} {one.code} {one.where}: {one.what}" for name, all_of in listed.items() for one in all_of]
        return wires + [f"platform: {one}" for one in self.platform.violations]
