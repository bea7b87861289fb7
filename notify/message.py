"""What can be said: a card for a screen, a prompt for an ear, and the receipt that it arrived."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: bytes of UTF-8 a button may carry; the smallest limit among the channels (Telegram callback_data), FT26
BUTTON_DATA_BYTES = 64


@dataclass(frozen=True)
class Button:
    """A key under a card. `data` comes back as it was given when pressed.

    Raises ValueError when `data` is empty or over 64 bytes: it is never sent raw (FT26).
    """

    label: str
    data: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.data.encode("utf-8", "replace")) <= BUTTON_DATA_BYTES:
            raise ValueError(f"button data must be 1..{BUTTON_DATA_BYTES} bytes")


@dataclass(frozen=True)
class Document:
    """A file to hand over as it is."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Picture:
    """A picture to be shown in the chat (PNG or JPEG)."""

    name: str
    content: bytes


Attachment = Document | Picture


@dataclass(frozen=True)
class Card:
    """One message of plain text (no markup of any kind), rows of buttons, perhaps a file."""

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    attachment: Attachment | None = None


@dataclass(frozen=True)
class Receipt:
    """What the provider said when it took a message. `at` is aware; `cost` is "amount currency" or None."""

    provider_id: str
    chat_id: str
    at: datetime | None = None
    cost: str | None = None


@dataclass(frozen=True)
class Ask:
    """A question answered by keys, and by speech when `speech`.

    `keys` are the answers that make sense (the caller of `read` judges them, FW8); `digits` is how many are
    awaited; `finish_on_key` "" means no key ends the input; `timeout` in seconds; `hints` help recognition.
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
    """Take down what the person says, at most `seconds`; five seconds of silence end it as well."""

    seconds: int
    finish_on_key: str = "#"


@dataclass(frozen=True)
class Dial:
    """Connect the person to `number` (E.164); `announce_url` gives the words the other side hears first.

    `caller` "" keeps the caller number of the first leg; `ring_seconds` is how long the other side rings.
    """

    number: str
    announce_url: str = ""
    record: bool = False
    caller: str = ""
    ring_seconds: int = 30


@dataclass(frozen=True)
class Prompt:
    """One turn of a call: a silence of `pause` seconds, words, then at most one of ask, record, dial.

    Where there is none of the three, `then` says whether the call goes on to the next turn, joins the one who waits
    (the words before a connection), or ends.
    Raises ValueError when more than one of the three is given.
    """

    say: tuple[str, ...]
    ask: Ask | None = None
    record: Record | None = None
    dial: Dial | None = None
    pause: int = 0
    then: Literal["next", "hangup", "join"] = "hangup"
    language: str = "zh-CN"

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.ask, self.record, self.dial)) > 1:
            raise ValueError("a prompt asks, records or dials, one at a time")
