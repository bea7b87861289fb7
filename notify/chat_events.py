"""Chat events in our own words: what the receiver of any network makes of its updates; the bot knows nothing else."""

from dataclasses import dataclass, field
from typing import Literal

#: what a message holds that is neither text nor a file we take
OtherContent = Literal["", "voice", "other", "service"]


@dataclass(frozen=True, slots=True)
class Who:
    """Who acted, and where. Identity is `user`, never the chat (FT34)."""

    user: str
    chat: str
    private: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class ChatFile:
    """A photo or document of a message: what `Channel.fetch` wants, its name, its size in bytes (0 when not told)."""

    reference: str
    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact card: a number, and whose it is by the network's word ("" when it does not say)."""

    phone: str
    user: str = ""


@dataclass(frozen=True, slots=True)
class RepliedTo:
    """The message that is replied to. `buttons` are (label, data), of our own messages only."""

    message: str
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A message, or an `edited` one. `album` groups the files that were sent in one go."""

    who: Who
    message: str
    text: str = ""
    reply_to: RepliedTo | None = None
    files: tuple[ChatFile, ...] = ()
    contact: Contact | None = None
    other: OtherContent = ""
    album: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of a message was pressed. `token` is what the answer needs; `fields` were typed in the card's form."""

    who: Who
    message: str
    data: str
    token: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftChat:
    """The bot can write there no longer (FT20); `why` is a code such as "blocked"."""

    who: Who
    why: str


@dataclass(frozen=True, slots=True)
class ChatMoved:
    """A chat has another address now (FT21)."""

    who: Who
    new_chat: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for us; `why` is for the log."""

    why: str


ChatEvent = Said | Pressed | LeftChat | ChatMoved | Ignored
