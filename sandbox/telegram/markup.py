"""Checks keyboards against the documented limits of the Bot API."""

from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram.errors import bad_request

MAX_BUTTONS = 100
MAX_ROW = 8
MAX_CALLBACK_BYTES = 64
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
INLINE_KINDS = frozenset(
    [
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
    ]
)

Markup = dict[str, Any]


def check_markup(markup: object) -> Markup | None:
    """Check a reply_markup and return it, or None when absent. Raises BotApiError 400 in Telegram's words."""
    if markup is None or markup == "":
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        _check_rows(markup["inline_keyboard"], _check_inline_button)
    elif "keyboard" in markup:
        _check_rows(markup["keyboard"], _check_reply_button)
    elif not markup.get("remove_keyboard") and not markup.get("force_reply"):
        raise bad_request("object expected as reply markup")
    return markup


def _check_rows(rows: object, check_button: Any) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('can\'t parse reply keyboard markup JSON object: Field "keyboard" must be of type Array')
    if sum(map(len, rows)) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    if any(len(row) > MAX_ROW for row in rows):
        raise bad_request("reply markup row is too long")
    for row in rows:
        for button in row:
            check_button(button)


def _check_inline_button(button: object) -> None:
    if not isinstance(button, dict) or not str(button.get("text") or "").strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be non-empty')
    kinds = INLINE_KINDS & button.keys()
    if len(kinds) != 1:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button:
        size = len(str(button["callback_data"]).encode())
        if not 1 <= size <= MAX_CALLBACK_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button:
        parts = urlsplit(str(button["url"]))
        if parts.scheme not in ("http", "https", "tg") or parts.hostname in LOCAL_HOSTS:
            raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def _check_reply_button(button: object) -> None:
    if isinstance(button, str) and button.strip():
        return
    if not isinstance(button, dict) or not str(button.get("text") or "").strip():
        raise bad_request('can\'t parse keyboard button: Field "text" must be non-empty')


def list_labels(markup: Markup | None) -> list[list[str]]:
    """Return the button labels, row by row."""
    rows = (markup or {}).get("inline_keyboard") or (markup or {}).get("keyboard") or []
    return [[button if isinstance(button, str) else str(button["text"]) for button in row] for row in rows]
