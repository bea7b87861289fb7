"""What drivers send: cards for a chat, prompts for a call, and the receipt of a sent message."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: bytes of UTF-8 in a button's data; the smallest limit among the channels, FT26
BUTTON_DATA_BYTES = 64


@dataclass(frozen=True)
class Button:
    """A button under a card. `data` comes back unchanged when it is pressed.

    Raises ValueError when `data` is empty or over 64 bytes (FT26).
    """

    label: str
    data: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.data.encode("utf-8", "replace")) <= BUTTON_DATA_BYTES:
            raise ValueError(f"button data must be 1..{BUTTON_DATA_BYTES} bytes")


@dataclass(frozen=True)
class Document:
    """A file sent as it is."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Picture:
    """A picture shown in the chat (PNG or JPEG)."""

    name: str
    content: bytes


Attachment = Document | Picture


#: how a card is coloured where a network has colours
Tone = Literal["plain", "urgent", "warning", "done", "closed"]
#: what a card asks of the person besides its buttons: a reply, their own contact card, or to put such a request away
Expects = Literal["", "reply", "contact", "nothing"]


@dataclass(frozen=True)
class Card:
    """One message: plain text (no markup), rows of buttons, optionally a file.

    `text` says everything. Where a network has structure, `title`, `facts` (label, value) and `body` say the same again:
    nothing in `text` is missing there; all three empty means there is only text. `share_label` is what the button says
    that shares one's own number, where `expects` is "contact".
    """

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    attachment: Attachment | None = None
    title: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    body: str = ""
    tone: Tone = "plain"
    expects: Expects = ""
    share_label: str = ""


@dataclass(frozen=True)
class Receipt:
    """What the provider returned for an accepted message. `at` is aware; `cost` is "amount currency" or None."""

    provider_id: str
    chat_id: str
    at: datetime | None = None
    cost: str | None = None


@dataclass(frozen=True)
class Ask:
    """A question answered by keys, and by speech when `speech`.

    `keys` are the valid answers (validated by the caller of `read`, FW8); `digits` is how many are expected.
    `finish_on_key` ends the input instead of the count, so that it is never taken for the next answer (XM10);
    "" means the count ends it. `timeout` in seconds; `hints` help speech recognition.
    """

    keys: str
    digits: int = 1
    finish_on_key: str = ""
    timeout: int = 6
    speech: bool = False
    hints: tuple[str, ...] = ()
    language: str = "zh-CN"


@dataclass(frozen=True)
class Record:
    """Record what the person says, at most `seconds`; five seconds of silence end it as well."""

    seconds: int
    finish_on_key: str = "#"


@dataclass(frozen=True)
class Connect:
    """Connect the person to `number` (E.164); `announce_url` gives the prompt the other side hears first.

    `caller` "" keeps the caller number of the first leg; `ring_seconds` is how long the other side rings.
    """

    number: str
    announce_url: str = ""
    record: bool = False
    caller: str = ""
    ring_seconds: int = 30


@dataclass(frozen=True)
class Prompt:
    """One turn of a call: `pause` seconds of silence, speech, then at most one of ask, record, dial.

    With none of the three, `then` says whether the call goes on to the next turn, joins the waiting first leg
    (the announcement before a bridge), or ends.
    Raises ValueError when more than one of the three is given.
    """

    say: tuple[str, ...]
    ask: Ask | None = None
    record: Record | None = None
    connect: Connect | None = None
    pause: int = 0
    then: Literal["next", "hangup", "join"] = "hangup"
    language: str = "zh-CN"

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.ask, self.record, self.connect)) > 1:
            raise ValueError("a prompt asks, records or dials, one at a time")
