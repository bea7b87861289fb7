"""Reads what Mattermost tells, as JSON, into our own events; pure.

A press is kept as Mattermost posts it. What the stream tells is kept with what is needed to understand it later: the
kind of its channel, the message it replies to, and our own account, e.g.
`{"event": "posted", "channel_type": "D", "post": {…}, "root": {…}, "bot": {"id": …, "username": …}}`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping

from notify.chat.mattermost.addresses import DIRECT, is_direct_name, to_address
from notify.chat.mattermost.fields import Object, read_id, read_number, read_object, read_objects, read_text
from notify.chat.mattermost.posts import read_buttons
from notify.chat_events import ChatEvent, ChatFile, Ignored, LeftChat, OtherContent, Pressed, RepliedTo, Said, Who
from notify.chat_network import Unreadable
from notify.strict_json import parse_strict, replace_surrogates

#: types of posts that people write; others are the system's or a plugin's
TYPED = ("", "me")
AUTOMATIC = ("from_bot", "from_webhook", "from_plugin")
#: characters kept of a hash that stands for a press
ID_LENGTH = 40


def identify(body: bytes) -> tuple[str, str]:
    """Return the update's id and its chat. Raises Unreadable (FT7)."""
    try:
        update = parse_strict(body)
        if update.get("trigger_id"):  # it is signed by the server, so it is new with each press
            return _hash(read_id(update, "trigger_id")), _read_press(update).who.chat
        kind = read_id(update, "event")
        if kind in LEAVING:
            return f"{kind}.{read_id(update, 'channel_id')}.{read_number(update, 'seq')}", _find_channel(update, update)
        post = read_object(update, "post")
        edition = f".{read_number(post, 'edit_at')}" if kind == "post_edited" else ""
        return f"{read_id(post)}{edition}", _find_channel(update, post)
    except (ValueError, TypeError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from None


def read_update(body: str) -> ChatEvent:
    """Return the event of an update; lone surrogates are replaced. Raises Unreadable."""
    try:
        update = json.loads(replace_surrogates(body))
        if update.get("trigger_id"):
            return _read_press(update)
        read = READERS.get(read_id(update, "event"))
        return Ignored("kind") if read is None else read(update)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Unreadable(type(error).__name__) from None


def concerns_us(update: Object) -> bool:
    """Whether a post is written to us: by a person, and in a group as a mention of us or a reply to what we wrote.

    What members of a group say to each other is not kept. Raises TypeError.
    """
    post, bot = read_object(update, "post"), read_object(update, "bot")
    if read_text(post, "type") not in TYPED or read_text(post, "user_id") == read_id(bot):
        return False
    if any(read_object(post, "props").get(name) for name in AUTOMATIC):
        return False
    if read_text(update, "channel_type") == DIRECT:
        return True
    is_reply = read_text(read_object(update, "root"), "user_id") == read_id(bot)
    return is_reply or bool(_find_mention(bot).search(read_text(post, "message")))


def _read_press(press: Object) -> Pressed:
    is_direct = not read_text(press, "team_id") and is_direct_name(read_text(press, "channel_name"))
    chat = to_address(read_id(press, "channel_id"), direct=is_direct)
    who = Who(read_id(press, "user_id"), chat, is_direct, read_text(press, "user_name"))
    return Pressed(who, read_text(press, "post_id"), read_id(read_object(press, "context"), "data"))


def _read_posted(update: Object) -> ChatEvent:
    if not concerns_us(update):
        return Ignored("not_to_us")
    post, root = read_object(update, "post"), read_object(update, "root")
    files, is_spoken = _read_files(post)
    text = _read_words(update)
    other: OtherContent = "voice" if is_spoken and not text and not files else "other"
    return Said(
        _read_who(update),
        read_id(post),
        text,
        reply_to=_read_replied(root, read_object(update, "bot")) if root else None,
        files=files,
        other="" if text or files else other,
    )


def _read_edited(update: Object) -> ChatEvent:
    if not concerns_us(update):
        return Ignored("not_to_us")
    return Said(_read_who(update), read_id(read_object(update, "post")), _read_words(update), edited=True)


def _read_leaving(update: Object) -> ChatEvent:
    return LeftChat(Who("", _find_channel(update, update), private=False), LEAVING[read_id(update, "event")])


#: the stream's event → why we can write there no longer
LEAVING: Mapping[str, str] = {"user_removed": "kicked", "channel_deleted": "archived"}
#: the stream's event → its reader
READERS: Mapping[str, Callable[[Object], ChatEvent]] = {
    "posted": _read_posted,
    "post_edited": _read_edited,
    **dict.fromkeys(LEAVING, _read_leaving),
}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def _find_channel(update: Object, holder: Object) -> str:
    return to_address(read_id(holder, "channel_id"), direct=read_text(update, "channel_type") == DIRECT)


def _read_who(update: Object) -> Who:
    post = read_object(update, "post")
    direct = read_text(update, "channel_type") == DIRECT
    return Who(read_id(post, "user_id"), _find_channel(update, post), direct, read_text(update, "sender_name"))


def _find_mention(bot: Object) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9@._-])@{re.escape(read_id(bot, 'username'))}(?![A-Za-z0-9_]) ?", re.I)


def _read_words(update: Object) -> str:
    """Return what was written, without the mention that brought it to us."""
    return _find_mention(read_object(update, "bot")).sub("", read_text(read_object(update, "post"), "message"))


def _read_files(post: Object) -> tuple[tuple[ChatFile, ...], bool]:
    """Return the files, and whether something was spoken."""
    found = read_objects(read_object(post, "metadata"), "files")
    spoken = [one for one in found if read_text(one, "mime_type").startswith("audio/")]
    files = [one for one in found if one not in spoken]
    return tuple(
        ChatFile(read_id(one), read_text(one, "name") or "file", read_number(one, "size")) for one in files
    ), bool(spoken)


def _read_replied(root: Object, bot: Object) -> RepliedTo:
    is_ours = read_text(root, "user_id") == read_id(bot)
    return RepliedTo(read_id(root), read_buttons(root) if is_ours else ())
