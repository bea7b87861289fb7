"""Data of the simulated chat network: people, chats, messages, files; plain data that can be saved as JSON."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.telegram.markup import Markup, list_labels
from sandbox.telegram.text import Entity


@dataclass
class Account:
    """A person's account; `started` once they have written to the bot, `phone` in E.164."""

    id: int
    name: str
    phone: str
    started: bool = False
    blocked: bool = False
    deactivated: bool = False

    def to_json(self) -> dict[str, Any]:
        """Build the User object."""
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": "zh-hans"}


@dataclass
class StoredFile:
    """A file that was sent; its bytes are stored separately under the same id."""

    id: str
    name: str
    mime: str
    size: int

    @property
    def unique_id(self) -> str:
        """The file_unique_id, the same for every bot."""
        return "u" + self.id

    @property
    def path(self) -> str:
        """The file_path returned by getFile."""
        return f"files/{self.id}/{self.name}"


@dataclass
class Message:
    """One message as it is displayed now."""

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
        """Labels of the inline buttons, in reading order."""
        if not self.markup or "inline_keyboard" not in self.markup:
            return []
        return [label for row in list_labels(self.markup) for label in row]


@dataclass
class Chat:
    """A private chat (its id is the person's), a group or a supergroup."""

    id: int
    kind: str
    title: str = ""
    members: list[int] = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    migrated_to: int | None = None
    bot_inside: bool = True

    @property
    def is_group(self) -> bool:
        """Whether it is a group or supergroup."""
        return self.kind != "private"


@dataclass
class Press:
    """A callback query: who pressed which button, and the toast once the bot has answered."""

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
    """A bot message or edit as it arrived on a screen; `expected` once a test has asked for it."""

    message: Message
    text: str
    buttons: list[str]
    is_edit: bool
    expected: bool = False
