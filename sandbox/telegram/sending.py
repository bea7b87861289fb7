"""Bot API methods that send a new message."""

from typing import Any

from sandbox.telegram.arguments import Arguments, Upload
from sandbox.telegram.errors import bad_request, race_error
from sandbox.telegram.markup import check_markup
from sandbox.telegram.model import Chat, Message, StoredFile
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.serializers import make_album_id
from sandbox.telegram.text import MAX_CAPTION, MAX_TEXT, Entity, count_utf16, parse

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


def find_reply_target(network: ChatNetwork, chat: Chat, args: Arguments) -> int | None:
    """Return the id of the message to reply to, from reply_parameters."""
    parameters = args.get_json("reply_parameters") or {}
    wanted = parameters.get("message_id")
    if not wanted:
        return None
    if network.find_message(chat, int(wanted)) is not None:
        return int(wanted)
    if parameters.get("allow_sending_without_reply"):
        return None
    raise race_error("message to be replied not found")


def parse_message_text(args: Arguments) -> tuple[str, list[Entity]]:
    """Parse the text of sendMessage and editMessageText, 1-4096 UTF-16 units."""
    given = args.get_text("text")
    if given is None:
        raise bad_request("message text is empty")
    text, entities = parse(given, args.get_text("parse_mode"), args.get_json("entities"))
    if not text:
        raise bad_request("message text is empty")
    if count_utf16(text) > MAX_TEXT:
        raise bad_request("message is too long")
    return text, entities


def parse_caption(given: str | None, mode: str | None, entities: list[Entity] | None) -> tuple[str, list[Entity]]:
    """Parse a caption, 0-1024 UTF-16 units."""
    text, found = parse(given or "", mode, entities)
    if count_utf16(text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return text, found


def _acquire_chat(network: ChatNetwork, args: Arguments) -> Chat:
    chat = network.resolve_recipient(args.values.get("chat_id"))
    network.limits.acquire(chat.id, group=chat.is_group)
    return chat


def _store_upload(network: ChatNetwork, given: Upload | str, kind: str) -> StoredFile:
    if isinstance(given, Upload):
        if not given.content:
            raise bad_request("file must be non-empty")
        if len(given.content) > MAX_UPLOAD[kind]:
            raise bad_request("Request Entity Too Large")
        return network.store_file(given.name, given.mime, given.content)
    if given in network.files:
        return network.files[given][0]
    raise bad_request("wrong file identifier/HTTP URL specified")


async def send_message(network: ChatNetwork, args: Arguments) -> object:
    """sendMessage."""
    text, entities = parse_message_text(args)
    markup = check_markup(args.get_json("reply_markup"))
    chat = network.resolve_recipient(args.values.get("chat_id"))
    answered = find_reply_target(network, chat, args)
    network.limits.acquire(chat.id, group=chat.is_group)
    sent = network.send_as_bot(chat, text=text, entities=entities, markup=markup, reply_to=answered)
    return network.serialize_message(sent)


def _build_send_file(kind: str) -> Any:
    async def send(network: ChatNetwork, args: Arguments) -> object:
        words, entities = parse_caption(
            args.get_text("caption"), args.get_text("parse_mode"), args.get_json("caption_entities")
        )
        markup = check_markup(args.get_json("reply_markup"))
        chat = network.resolve_recipient(args.values.get("chat_id"))
        answered = find_reply_target(network, chat, args)
        file = _store_upload(network, args.get_file(args.values.get(kind), kind), kind)
        network.limits.acquire(chat.id, group=chat.is_group)
        facts = {"text": words, "entities": entities, "markup": markup, "reply_to": answered}
        return network.serialize_message(network.send_as_bot(chat, kind=kind, file=file, **facts))

    return send


send_photo = _build_send_file("photo")
send_document = _build_send_file("document")
send_voice = _build_send_file("voice")


async def send_media_group(network: ChatNetwork, args: Arguments) -> object:
    """sendMediaGroup: 2-10 photos or documents."""
    media = args.get_json("media")
    if not isinstance(media, list) or not 2 <= len(media) <= 10:
        raise bad_request("wrong number of messages in the album: must be 2-10")
    kinds = {one.get("type") for one in media}
    if not kinds <= {"photo", "document"} or len(kinds) != 1:
        raise bad_request("media of this type can't be mixed in an album")
    chat = network.resolve_recipient(args.values.get("chat_id"))
    answered = find_reply_target(network, chat, args)
    prepared = [
        (_store_upload(network, args.get_file(one.get("media"), "media"), one["type"]),
         *parse_caption(one.get("caption"), one.get("parse_mode"), one.get("caption_entities")))
        for one in media
    ]  # fmt: skip
    for _ in media:
        network.limits.acquire(chat.id, group=chat.is_group)
    album = make_album_id(chat.id, network.now(), len(chat.messages))
    sent: list[Message] = []
    for one, (file, words, entities) in zip(media, prepared, strict=True):
        facts = {"file": file, "text": words, "entities": entities, "reply_to": answered, "album": album}
        sent.append(network.send_as_bot(chat, kind=one["type"], **facts))
    return [network.serialize_message(one) for one in sent]


async def send_location(network: ChatNetwork, args: Arguments) -> object:
    """sendLocation."""
    try:
        place = {name: float(str(args.values.get(name))) for name in ("latitude", "longitude")}
    except ValueError:
        raise bad_request("latitude and longitude must be numbers") from None
    chat = _acquire_chat(network, args)
    sent = network.send_as_bot(chat, kind="location", extra={"location": place})
    return network.serialize_message(sent)


async def send_contact(network: ChatNetwork, args: Arguments) -> object:
    """sendContact."""
    card = {name: args.get_text(name) for name in ("phone_number", "first_name")}
    if not all(card.values()):
        raise bad_request("phone number and first name must be non-empty")
    chat = _acquire_chat(network, args)
    return network.serialize_message(network.send_as_bot(chat, kind="contact", extra={"contact": card}))


async def send_chat_action(network: ChatNetwork, args: Arguments) -> object:
    """sendChatAction."""
    action = args.get_text("action") or ""
    if action not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = network.resolve_recipient(args.values.get("chat_id"))
    network.actions.append((chat.id, action))
    return True
