"""Serializes the content of messages and files as Bot API JSON."""

import hashlib
from typing import Any

from sandbox.telegram.model import Message, StoredFile


def serialize_file(file: StoredFile) -> dict[str, object]:
    """Serialize the fields common to Document, Voice and PhotoSize."""
    return {"file_id": file.id, "file_unique_id": file.unique_id, "file_size": file.size}


def serialize_content(message: Message) -> dict[str, Any]:
    """Serialize the fields that depend on the kind of a message."""
    if message.kind == "text":
        entities = [*message.entities, *_find_commands(message)]
        return {"text": message.text, **({"entities": entities} if entities else {})}
    content: dict[str, object] = {}
    if message.file is not None:
        common = serialize_file(message.file)
        names = {"file_name": message.file.name, "mime_type": message.file.mime}
        match message.kind:
            case "photo":
                small = {**common, "width": 90, "height": 67}
                content["photo"] = [small, {**common, "width": 1280, "height": 960}]
            case "voice":
                content["voice"] = {**common, "duration": 3, "mime_type": message.file.mime}
            case "sticker":
                kind = {"type": "regular", "is_animated": False, "is_video": False}
                content["sticker"] = {**common, "width": 512, "height": 512, **kind}
            case _:
                content["document"] = {**common, **names}
    if message.text:
        content["caption"] = message.text
        if message.entities:
            content["caption_entities"] = message.entities
    return content


def _find_commands(message: Message) -> list[dict[str, object]]:
    if message.from_bot or not message.text.startswith("/"):
        return []
    return [{"type": "bot_command", "offset": 0, "length": len(message.text.split(maxsplit=1)[0])}]


def make_album_id(*parts: object) -> str:
    """Compute the id shared by the messages of one album."""
    return str(int(hashlib.sha256(repr(parts).encode()).hexdigest()[:12], 16))
