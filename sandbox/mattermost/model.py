"""What a Mattermost server holds: accounts, channels, posts, files; ids as it makes them."""

from dataclasses import dataclass, field
from typing import Literal

ChannelType = Literal["D", "O", "P", "G"]
#: characters of an id
ID_LENGTH = 26
#: a JSON object
Fields = dict[str, object]


def make_id(kind: str, number: int) -> str:
    """Make an id: 26 small letters and digits."""
    return f"{kind}{number:0{ID_LENGTH - len(kind)}d}"


@dataclass
class Account:
    """An account; `delete_at` is when it was deactivated, in ms, 0 while it is not."""

    id: str
    username: str
    is_bot: bool = False
    delete_at: int = 0

    def build(self) -> Fields:
        """Build it as the API tells it."""
        return {
            "id": self.id,
            "username": self.username,
            "delete_at": self.delete_at,
            "roles": "system_user",
            **({"is_bot": True} if self.is_bot else {}),
        }


@dataclass
class Channel:
    """A channel; `delete_at` is when it was archived."""

    id: str
    type: ChannelType
    name: str
    members: list[str]
    delete_at: int = 0
    last_post_at: int = 0

    def build(self) -> Fields:
        """Build it as the API tells it."""
        return {
            "id": self.id,
            "type": self.type,
            "name": self.name,
            "delete_at": self.delete_at,
            "last_post_at": self.last_post_at,
            "team_id": "" if self.type in "DG" else make_id("t", 1),
        }


@dataclass
class Action:
    """A button of a post. What it does is told to nobody but the server."""

    id: str
    name: str
    url: str
    context: Fields

    def build(self) -> Fields:
        """Build it as the API tells it."""
        return {"id": self.id, "type": "button", "name": self.name}


@dataclass
class Post:
    """A post; `rows` are the buttons of its attachments."""

    id: str
    channel: str
    user: str
    message: str
    create_at: int
    root: str = ""
    type: str = ""
    edit_at: int = 0
    update_at: int = 0
    delete_at: int = 0
    rows: list[list[Action]] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    from_bot: bool = False


@dataclass
class File:
    """An uploaded file."""

    id: str
    name: str
    content: bytes
    mime_type: str = "application/octet-stream"
    user: str = ""
    channel: str = ""

    def build(self) -> Fields:
        """Build it as the API tells it."""
        return {
            "id": self.id,
            "user_id": self.user,
            "name": self.name,
            "size": len(self.content),
            "mime_type": self.mime_type,
        }
