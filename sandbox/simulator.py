"""Simulator of everything outside the product: chat, phone and platform; mounted into it or used by tests."""

from functools import cached_property

from aiohttp import web

from sandbox.networks import SimulatedNetworks
from sandbox.page_api import PageApi
from sandbox.screens import render_ringing
from sandbox.state import StateFile
from sandbox.telegram.server import BotApi
from sandbox.twilio.rest import TwilioRest


class Simulator(SimulatedNetworks):
    """The networks with their HTTP interfaces, the page of handsets, and the file that keeps them."""

    provider_paths: tuple[str, ...] = ()  # of the simulated providers, which have secrets of their own

    @cached_property
    def _page_api(self) -> PageApi:
        return PageApi(self)

    @cached_property
    def _state_file(self) -> StateFile | None:
        return None if self.state_path is None else StateFile(self, self.state_path)

    def build_app(self) -> web.Application:
        """Build the routes, to be mounted under `/sandbox/`."""
        app = self._page_api.build_app()
        app.add_subapp("/telegram", BotApi(self.chat).build_app())
        app.add_subapp("/platform", self.platform.build_app())
        app.add_subapp("/twilio", TwilioRest(self.phones).build_app())
        for name, carrier in self.carriers.items():
            app.add_subapp(f"/{name}", carrier.build_app())
        for name, chat in self.chats.items():
            app.add_subapp(f"/{name}", chat.build_app())
        mounted = [one for one in app.router.resources() if isinstance(one, web.PrefixedSubAppResource)]
        apis = [one.canonical for one in mounted if one.canonical != "/platform"]  # which has a page of its own
        self.provider_paths = (*apis, "/platform/moves", "/platform/feed")
        return app

    def is_ringing(self) -> bool:
        """Whether a handset rings that a person is to pick up."""
        return bool(render_ringing(self))

    async def start(self) -> None:
        """Open the HTTP client; with a state file, load the handsets."""
        await self.http_client.open()
        if self._state_file is not None:
            self._state_file.load()
            self.broadcast.on_notify = self._state_file.schedule_write

    async def close(self) -> None:
        """End polls and event streams, stop calls and deliveries, save the state."""
        self.broadcast.on_notify = None
        self._page_api.close()
        self.chat.updates.stop_polls()
        for chat in self.chats.values():
            await chat.close()
        await self.in_flight.close()
        if self._state_file is not None:
            await self._state_file.close()
        await self.http_client.close()
