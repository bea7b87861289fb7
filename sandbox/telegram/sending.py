"""Bot API methods that send a new message."""

from typing import Any

from sandbox.telegram.arguments import Arguments, Upload
from sandbox.telegram.errors import bad, unlucky
from sandbox.telegram.markup import check
from sandbox.telegram.model import Chat, Message, StoredFile
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.text import MAX_CAPTION, MAX_TEXT, Entity, parse, utf16
from sandbox.telegram.wire import album_id, message_json

MAX_UPLOAD = {"photo": 10_000_000, "document": 50_000_000, "voice": 50_000_000}
CHAT_ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)


def reply_target(network: ChatNetwork, chat: Chat, args: Arguments) -> int | None:
    """Return the id of the message to reply to, from reply_parameters or reply_to_message_id."""
    parameters = args.document("reply_parameters") or {}
    wanted = parameters.get("message_id") or args.values.get("reply_to_message_id")
    if not wanted:
        return None
    if network.find(chat, int(wanted)) is not None:
        return int(wanted)
    if parameters.get("allow_sending_without_reply") or args.flag("allow_sending_without_reply"):
        return None
    raise unlucky("message to be replied not found")


def message_text(args: Arguments) -> tuple[str, list[Entity]]:
    """Parse the text of sendMessage and editMessageText, 1-4096 UTF-16 units."""
    given = args.text("text")
    if given is None:
        raise bad("message text is empty")
    text, entities = parse(given, args.text("parse_mode"), args.document("entities"))
    if not text:
        raise bad("message text is empty")
    if utf16(text) > MAX_TEXT:
        raise bad("message is too long")
    return text, entities


def caption(given: str | None, mode: str | None, entities: list[Entity] | None) -> tuple[str, list[Entity]]:
    """Parse a caption, 0-1024 UTF-16 units."""
    text, found = parse(given or "", mode, entities)
    if utf16(text) > MAX_CAPTION:
        raise bad("message caption is too long")
    return text, found


def _speak(network: ChatNetwork, args: Arguments) -> Chat:
    chat = network.recipient(args.values.get("chat_id"))
    network.limits.pass_one(chat.id, group=chat.is_group)
    return chat


def _stored(network: ChatNetwork, given: Upload | str, kind: str) -> StoredFile:
    if isinstance(given, Upload):
        if not given.content:
            raise bad("file must be non-empty")
        if len(given.content) > MAX_UPLOAD[kind]:
            raise bad("Request Entity Too Large")
        return network.keep_file(given.name, given.mime, given.content)
    if given in network.files:
        return network.files[given][0]
    raise bad("wrong file identifier/HTTP URL specified")


async def send_message(network: ChatNetwork, args: Arguments) -> Any:
    """sendMessage."""
    text, entities = message_text(args)
    markup = check(args.document("reply_markup"))
    chat = network.recipient(args.values.get("chat_id"))
    answered = reply_target(network, chat, args)
    network.limits.pass_one(chat.id, group=chat.is_group)
    sent = network.bot_sends(chat, text=text, entities=entities, markup=markup, reply_to=answered)
    return message_json(network, sent)


def _send_file(kind: str) -> Any:
    async def send(network: ChatNetwork, args: Arguments) -> Any:
        words, entities = caption(args.text("caption"), args.text("parse_mode"), args.document("caption_entities"))
        markup = check(args.document("reply_markup"))
        chat = network.recipient(args.values.get("chat_id"))
        answered = reply_target(network, chat, args)
        file = _stored(network, args.file(args.values.get(kind), kind), kind)
        network.limits.pass_one(chat.id, group=chat.is_group)
        facts = {"text": words, "entities": entities, "markup": markup, "reply_to": answered}
        return message_json(network, network.bot_sends(chat, kind=kind, file=file, **facts))

    return send


send_photo = _send_file("photo")
send_document = _send_file("document")
send_voice = _send_file("voice")


async def send_media_group(network: ChatNetwork, args: Arguments) -> Any:
    """sendMediaGroup: 2-10 photos or documents."""
    media = args.document("media")
    if not isinstance(media, list) or not 2 <= len(media) <= 10:
        raise bad("wrong number of messages in the album: must be 2-10")
    kinds = {one.get("type") for one in media}
    if not kinds <= {"photo", "document"} or len(kinds) != 1:
        raise bad("media of this type can't be mixed in an album")
    chat = network.recipient(args.values.get("chat_id"))
    answered = reply_target(network, chat, args)
    prepared = [
        (_stored(network, args.file(one.get("media"), "media"), one["type"]),
         *caption(one.get("caption"), one.get("parse_mode"), one.get("caption_entities")))
        for one in media
    ]  # fmt: skip
    for _ in media:
        network.limits.pass_one(chat.id, group=chat.is_group)
    album = album_id(chat.id, network.now(), len(chat.messages))
    sent: list[Message] = []
    for one, (file, words, entities) in zip(media, prepared, strict=True):
        facts = {"file": file, "text": words, "entities": entities, "reply_to": answered, "album": album}
        sent.append(network.bot_sends(chat, kind=one["type"], **facts))
    return [message_json(network, one) for one in sent]


async def send_location(network: ChatNetwork, args: Arguments) -> Any:
    """sendLocation."""
    try:
        place = {name: float(str(args.values.get(name))) for name in ("latitude", "longitude")}
    except ValueError:
        raise bad("latitude and longitude must be numbers") from None
    chat = _speak(network, args)
    sent = network.bot_sends(chat, kind="location", extra={"location": place})
    return message_json(network, sent)


async def send_contact(network: ChatNetwork, args: Arguments) -> Any:
    """sendContact."""
    card = {name: args.text(name) for name in ("phone_number", "first_name")}
    if not all(card.values()):
        raise bad("phone number and first name must be non-empty")
    chat = _speak(network, args)
    return message_json(network, network.bot_sends(chat, kind="contact", extra={"contact": card}))


async def send_chat_action(network: ChatNetwork, args: Arguments) -> Any:
    """sendChatAction."""
    action = args.text("action") or ""
    if action not in CHAT_ACTIONS:
        raise bad("wrong parameter action in request")
    chat = network.recipient(args.values.get("chat_id"))
    network.actions.append((chat.id, action))
    return True
