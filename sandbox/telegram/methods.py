"""The table of Bot API methods: required and optional parameters, and the handler of each."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram import editing, sending
from sandbox.telegram.arguments import Arguments
from sandbox.telegram.errors import bad
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.updates import Webhook
from sandbox.telegram.wire import file_json

MAX_DOWNLOAD = 20_000_000
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")

Work = Callable[[ChatNetwork, Arguments], Awaitable[Any]]


async def get_me(network: ChatNetwork, args: Arguments) -> Any:
    """getMe."""
    powers = {"can_join_groups": True, "can_read_all_group_messages": True, "supports_inline_queries": False}
    return network.bot_json() | powers


async def get_updates(network: ChatNetwork, args: Arguments) -> Any:
    """getUpdates: long polling."""
    if "allowed_updates" in args.values:
        network.updates.allowed = args.document("allowed_updates") or []
    limit = min(100, max(1, args.integer("limit", 100)))
    return await network.updates.poll(args.integer("offset", 0), limit, args.integer("timeout", 0))


async def set_webhook(network: ChatNetwork, args: Arguments) -> Any:
    """setWebhook; plain http is allowed as on a local Bot API server."""
    url = args.text("url") or ""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise bad("bad webhook: invalid URL")
    secret = args.text("secret_token") or ""
    if secret and not SECRET.fullmatch(secret):
        raise bad("secret token contains unallowed characters")
    if "allowed_updates" in args.values:
        network.updates.allowed = args.document("allowed_updates") or []
    most = args.integer("max_connections", 40)
    if not 1 <= most <= 100:
        raise bad("max_connections must be 1-100")
    network.updates.hook(Webhook(url, secret, most), drop=args.flag("drop_pending_updates"))
    return True


async def delete_webhook(network: ChatNetwork, args: Arguments) -> Any:
    """deleteWebhook."""
    network.updates.hook(Webhook(), drop=args.flag("drop_pending_updates"))
    return True


async def get_webhook_info(network: ChatNetwork, args: Arguments) -> Any:
    """getWebhookInfo."""
    hook = network.updates.webhook
    info: dict[str, Any] = {
        "url": hook.url, "has_custom_certificate": False, "pending_update_count": len(network.updates.pending),
        "max_connections": hook.max_connections,
    }  # fmt: skip
    if network.updates.allowed:
        info["allowed_updates"] = network.updates.allowed
    if hook.last_error_at is not None:
        info |= {"last_error_date": int(hook.last_error_at.timestamp()), "last_error_message": hook.last_error}
    return info


async def get_file(network: ChatNetwork, args: Arguments) -> Any:
    """getFile: files up to 20 MB."""
    kept = network.files.get(args.text("file_id") or "")
    if kept is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if kept[0].size > MAX_DOWNLOAD:
        raise bad("file is too big")
    return file_json(kept[0]) | {"file_path": kept[0].path}


async def get_chat(network: ChatNetwork, args: Arguments) -> Any:
    """getChat."""
    chat = network.recipient(args.values.get("chat_id"))
    gifts = ["unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"]
    full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(gifts, False)}
    return network.chat_json(chat) | full


async def get_chat_member(network: ChatNetwork, args: Arguments) -> Any:
    """getChatMember."""
    chat = network.recipient(args.values.get("chat_id"))
    user_id = args.integer("user_id")
    account = network.accounts.get(user_id)
    if account is None:
        raise bad("user not found")
    return {"status": "member" if user_id in chat.members else "left", "user": account.json()}


async def get_chat_member_count(network: ChatNetwork, args: Arguments) -> Any:
    """getChatMemberCount: the bot counts as a member."""
    return len(network.recipient(args.values.get("chat_id")).members) + 1


async def leave_chat(network: ChatNetwork, args: Arguments) -> Any:
    """leaveChat."""
    network.recipient(args.values.get("chat_id")).bot_inside = False
    return True


async def set_my_commands(network: ChatNetwork, args: Arguments) -> Any:
    """setMyCommands: at most 100, names of 1-32, descriptions of 1-256."""
    commands = args.document("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad("can't parse list of bot commands")
    for one in commands:
        if not COMMAND.fullmatch(str(one.get("command", "")).removeprefix("/")):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(str(one.get("description", ""))) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    network.commands = commands
    return True


async def get_my_commands(network: ChatNetwork, args: Arguments) -> Any:
    """getMyCommands."""
    return network.commands


async def delete_my_commands(network: ChatNetwork, args: Arguments) -> Any:
    """deleteMyCommands."""
    network.commands = []
    return True


async def done(network: ChatNetwork, args: Arguments) -> Any:
    """Accept a method without a visible effect in the simulator."""
    return True


@dataclass(frozen=True)
class Method:
    """A row of the table: the handler and the documented parameter names."""

    work: Work
    required: frozenset[str]
    optional: frozenset[str]


def _row(work: Work, required: str = "", optional: str = "") -> Method:
    return Method(work, frozenset(required.split()), frozenset(optional.split()))


SENT = (
    "business_connection_id message_thread_id direct_messages_topic_id disable_notification protect_content "
    "allow_paid_broadcast message_effect_id suggested_post_parameters reply_parameters reply_markup "
    "reply_to_message_id allow_sending_without_reply"
)
CAPTION = f"{SENT} caption parse_mode caption_entities show_caption_above_media"
EDITED = "business_connection_id inline_message_id reply_markup parse_mode"
LANGUAGE = "scope language_code"

METHODS: dict[str, Method] = {
    "getMe": _row(get_me),
    "getUpdates": _row(get_updates, "", "offset limit timeout allowed_updates"),
    "setWebhook": _row(set_webhook, "url",
        "certificate ip_address max_connections allowed_updates drop_pending_updates secret_token"),
    "deleteWebhook": _row(delete_webhook, "", "drop_pending_updates"),
    "getWebhookInfo": _row(get_webhook_info),
    "sendMessage": _row(sending.send_message, "chat_id text",
        f"{SENT} parse_mode entities link_preview_options disable_web_page_preview"),
    "sendPhoto": _row(sending.send_photo, "chat_id photo", f"{CAPTION} has_spoiler"),
    "sendDocument": _row(sending.send_document, "chat_id document",
        f"{CAPTION} thumbnail disable_content_type_detection"),
    "sendVoice": _row(sending.send_voice, "chat_id voice", f"{CAPTION} duration"),
    "sendMediaGroup": _row(sending.send_media_group, "chat_id media", SENT),
    "sendLocation": _row(sending.send_location, "chat_id latitude longitude",
        f"{SENT} horizontal_accuracy live_period heading proximity_alert_radius"),
    "sendContact": _row(sending.send_contact, "chat_id phone_number first_name", f"{SENT} last_name vcard"),
    "sendChatAction": _row(sending.send_chat_action, "chat_id action", "business_connection_id message_thread_id"),
    "editMessageText": _row(editing.edit_message_text, "chat_id message_id text",
        f"{EDITED} entities link_preview_options disable_web_page_preview"),
    "editMessageCaption": _row(editing.edit_message_caption, "chat_id message_id",
        f"{EDITED} caption caption_entities show_caption_above_media"),
    "editMessageReplyMarkup": _row(editing.edit_message_reply_markup, "chat_id message_id", EDITED),
    "deleteMessage": _row(editing.delete_message, "chat_id message_id"),
    "deleteMessages": _row(editing.delete_messages, "chat_id message_ids"),
    "pinChatMessage": _row(editing.pin_chat_message, "chat_id message_id",
        "business_connection_id disable_notification"),
    "answerCallbackQuery": _row(editing.answer_callback_query, "callback_query_id", "text show_alert url cache_time"),
    "getFile": _row(get_file, "file_id"),
    "getChat": _row(get_chat, "chat_id"),
    "getChatMember": _row(get_chat_member, "chat_id user_id"),
    "getChatMemberCount": _row(get_chat_member_count, "chat_id"),
    "leaveChat": _row(leave_chat, "chat_id"),
    "setMyCommands": _row(set_my_commands, "commands", LANGUAGE),
    "getMyCommands": _row(get_my_commands, "", LANGUAGE),
    "deleteMyCommands": _row(delete_my_commands, "", LANGUAGE),
    "setMyName": _row(done, "", "name language_code"),
    "setMyDescription": _row(done, "", "description language_code"),
    "setMyShortDescription": _row(done, "", "short_description language_code"),
    "setChatMenuButton": _row(done, "", "chat_id menu_button"),
    "logOut": _row(done),
    "close": _row(done),
}  # fmt: skip
BY_LOWER_NAME = {name.lower(): (name, method) for name, method in METHODS.items()}
