"""Telegram as a chat network, on aiogram; importing this imports none of it."""

from notify.channel import Settings
from notify.chat_network import ChatNetwork
from notify.driver import DriverRefused, Setting

__all__ = ["NAME", "SETTINGS", "build", "check"]

NAME = "telegram"
MIN_SECRET = 8  # characters of the webhook's secret
SETTINGS = (
    Setting("token", "secret", required=True),
    Setting("api_url", "url"),
    Setting("mode", choices=("polling", "webhook")),
    Setting("secret", "secret"),
    Setting("pace", "number"),
)


def check(settings: Settings) -> None:
    """Refuse a webhook without a secret that deserves the name: DriverRefused `telegram_secret_missing` (FT6)."""
    if settings.get("mode") == "webhook" and len(settings.get("secret", "")) < MIN_SECRET:
        raise DriverRefused("telegram_secret_missing")


def build(settings: Settings) -> ChatNetwork:
    """Build the network of these settings. Raises DriverRefused as `check`."""
    check(settings)
    from notify.chat.telegram import models

    models.load_aiogram()  # before anything imports it
    from notify.chat.telegram.network import build_network

    return build_network(settings)
