"""Protocol of a chat network: its channel sends, its receiver hears; one package a network (docs/decisions)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from notify.channel import Channel
from notify.chat_events import ChatEvent
from notify.driver import Check, HookRequest, HookResponse
from notify.message import Card


class Unreadable(ValueError):
    """An update that is no update of this network; kept, and marked as unreadable (FT7, FT8)."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A webhook that is ours: what is kept. `waits`: its HTTP answer carries the answer to a press."""

    body: bytes
    waits: bool = False


@dataclass(frozen=True, slots=True)
class ReceiverCapabilities:
    """What a network's people can do, and how soon it must be answered.

    `in_response`: a press is answered by the HTTP response to it (`Verified.waits`), not by a call of its own;
    `card_in_answer`: that response shows the card as it is now.
    `answer_by` and `limit` in seconds: when a press is answered "working", and when the network gives up (0: never).
    `toast`: an answer is shown beside the press. `contact`: a person can share their own number. `reply_id`: a reply
    names its message. `commands`: it has a menu of commands; `deletes_theirs`: what a person wrote can be deleted.
    """

    answer_by: float
    limit: float = 0.0
    in_response: bool = False
    card_in_answer: bool = False
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
    trouble: str = ""  # why the commands could not be told, for the log


class ChatHost(Protocol):
    """Our own side, as a receiver that polls or holds a stream sees it. Its awaitables raise HostAway."""

    @property
    def hook_url(self) -> str:
        """The public address of this network's webhook."""
        ...

    async def keep(self, body: bytes) -> None:
        """Store one update durably; only then may it be acknowledged. A known one has no second effect (FT1)."""
        ...

    async def respond(self, body: bytes) -> HookResponse:
        """Keep a press whose answer is the response to it, and return that answer within `can.answer_by`."""
        ...

    async def acquire_lease(self, name: str, span: timedelta) -> bool:
        """Acquire or renew for `span` what one process at a time may do; False while another does it (FT30)."""
        ...

    async def release_lease(self, name: str) -> None:
        """Let another process do it."""
        ...

    def note(self, what: str, error: str = "") -> None:
        """Log that something went amiss, by a word; `error` holds no secret."""
        ...


class Receiver(Protocol):
    """What hears a network. `open`, `identify`, `read` and `render` are pure."""

    @property
    def can(self) -> ReceiverCapabilities: ...

    @property
    def hooks(self) -> Sequence[tuple[str, str]]:
        """Its webhooks, as (method, path below `/hooks/<name>`); () when it has none."""
        ...

    def open(self, request: HookRequest) -> Verified | HookResponse:
        """Verify a webhook; a response answers it at once (a challenge). Raises HookRefused."""
        ...

    def identify(self, body: bytes) -> tuple[str, str]:
        """Return the update's own id, by which a repeated one is known, and whose order is kept. Raises Unreadable."""
        ...

    def read(self, body: str) -> ChatEvent:
        """Return what was heard. Raises Unreadable."""
        ...

    def render(self, toast: str, card: Card | None) -> HookResponse:
        """Return the HTTP answer to a press that `waits`."""
        ...

    async def answer(self, token: str, toast: str) -> None:
        """Answer a press by a call of its own, where not `can.in_response`. Raises DeliveryError."""
        ...

    async def delete(self, address: str, message: str) -> None:
        """Delete what a person wrote, where `can.deletes_theirs`. Raises DeliveryError."""
        ...

    async def introduce(self, commands: Mapping[str, str]) -> BotInfo:
        """Say which commands there are (name → description) and learn who we are. Raises DeliveryError."""
        ...

    async def listen(self, host: ChatHost) -> None:
        """Hear until cancelled: by polling or a stream, or register `hook_url` and return; pending updates stay (FT31).

        Goes on trying while the network is away (FT23).
        """
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
