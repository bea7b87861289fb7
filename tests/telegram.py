"""The Telegram driver of the tests: the real one, on a token of ours."""

from notify.chat.telegram.network import TelegramNetwork
from notify.chat.telegram.session import make_bot


def build_telegram(
    token: str,
    url: str = "",
    *,
    hook_url: str = "",
    secret: str = "",
    poll_seconds: int = 1,
    idle_seconds: float = 0.05,
) -> TelegramNetwork:
    """A network over one bot, whose Bot API is at `url`; it polls unless it has a `hook_url`."""
    return TelegramNetwork(
        make_bot(token, url or None),
        hook_url=hook_url,
        secret=secret,
        poll_seconds=poll_seconds,
        idle_seconds=idle_seconds,
    )
