"""Telegram as a whole: its channel, its receiver, and its lines of `jiesu doctor`."""

from collections.abc import Sequence

from aiogram import Bot

from notify.channel import DeliveryError, Settings
from notify.chat.telegram.channel import NAME, TelegramChannel
from notify.chat.telegram.errors import to_delivery_error
from notify.chat.telegram.receiver import IDLE_SECONDS, POLL_SECONDS, TelegramReceiver
from notify.chat.telegram.session import REQUEST_SECONDS, make_bot
from notify.driver import Check, Health


class TelegramNetwork:
    """A `ChatNetwork` over one bot. `hook_url` is where its webhook must be set, "" where it polls."""

    name = NAME

    def __init__(
        self,
        bot: Bot,
        *,
        pace: float = 1.0,
        hook_url: str = "",
        secret: str = "",
        poll_seconds: int = POLL_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.bot = bot
        self.channel = TelegramChannel(bot, pace)
        self.receiver = TelegramReceiver(
            bot, is_hooked=bool(hook_url), secret=secret, poll_seconds=poll_seconds, idle_seconds=idle_seconds
        )
        self._hook_url = hook_url

    async def examine(self) -> Sequence[Check]:
        found: list[Check] = []
        checked = NAME
        try:
            found.append(Check(NAME, Health.OK, NAME, {"name": (await self.bot.get_me()).username}))
            if self._hook_url:
                checked = "webhook"
                matches = (await self.bot.get_webhook_info()).url == self._hook_url
                found.append(
                    Check("webhook", Health.OK, "webhook", {"wanted": self._hook_url})
                    if matches
                    else Check("webhook", Health.NOTICE, "webhook_elsewhere", {"wanted": self._hook_url})
                )
        except Exception as accident:
            error: DeliveryError = to_delivery_error(accident, connected=True, token=self.bot.token)
            found.append(Check(checked, Health.BROKEN, "silent", {"why": error.cause}))
        return found

    async def close(self) -> None:
        await self.channel.close()


def build_network(settings: Settings) -> TelegramNetwork:
    """Build the network from `token`; for another Bot API server `api_url` and `pace`, a factor on the public limits.

    `timeout`: seconds one request may take; `outgoing_allow`: private hosts that may be connected to (XS9);
    `public_url`: our own address, where `mode` is webhook.
    """
    secret, is_hooked = settings.get("secret", ""), settings.get("mode") == "webhook"
    seconds, allow = float(settings.get("timeout") or REQUEST_SECONDS), settings.get("outgoing_allow", "")
    url = settings.get("api_url", "").rstrip("/")
    return TelegramNetwork(
        make_bot(settings["token"], url, request_seconds=seconds, allow=allow),
        pace=float(settings.get("pace") or 1),
        hook_url=f"{settings.get('public_url', '').rstrip('/')}/hooks/{NAME}" if is_hooked else "",
        secret=secret,
    )
