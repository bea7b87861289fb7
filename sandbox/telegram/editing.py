"""Bot API methods that edit or delete messages and answer button presses."""

from typing import Any

from sandbox.telegram.arguments import Arguments
from sandbox.telegram.errors import bad, unlucky
from sandbox.telegram.markup import Markup, check
from sandbox.telegram.model import Message
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.sending import caption, message_text
from sandbox.telegram.text import MAX_TOAST, utf16
from sandbox.telegram.wire import message_json

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def _own(network: ChatNetwork, args: Arguments) -> Message:
    chat = network.recipient(args.values.get("chat_id"))
    message = network.find(chat, args.integer("message_id"))
    if message is None:
        raise unlucky("message to edit not found")
    if not message.from_bot:
        raise bad("message can't be edited")
    return message


def _inline(args: Arguments) -> Markup | None:
    markup = check(args.document("reply_markup"))
    if markup is not None and "inline_keyboard" not in markup:
        raise bad("inline keyboard expected")
    return markup if markup and any(markup["inline_keyboard"]) else None


async def edit_message_text(network: ChatNetwork, args: Arguments) -> Any:
    """editMessageText: replace text and keyboard."""
    text, entities = message_text(args)
    markup = _inline(args)
    message = _own(network, args)
    if message.kind != "text":
        raise bad("there is no text in the message to edit")
    return _change(network, message, {"text": text, "entities": entities, "markup": markup})


async def edit_message_caption(network: ChatNetwork, args: Arguments) -> Any:
    """editMessageCaption."""
    words, entities = caption(args.text("caption"), args.text("parse_mode"), args.document("caption_entities"))
    markup = _inline(args)
    message = _own(network, args)
    if message.file is None:
        raise bad("there is no caption in the message to edit")
    return _change(network, message, {"text": words, "entities": entities, "markup": markup})


async def edit_message_reply_markup(network: ChatNetwork, args: Arguments) -> Any:
    """editMessageReplyMarkup: replace or remove only the keyboard."""
    markup = _inline(args)
    return _change(network, _own(network, args), {"markup": markup})


def _change(network: ChatNetwork, message: Message, new: dict[str, Any]) -> Any:
    old = {name: getattr(message, name) for name in new}
    if isinstance(old.get("markup"), dict) and "inline_keyboard" not in old["markup"]:
        raise bad("message can't be edited")
    if old == new:
        raise unlucky(NOT_MODIFIED)
    for name, value in new.items():
        setattr(message, name, value)
    network.bot_edits(message)
    return message_json(network, message)


async def delete_message(network: ChatNetwork, args: Arguments) -> Any:
    """deleteMessage."""
    chat = network.recipient(args.values.get("chat_id"))
    message = network.find(chat, args.integer("message_id"))
    if message is None:
        raise unlucky("message to delete not found")
    message.deleted = True
    network.bell.ring()
    return True


async def delete_messages(network: ChatNetwork, args: Arguments) -> Any:
    """deleteMessages: 1-100 ids, those not found are skipped."""
    chat = network.recipient(args.values.get("chat_id"))
    wanted = args.document("message_ids")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= 100:
        raise bad("there must be 1-100 message identifiers")
    for message_id in wanted:
        message = network.find(chat, int(message_id))
        if message is not None:
            message.deleted = True
    network.bell.ring()
    return True


async def answer_callback_query(network: ChatNetwork, args: Arguments) -> Any:
    """answerCallbackQuery: once for each press, text of at most 200 units."""
    text = args.text("text")
    if text is not None and utf16(text) > MAX_TOAST:
        raise bad("MESSAGE_TOO_LONG")
    network.answer_press(args.text("callback_query_id") or "", text, alert=args.flag("show_alert"))
    return True


async def pin_chat_message(network: ChatNetwork, args: Arguments) -> Any:
    """pinChatMessage: accepted; the simulator shows no pins."""
    chat = network.recipient(args.values.get("chat_id"))
    if network.find(chat, args.integer("message_id")) is None:
        raise unlucky("message to pin not found")
    return True
