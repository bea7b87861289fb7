"""The Telegram of a rehearsal: what its driver is told to reach it."""

from collections.abc import Callable, Mapping

from sandbox.chats import RehearsedChat

NAME = "telegram"


def build_settings(api_url: str, derive_secret: Callable[[str], str]) -> dict[str, str]:
    """Return the driver's settings: a bot that is called by a webhook."""
    return {
        "api_url": api_url,
        "token": "1234567890:sandbox-" + derive_secret("chat token")[:16],
        "secret": derive_secret("chat webhook"),
        "mode": "webhook",
    }


def build(_: Mapping[str, str]) -> RehearsedChat:
    """Build its rehearsal."""
    return RehearsedChat(build_settings)
