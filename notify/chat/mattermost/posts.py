"""Cards as posts: the text in Markdown, a row of buttons as an attachment, each button signed by us."""

import hashlib
import hmac
from dataclasses import dataclass

from notify.chat.mattermost.fields import Fields, Object, read_object, read_objects, read_text
from notify.chat.mattermost.markdown import escape
from notify.message import Button, Card, Tone
from notify.plain_text import ELLIPSIS, fit

#: UTF-16 units; a message holds 16,383 characters, and escaping makes at most two of one (FT26)
TEXT_LIMIT, TOAST_LIMIT, LABEL_LIMIT = 8191, 2000, 64
COLOURS: dict[Tone, str] = {"urgent": "#d24b4e", "warning": "#f59e0b", "done": "#16a34a", "closed": "#8b8d90"}
#: characters kept of a signature in hex; what a card without visible text would show
MAC_LENGTH = 32
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


@dataclass(frozen=True)
class Callbacks:
    """Where Mattermost calls us when a button is pressed. It signs nothing: the path is secret, and we sign the button.

    `url` is our public address of this network's webhook.
    """

    url: str
    secret: str

    @property
    def path(self) -> str:
        """The secret path below it."""
        return f"/{self._sign('path')}"

    def sign(self, data: str) -> str:
        """Sign a button's data."""
        return self._sign(f"data:{data}")

    def is_ours(self, data: str, mac: str) -> bool:
        """Whether we made a button of this data."""
        return hmac.compare_digest(self.sign(data).encode(), mac.encode("utf-8", "surrogateescape"))

    def is_path(self, path: str) -> bool:
        """Whether a request came to the secret path."""
        given = f"/{path.rpartition('/')[2]}"
        return hmac.compare_digest(self.path.encode(), given.encode("utf-8", "surrogateescape"))

    def _sign(self, text: str) -> str:
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:MAC_LENGTH]


def build_post(card: Card, callbacks: Callbacks, again: str = "") -> Fields:
    """Build what a post of this card says and shows, the same for a new one, an edit and an answer to a press."""
    text = fit(f"{again}{card.text}", TEXT_LIMIT)
    if card.attachment is None and not text.strip().strip(INVISIBLE):
        text = ELLIPSIS  # a post must have words or a file
    return {"message": escape(text), "props": {"attachments": build_attachments(card, callbacks)}}


def build_attachments(card: Card, callbacks: Callbacks) -> list[Fields]:
    """Build one attachment for each row of buttons; [] without any, which on an edit removes the old ones (FT14)."""
    colour: Fields = {"color": COLOURS[card.tone]} if card.tone in COLOURS else {}
    return [{"actions": [_build_action(button, callbacks) for button in row], **colour} for row in card.buttons if row]


def _build_action(button: Button, callbacks: Callbacks) -> Fields:
    # its id must be letters and digits, and is all that is left of a button where a post is read again
    return {
        "id": button.data.encode().hex(),
        "type": "button",
        "name": fit(button.label, LABEL_LIMIT) or ELLIPSIS,
        "integration": {
            "url": f"{callbacks.url}{callbacks.path}",
            "context": {"data": button.data, "mac": callbacks.sign(button.data)},
        },
    }


def read_buttons(post: Object) -> tuple[tuple[str, str], ...]:
    """Return (label, data) of the buttons of a post of ours."""
    return tuple(
        (read_text(action, "name"), bytes.fromhex(read_text(action, "id")).decode())
        for attachment in read_objects(read_object(post, "props"), "attachments")
        for action in read_objects(attachment, "actions")
    )
