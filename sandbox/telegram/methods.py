"""The table of Bot API methods: the handler of each; what each takes is in `parameters.py`."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from sandbox.telegram import editing, sending
from sandbox.telegram.arguments import Arguments
from sandbox.telegram.errors import bad_request
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.serializers import serialize_file
from sandbox.telegram.updates import Webhook

MAX_DOWNLOAD = 20_000_000
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")

Handler = Callable[[ChatNetwork, Arguments], Awaitable[object]]


async def get_me(network: ChatNetwork, args: Arguments) -> object:
    """getMe."""
    capabilities = {"can_join_groups": True, "can_read_all_group_messages": True, "supports_inline_queries": False}
    return network.serialize_bot() | capabilities


async def get_updates(network: ChatNetwork, args: Arguments) -> object:
    """getUpdates: long polling."""
    if "allowed_updates" in args.values:
        network.updates.allowed = args.get_json("allowed_updates") or []
    limit = min(100, max(1, args.get_integer("limit", 100)))
    return await network.updates.poll(args.get_integer("offset", 0), limit, args.get_integer("timeout", 0))


async def set_webhook(network: ChatNetwork, args: Arguments) -> object:
    """setWebhook; plain http is allowed as on a local Bot API server."""
    url = args.get_text("url") or ""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise bad_request("bad webhook: invalid URL")
    secret = args.get_text("secret_token") or ""
    if secret and not SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    if "allowed_updates" in args.values:
        network.updates.allowed = args.get_json("allowed_updates") or []
    max_connections = args.get_integer("max_connections", 40)
    if not 1 <= max_connections <= 100:
        raise bad_request("max_connections must be 1-100")
    network.updates.set_webhook(
        Webhook(url, secret, max_connections), drop_pending=args.get_flag("drop_pending_updates")
    )
    return True


async def delete_webhook(network: ChatNetwork, args: Arguments) -> object:
    """deleteWebhook."""
    network.updates.set_webhook(Webhook(), drop_pending=args.get_flag("drop_pending_updates"))
    return True


async def get_webhook_info(network: ChatNetwork, args: Arguments) -> object:
    """getWebhookInfo."""
    hook = network.updates.webhook
    info: dict[str, object] = {
        "url": hook.url, "has_custom_certificate": False, "pending_update_count": len(network.updates.pending),
        "max_connections": hook.max_connections,
    }  # fmt: skip
    if network.updates.allowed:
        info["allowed_updates"] = network.updates.allowed
    if hook.last_error_at is not None:
        info |= {"last_error_date": int(hook.last_error_at.timestamp()), "last_error_message": hook.last_error}
    return info


async def get_file(network: ChatNetwork, args: Arguments) -> object:
    """getFile: files up to 20 MB."""
    stored = network.files.get(args.get_text("file_id") or "")
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if stored[0].size > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return serialize_file(stored[0]) | {"file_path": stored[0].path}


async def get_chat(network: ChatNetwork, args: Arguments) -> object:
    """getChat."""
    chat = network.resolve_recipient(args.values.get("chat_id"))
    gifts = ["unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"]
    full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(gifts, False)}
    return network.serialize_chat(chat) | full


async def get_chat_member(network: ChatNetwork, args: Arguments) -> object:
    """getChatMember."""
    chat = network.resolve_recipient(args.values.get("chat_id"))
    user_id = args.get_integer("user_id")
    account = network.accounts.get(user_id)
    if account is None:
        raise bad_request("user not found")
    return {"status": "member" if user_id in chat.members else "left", "user": account.to_json()}


async def get_chat_member_count(network: ChatNetwork, args: Arguments) -> object:
    """getChatMemberCount: the bot counts as a member."""
    return len(network.resolve_recipient(args.values.get("chat_id")).members) + 1


async def leave_chat(network: ChatNetwork, args: Arguments) -> object:
    """leaveChat."""
    network.resolve_recipient(args.values.get("chat_id")).bot_inside = False
    return True


async def set_my_commands(network: ChatNetwork, args: Arguments) -> object:
    """setMyCommands: at most 100, names of 1-32, descriptions of 1-256."""
    commands = args.get_json("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("can't parse list of bot commands")
    for one in commands:
        if not COMMAND.fullmatch(str(one.get("command", "")).removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(one.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    network.commands = commands
    return True


async def get_my_commands(network: ChatNetwork, args: Arguments) -> object:
    """getMyCommands."""
    return network.commands


async def delete_my_commands(network: ChatNetwork, args: Arguments) -> object:
    """deleteMyCommands."""
    network.commands = []
    return True


async def accept(network: ChatNetwork, args: Arguments) -> object:
    """Accept a method without a visible effect in the simulator."""
    return True


HANDLERS: dict[str, Handler] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "sendMessage": sending.send_message,
    "sendPhoto": sending.send_photo,
    "sendDocument": sending.send_document,
    "sendVoice": sending.send_voice,
    "sendMediaGroup": sending.send_media_group,
    "sendLocation": sending.send_location,
    "sendContact": sending.send_contact,
    "sendChatAction": sending.send_chat_action,
    "editMessageText": editing.edit_message_text,
    "editMessageCaption": editing.edit_message_caption,
    "editMessageReplyMarkup": editing.edit_message_reply_markup,
    "deleteMessage": editing.delete_message,
    "deleteMessages": editing.delete_messages,
    "pinChatMessage": editing.pin_chat_message,
    "answerCallbackQuery": editing.answer_callback_query,
    "getFile": get_file,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatMemberCount": get_chat_member_count,
    "leaveChat": leave_chat,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": accept,
    "setMyDescription": accept,
    "setMyShortDescription": accept,
    "setChatMenuButton": accept,
    "logOut": accept,
    "close": accept,
}
BY_LOWER_NAME = {name.lower(): name for name in HANDLERS}
