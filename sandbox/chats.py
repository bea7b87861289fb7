"""Finds the chat networks that a rehearsal simulates: packages beside this file that say how.

One with a `chat_rehearsal.py` it always has, one with a `further_chat.py` when `JIESU_CHAT` names it. Its `NAME` is the
driver's, its `build({})` returns `RehearsedChat` or `FurtherChat`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import web

from sandbox.broadcast import Broadcast
from sandbox.faults import Violations
from sandbox.http_client import SendRequest
from sandbox.in_flight import InFlight


@dataclass(frozen=True)
class RehearsedChat:
    """A simulated chat network: the settings its driver is given.

    `build_settings(api_url, derive_secret)`: `derive_secret` makes the same 64 hex digits of a word in every process of a
    rehearsal.
    """

    build_settings: Callable[[str, Callable[[str], str]], dict[str, str]]


class ChatHandset(Protocol):
    """A person's chat on a further network, as the page shows and operates it."""

    @property
    def is_started(self) -> bool:
        """Whether they have written to the office there, or it to them."""
        ...

    def render(self) -> dict[str, object]:
        """Return what it shows, in the page's form."""
        ...

    async def act(self, act: str, body: Mapping[str, object]) -> dict[str, object]:
        """Do what the page asks: `say`, `press`, `file`, `block`. Raises ValueError, TypeError, LookupError."""
        ...

    async def bind(self, code: str) -> None:
        """Send a binding code."""
        ...


class SimulatedChat(Protocol):
    """A further chat network of a rehearsal."""

    @property
    def name(self) -> str: ...

    @property
    def violations(self) -> Violations: ...

    def build_app(self) -> web.Application:
        """Build its API, to be mounted at `/sandbox/<name>`."""
        ...

    def get_handset(self, name: str, phone: str) -> ChatHandset:
        """Return the handset of a person of this name and number (E.164)."""
        ...

    async def close(self) -> None:
        """End its streams."""
        ...


@dataclass(frozen=True)
class ChatSurroundings:
    """What a further chat network is built of; `real_time` in seconds since 1970."""

    real_time: Callable[[], float]
    send_request: SendRequest
    in_flight: InFlight
    broadcast: Broadcast


@dataclass(frozen=True)
class FurtherChat:
    """A further chat network: the settings its driver is given (as `RehearsedChat`), and how it is built from them."""

    build_settings: Callable[[str, Callable[[str], str]], dict[str, str]]
    build_chat: Callable[[ChatSurroundings, Mapping[str, str]], SimulatedChat]


def list_further_chats() -> tuple[str, ...]:
    """Return the drivers' names of the further chat networks that can be simulated."""
    return tuple(sorted(file.parent.name for file in Path(__file__).parent.glob("*/further_chat.py")))


def find_chat() -> str:
    """Return the driver's name of the simulated chat network."""
    [file] = Path(__file__).parent.glob("*/chat_rehearsal.py")
    return file.parent.name
