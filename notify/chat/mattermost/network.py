"""Mattermost as a whole: its channel, its receiver, and its lines of `jiesu doctor`."""

from collections.abc import Sequence

from notify.channel import DeliveryError, Settings
from notify.chat.mattermost.api import REQUEST_SECONDS, MattermostApi
from notify.chat.mattermost.channel import NAME, MattermostChannel
from notify.chat.mattermost.posts import Callbacks
from notify.chat.mattermost.receiver import MattermostReceiver
from notify.chat.mattermost.stream import FIRST_PAUSE, IDLE_SECONDS, Stream
from notify.driver import Check, Health


class MattermostNetwork:
    """A `ChatNetwork` over one bot account; `callbacks` is where its server calls us."""

    name = NAME

    def __init__(
        self,
        api: MattermostApi,
        callbacks: Callbacks,
        *,
        pace: float = 1.0,
        first_pause: float = FIRST_PAUSE,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._api = api
        stream = Stream(api, first_pause=first_pause, idle_seconds=idle_seconds)
        self.channel = MattermostChannel(api, callbacks, pace)
        self.receiver = MattermostReceiver(api, callbacks, stream)

    async def examine(self) -> Sequence[Check]:
        try:
            account = await self._api.request("GET", "/users/me")
        except DeliveryError as error:
            return [Check(NAME, Health.BROKEN, "silent", {"why": error.cause})]
        facts = {"name": str(account.get("username") or "")}
        if account.get("is_bot") is not True:
            return [Check(NAME, Health.NOTICE, f"{NAME}_person", facts)]
        return [Check(NAME, Health.OK, NAME, facts)]

    async def close(self) -> None:
        await self.channel.close()


def build_network(settings: Settings) -> MattermostNetwork:
    """Build the network from `api_url`, `token` and `secret`; `pace` is a factor on our rate limits.

    `timeout`: seconds one request may take; `outgoing_allow`: private hosts that may be connected to (XS9);
    `public_url`: our own address, which the server calls when a button is pressed.
    """
    api = MattermostApi(
        settings["api_url"],
        settings["token"],
        allow=settings.get("outgoing_allow", ""),
        seconds=float(settings.get("timeout") or REQUEST_SECONDS),
    )
    callbacks = Callbacks(f"{settings.get('public_url', '').rstrip('/')}/hooks/{NAME}", settings["secret"])
    return MattermostNetwork(api, callbacks, pace=float(settings.get("pace") or 1))
