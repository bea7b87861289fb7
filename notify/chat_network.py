"""Protocol of a chat network: its channel sends, its receiver hears; one package a network (docs/decisions)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from notify.channel import Channel
from notify.chat_events import ChatEvent
from notify.driver import Check, HookRequest, HookResponse
from notify.message import Card

#: stores one update durably; returns the number of its row in the inbox. Raises HostAway when it cannot be kept
Keep = Callable[[bytes], Awaitable[int]]


class Unreadable(Exception):
    """An update that is no update of this network; kept, and marked as unreadable (FT8)."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A webhook that is ours: what is kept. `waits`: its HTTP answer carries the answer to a press."""

    body: bytes
    waits: bool = False


@dataclass(frozen=True, slots=True)
class ReceiverCapabilities:
    """What a network's people can do, and how soon it must be answered.

    `answer_by` and `limit` in seconds: when a press is answered "working", and when the network gives up (0: never).
    `toast`: an answer is shown beside the press. `contact`: a person can share their own number. `reply_id`: a reply
    names its message. `commands`: it has a menu of commands; `deletes_theirs`: what a person wrote can be deleted.
    """

    answer_by: float
    limit: float = 0.0
    toast: bool = True
    contact: bool = False
    reply_id: bool = True
    commands: bool = False
    deletes_theirs: bool = False


@dataclass(frozen=True, slots=True)
class BotInfo:
    """Who we are there: the name people write to, and the link that opens the bot with a code ("{code}" in it)."""

    name: str = ""
    link: str = ""


class Receiver(Protocol):
    """What hears a network. `open`, `read` and `render` are pure."""

    can: ReceiverCapabilities

    def open(self, request: HookRequest) -> Verified | HookResponse:
        """Verify a webhook; a response answers it at once (a challenge). Raises HookRefused."""
        ...

    def read(self, body: str) -> ChatEvent:
        """Return what was heard. Raises Unreadable."""
        ...

    def render(self, toast: str, card: Card | None) -> HookResponse:
        """Return the HTTP answer to a press that `waits`."""
        ...

    async def answer(self, token: str, toast: str) -> None:
        """Answer a press by a call of its own, where `Verified.waits` is false. Raises DeliveryError."""
        ...

    async def delete(self, address: str, message: str) -> None:
        """Delete what a person wrote, where `can.deletes_theirs`. Raises DeliveryError."""
        ...

    async def introduce(self, commands: Mapping[str, str]) -> BotInfo:
        """Say which commands there are (name → description) and learn who we are. Raises DeliveryError."""
        ...

    async def listen(self, keep: Keep, hook_url: str) -> None:
        """Hear until cancelled: by polling or a stream, or register `hook_url` and return; pending updates stay."""
        ...

    async def find(self, phones: Sequence[str]) -> Mapping[str, str]:
        """Return the users of these numbers (E.164) by the network's directory; {} where it has none."""
        ...


class ChatNetwork(Protocol):
    """A network we act on."""

    @property
    def name(self) -> str: ...

    @property
    def channel(self) -> Channel: ...

    @property
    def receiver(self) -> Receiver: ...

    async def examine(self) -> Sequence[Check]:
        """Return its lines of `jiesu doctor`."""
        ...

    async def close(self) -> None: ...
