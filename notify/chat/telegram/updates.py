"""Reads updates of the Bot API, as JSON, into our own events; pure."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from notify.chat_events import (
    ChatEvent,
    ChatFile,
    ChatMoved,
    Contact,
    Ignored,
    LeftChat,
    OtherContent,
    Pressed,
    RepliedTo,
    Said,
    Who,
)
from notify.chat_network import Unreadable
from notify.strict_json import parse_strict, replace_surrogates

#: the kinds of updates we ask for
UPDATE_TYPES = ["message", "edited_message", "callback_query", "my_chat_member"]
LEFT_STATUSES = ("kicked", "left")
PHOTO_NAME = "photo.jpg"
#: fields of messages that nobody wrote
SERVICE_FIELDS = (
    "migrate_from_chat_id",
    "new_chat_members",
    "left_chat_member",
    "group_chat_created",
    "supergroup_chat_created",
    "pinned_message",
)
#: where an update of each kind names its chat
_HOLDERS = ("message", "edited_message", "my_chat_member", "channel_post")

Fields = Mapping[str, Any]


def identify(body: bytes) -> tuple[str, str]:
    """Return the update's id and its chat, else the sender, "" if neither is named. Raises Unreadable (FT7)."""
    try:
        update = parse_strict(body)
    except ValueError as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from None
    number = update.get("update_id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 63:
        raise Unreadable("no update_id")
    return str(number), _find_chat(update)


def _find_chat(update: Fields) -> str:
    press = update.get("callback_query")
    holders = [update.get(kind) for kind in _HOLDERS]
    if isinstance(press, dict):
        holders += [press.get("message"), {"chat": press.get("from")}]
    for holder in holders:
        chat = holder.get("chat") if isinstance(holder, dict) else None
        if isinstance(chat, dict) and isinstance(chat.get("id"), int):
            return str(chat["id"])
    return ""


def read_update(body: str, bot_id: int) -> ChatEvent:
    """Return the event of an update; lone surrogates are replaced. Raises Unreadable."""
    try:
        update = json.loads(replace_surrogates(body))
        for kind, read in READERS.items():
            if update.get(kind) is not None:
                return read(update[kind], bot_id)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Unreadable(type(error).__name__) from None
    return Ignored("kind")


def _read_message(message: Fields, bot_id: int) -> ChatEvent:
    who = _read_who(message.get("from"), message["chat"])
    if moved := message.get("migrate_to_chat_id"):
        return ChatMoved(who, _read_id(moved))
    replied, contact = message.get("reply_to_message"), message.get("contact")
    return Said(
        who,
        _read_id(message["message_id"]),
        _read_text(message.get("text") or message.get("caption")),
        reply_to=None if replied is None else _read_replied(replied, bot_id),
        files=_read_files(message),
        contact=None if contact is None else _read_contact(contact),
        other=_find_other(message),
        album=_read_text(message.get("media_group_id")),
    )


def _read_edited(message: Fields, bot_id: int) -> ChatEvent:
    who = _read_who(message.get("from"), message["chat"])
    return Said(who, _read_id(message["message_id"]), _read_text(message.get("text")), edited=True)


def _read_press(press: Fields, bot_id: int) -> ChatEvent:
    message = press.get("message")
    where = message["chat"] if message is not None else None
    held = "" if message is None else _read_id(message["message_id"])
    return Pressed(_read_who(press["from"], where), held, _read_text(press.get("data")), _read_text(press["id"]))


def _read_member(member: Fields, bot_id: int) -> ChatEvent:
    who = _read_who(member["from"], member["chat"])
    if member["new_chat_member"]["status"] in LEFT_STATUSES:
        return LeftChat(who, "blocked")
    return Ignored("member")


#: kind of update → its reader
READERS: Mapping[str, Callable[[Fields, int], ChatEvent]] = {
    "message": _read_message,
    "edited_message": _read_edited,
    "callback_query": _read_press,
    "my_chat_member": _read_member,
}


def _read_id(value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no id")
    return str(value)


def _read_text(value: object) -> str:
    if not isinstance(value, str | None):
        raise TypeError("no text")
    return value or ""


def _read_who(user: Fields | None, chat: Fields | None) -> Who:
    """Return the sender, "" for a channel's post, and the chat, "" for a press of a message that is hidden."""
    return Who(
        "" if user is None else _read_id(user["id"]),
        "" if chat is None else _read_id(chat["id"]),
        chat is not None and chat["type"] == "private",
        "" if user is None else _read_text(user.get("first_name")),
    )


def _read_files(message: Fields) -> tuple[ChatFile, ...]:
    if photo := message.get("photo"):
        best = photo[-1]
        return (ChatFile(best["file_id"], PHOTO_NAME, int(best.get("file_size") or 0)),)
    if document := message.get("document"):
        name = _read_text(document.get("file_name")) or "file"
        return (ChatFile(document["file_id"], name, int(document.get("file_size") or 0)),)
    return ()


def _read_contact(contact: Fields) -> Contact:
    user = contact.get("user_id")
    return Contact(_read_text(contact["phone_number"]), "" if user is None else _read_id(user))


def _find_other(message: Fields) -> OtherContent:
    if message.get("voice") or message.get("audio"):
        return "voice"
    if any(message.get(name) for name in SERVICE_FIELDS):
        return "service"
    is_known = any(message.get(name) for name in ("text", "caption", "photo", "document", "contact"))
    return "" if is_known else "other"


def _read_replied(message: Fields, bot_id: int) -> RepliedTo:
    sender, keys = message.get("from") or {}, message.get("reply_markup") or {}
    rows = keys.get("inline_keyboard", ()) if sender.get("id") == bot_id else ()
    buttons = tuple((_read_text(key["text"]), _read_text(key.get("callback_data"))) for row in rows for key in row)
    return RepliedTo(_read_id(message["message_id"]), buttons)
