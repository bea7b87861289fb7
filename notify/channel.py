"""Protocol of a chat network, and the one error that says what kind of failure a send was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, Protocol

from notify.message import Card, Receipt
from notify.rate_limit import Bucket

FailureKind = Literal["permanent", "transient", "ambiguous", "throttled", "dead_address"]


class DeliveryError(Exception):
    """The one error a driver raises, for cards, calls and SMS alike (delivery rules 4 and 5).

    permanent     will never work as it is                       do not retry
    transient     certainly not accepted                         safe to retry
    ambiguous     may have been accepted                         chat: one marked copy; call: ask the carrier first
    throttled     certainly not accepted, wait `retry_after` s   this address only
    dead_address  nobody is there any more (FT20), or moved to `new_address` (FT21)

    `code` is the provider's own code or a short word; `detail` is for the log: no token, no phone number.
    """

    def __init__(
        self,
        kind: FailureKind,
        code: str,
        detail: str = "",
        retry_after: float | None = None,
        new_address: str | None = None,
    ) -> None:
        super().__init__(kind, code, detail)
        self.kind = kind
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.new_address = new_address

    def __str__(self) -> str:
        return f"{self.kind} {self.code}: {self.detail}" if self.detail else f"{self.kind} {self.code}"

    @property
    def cause(self) -> str:
        """What `jiesu doctor` calls it: a text `why.…`, or the code itself."""
        return {"network": "unreachable", "auth": "http 401"}.get(self.code, self.code.replace("http_", "http "))

    def as_idempotent(self) -> "DeliveryError":
        """Return the same failure for an idempotent request: ambiguous becomes transient."""
        if self.kind != "ambiguous":
            return self
        return DeliveryError("transient", self.code, self.detail, self.retry_after, self.new_address)


@dataclass(frozen=True, slots=True)
class Edits:
    """What a network lets us change of a sent message.

    `by`: the message's id, an id of `ours`, a `token` that the network hands out, or none. `lives`: how long after the
    sending, None for ever; `uses`: how often, None without end.
    """

    by: Literal["message", "ours", "token", "none"] = "message"
    lives: timedelta | None = None
    uses: int | None = None

    def allows(self, age: timedelta) -> bool:
        """Whether a message of this age can still be changed; one that cannot is sent anew if it matters (FT22)."""
        return self.by != "none" and (self.lives is None or age < self.lives)


@dataclass(frozen=True)
class ChannelCapabilities:
    """What a channel can do; our code asks this instead of its name.

    `max_text` and `max_caption` in UTF-16 units, `max_file` in bytes (received or sent).
    """

    edits: Edits
    buttons: bool
    reply_context: bool
    files: bool
    sends_to_group: bool
    max_text: int
    max_caption: int = 0
    max_file: int = 0


class EditResult(StrEnum):
    """Result of an edit. `gone`: the message cannot be changed any more; send a new one if it matters (FT22)."""

    DONE = "done"
    GONE = "gone"


class Channel(Protocol):
    """A chat network. Its awaitable methods raise DeliveryError and nothing else."""

    @property
    def name(self) -> str: ...

    @property
    def can(self) -> ChannelCapabilities: ...

    def buckets(self, address: str) -> tuple[Bucket, ...]:
        """Return the rate limits of messages to this address (FT19)."""
        ...

    async def send(self, address: str, card: Card, *, reply_to: str | None = None, again: str = "") -> Receipt:
        """Send a card. `again` is the prefix of a repeated copy (FT24)."""
        ...

    async def edit(self, address: str, message_id: str, card: Card) -> EditResult:
        """Edit a sent message to show this card; idempotent, so never ambiguous."""
        ...

    async def remove_buttons(self, address: str, message_id: str) -> None:
        """Remove the buttons of a sent message, whose text stays; done if there are none. Never ambiguous."""
        ...

    async def fetch(self, file_ref: str, limit: int) -> bytes:
        """Download a received file; permanent `too_large` when it has more than `limit` bytes."""
        ...

    async def close(self) -> None: ...


#: settings of one driver without prefix, e.g. {"token": …, "api_url": …}; absent or "" = not set
Settings = Mapping[str, str]
