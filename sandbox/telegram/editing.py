"""Bot API methods that edit or delete messages and answer button presses."""

from sandbox.telegram.arguments import Arguments
from sandbox.telegram.errors import bad_request, race_error
from sandbox.telegram.markup import Markup, check_markup
from sandbox.telegram.model import Message
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.sending import parse_caption, parse_message_text
from sandbox.telegram.text import MAX_TOAST, count_utf16

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def _find_own_message(network: ChatNetwork, args: Arguments) -> Message:
    if not {"chat_id", "message_id"} <= args.values.keys():
        raise bad_request("message identifier is not specified")
    chat = network.resolve_recipient(args.values.get("chat_id"))
    message = network.find_message(chat, args.get_integer("message_id"))
    if message is None:
        raise race_error("message to edit not found")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return message


def _parse_inline_keyboard(args: Arguments) -> Markup | None:
    markup = check_markup(args.get_json("reply_markup"))
    if markup is not None and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    return markup if markup and any(markup["inline_keyboard"]) else None


async def edit_message_text(network: ChatNetwork, args: Arguments) -> object:
    """editMessageText: replace text and keyboard."""
    text, entities = parse_message_text(args)
    markup = _parse_inline_keyboard(args)
    message = _find_own_message(network, args)
    if message.kind != "text":
        raise race_error("there is no text in the message to edit")
    return _apply_edit(network, message, {"text": text, "entities": entities, "markup": markup})


async def edit_message_caption(network: ChatNetwork, args: Arguments) -> object:
    """editMessageCaption."""
    text, entities = parse_caption(
        args.get_text("caption"), args.get_text("parse_mode"), args.get_json("caption_entities")
    )
    markup = _parse_inline_keyboard(args)
    message = _find_own_message(network, args)
    if message.file is None:
        raise race_error("there is no caption in the message to edit")
    return _apply_edit(network, message, {"text": text, "entities": entities, "markup": markup})


async def edit_message_reply_markup(network: ChatNetwork, args: Arguments) -> object:
    """editMessageReplyMarkup: replace or remove only the keyboard."""
    markup = _parse_inline_keyboard(args)
    return _apply_edit(network, _find_own_message(network, args), {"markup": markup})


def _apply_edit(network: ChatNetwork, message: Message, new: dict[str, object]) -> object:
    old = {name: getattr(message, name) for name in new}
    if isinstance(old.get("markup"), dict) and "inline_keyboard" not in old["markup"]:
        raise bad_request("message can't be edited")
    if old == new:
        raise race_error(NOT_MODIFIED)
    for name, value in new.items():
        setattr(message, name, value)
    network.edit_as_bot(message)
    return network.serialize_message(message)


async def delete_message(network: ChatNetwork, args: Arguments) -> object:
    """deleteMessage."""
    chat = network.resolve_recipient(args.values.get("chat_id"))
    message = network.find_message(chat, args.get_integer("message_id"))
    if message is None:
        raise race_error("message to delete not found")
    message.deleted = True
    network.broadcast.notify()
    return True


async def delete_messages(network: ChatNetwork, args: Arguments) -> object:
    """deleteMessages: 1-100 ids, those not found are skipped."""
    chat = network.resolve_recipient(args.values.get("chat_id"))
    wanted = args.get_json("message_ids")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= 100:
        raise bad_request("there must be 1-100 message identifiers")
    for message_id in wanted:
        message = network.find_message(chat, int(message_id))
        if message is not None:
            message.deleted = True
    network.broadcast.notify()
    return True


async def answer_callback_query(network: ChatNetwork, args: Arguments) -> object:
    """answerCallbackQuery: once for each press, text of at most 200 units."""
    text = args.get_text("text")
    if text is not None and count_utf16(text) > MAX_TOAST:
        raise bad_request("MESSAGE_TOO_LONG")
    network.answer_press(args.get_text("callback_query_id") or "", text, alert=args.get_flag("show_alert"))
    return True


async def pin_chat_message(network: ChatNetwork, args: Arguments) -> object:
    """pinChatMessage: accepted; the simulator shows no pins."""
    chat = network.resolve_recipient(args.values.get("chat_id"))
    if network.find_message(chat, args.get_integer("message_id")) is None:
        raise race_error("message to pin not found")
    return True
