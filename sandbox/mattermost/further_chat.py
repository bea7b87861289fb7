"""Lets a rehearsal use the simulated server: `JIESU_CHAT=mattermost`."""

from collections.abc import Callable, Mapping

from aiohttp import web

from sandbox.chats import ChatSurroundings, FurtherChat, SimulatedChat
from sandbox.mattermost.handset import MattermostHandset
from sandbox.mattermost.model import ID_LENGTH, make_id
from sandbox.mattermost.network import MattermostNetwork
from sandbox.mattermost.server import MattermostServer

NAME = "mattermost"
PACE = "200"  # nobody waits in a rehearsal


class RehearsedMattermost(MattermostNetwork):
    """A `SimulatedChat`. Accounts are known by their telephone numbers, so that bindings outlive a restart; posts do not."""

    name = NAME

    def __init__(self, around: ChatSurroundings, token: str) -> None:
        super().__init__(
            real_time=around.real_time, token=token, send_request=around.send_request, in_flight=around.in_flight
        )
        self.broadcast = around.broadcast
        self._handsets: dict[str, MattermostHandset] = {}

    def build_app(self) -> web.Application:
        return MattermostServer(self).build_app()

    def get_handset(self, name: str, phone: str) -> MattermostHandset:
        if phone not in self._handsets:
            digits = phone.removeprefix("+")
            handset = MattermostHandset(self, f"u{digits}", make_id("u", int(digits)))
            handset.phone, handset.shown_name = phone, name
            self._handsets[phone] = handset
        return self._handsets[phone]

    async def close(self) -> None:
        await self.drop_streams()


def build_settings(api_url: str, derive_secret: Callable[[str], str]) -> dict[str, str]:
    """Return the driver's settings."""
    token = derive_secret("chat token")[:ID_LENGTH]
    return {"api_url": api_url, "token": token, "secret": derive_secret("chat buttons"), "pace": PACE}


def build_chat(around: ChatSurroundings, settings: Mapping[str, str]) -> SimulatedChat:
    """Build the server of these settings."""
    return RehearsedMattermost(around, settings["token"])


def build(_: Mapping[str, str]) -> FurtherChat:
    """Return what a rehearsal needs of this network."""
    return FurtherChat(build_settings, build_chat)
