"""Mattermost as a chat network, on its REST API v4 and its websocket; importing this imports no HTTP client."""

from notify.channel import Settings
from notify.chat_network import ChatNetwork
from notify.driver import Setting

__all__ = ["NAME", "SETTINGS", "build"]

NAME = "mattermost"
SETTINGS = (
    Setting("api_url", "url", required=True),
    Setting("token", "secret", required=True),
    Setting("secret", "shared", required=True),
    Setting("pace", "number"),
)


def build(settings: Settings) -> ChatNetwork:
    """Build the network of these settings."""
    from notify.chat.mattermost.network import build_network

    return build_network(settings)
