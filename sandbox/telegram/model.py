"""What the chat network remembers: people, chats, messages, files; plain data that can be saved as JSON."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.telegram.markup import Markup, labels
from sandbox.telegram.text import Entity


@dataclass
class Account:
    """A person with the app; `started` once they have written to the bot, `phone` in E.164."""

    id: int
    name: str
    phone: str
    started: bool = False
    blocked: bool = False
    deactivated: bool = False

    def json(self) -> dict[str, Any]:
        """The User object."""
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": "zh-hans"}


@dataclass
class StoredFile:
    """A file somebody sent; bytes are kept apart under the same id."""

    id: str
    name: str
    mime: str
    size: int

    @property
    def unique_id(self) -> str:
        """The id that is the same for every bot."""
        return "u" + self.id

    @property
    def path(self) -> str:
        """The file_path answered by getFile."""
        return f"files/{self.id}/{self.name}"


@dataclass
class Message:
    """One message as everybody in the chat sees it now."""

    id: int
    chat_id: int
    sender_id: int | None  # None: the bot
    date: datetime
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    kind: str = "text"  # text, photo, document, contact, voice, location, sticker or service
    file: StoredFile | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # contact, location or service fields as on the wire
    reply_to: int | None = None
    markup: Markup | None = None
    edited_at: datetime | None = None
    deleted: bool = False
    album: str | None = None

    @property
    def from_bot(self) -> bool:
        """Whether the bot sent it."""
        return self.sender_id is None

    @property
    def edited(self) -> bool:
        """Whether it was edited after sending."""
        return self.edited_at is not None

    @property
    def buttons(self) -> list[str]:
        """Words on the inline buttons, in reading order; empty when there are none."""
        if not self.markup or "inline_keyboard" not in self.markup:
            return []
        return [label for row in labels(self.markup) for label in row]

    @property
    def reply_buttons(self) -> list[str]:
        """Words on the reply keyboard that came with it."""
        if not self.markup or "keyboard" not in self.markup:
            return []
        return [label for row in labels(self.markup) for label in row]


@dataclass
class Chat:
    """A private chat (id = the person's), a group or a supergroup."""

    id: int
    kind: str
    title: str = ""
    members: list[int] = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    migrated_to: int | None = None
    bot_inside: bool = True

    @property
    def is_group(self) -> bool:
        """Whether several people read it."""
        return self.kind != "private"


@dataclass
class Press:
    """A callback query: who pressed what, and the toast once the bot has answered."""

    id: str
    message: Message
    data: str
    by: int
    at: float
    answered: bool = False
    toast: str | None = None
    alert: bool = False


@dataclass
class Arrival:
    """A bot message or edit as it arrived at somebody's screen; `expected` once a story has asked for it."""

    message: Message
    text: str
    buttons: list[str]
    edit: bool
    expected: bool = False
