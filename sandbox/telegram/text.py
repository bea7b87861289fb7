"""Counts and parses text as Telegram does: UTF-16 units, HTML and MarkdownV2 to entities."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from sandbox.telegram.errors import bad_request

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_TOAST = 200

Entity = dict[str, Any]

HTML_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
    "tg-spoiler": "spoiler", "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
_TAG = re.compile(r"<(/?)([^\s>/]*)([^>]*)>")
_NAMED = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")

MARKDOWN_RESERVED = "_*[]()~`>#+-=|{}.!"
MARKDOWN_MARKS = {"__": "underline", "||": "spoiler", "*": "bold", "_": "italic", "~": "strikethrough", "`": "code"}


def count_utf16(text: str) -> int:
    """Return the length in UTF-16 code units, the unit of every Telegram limit and offset."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Replace control characters by blanks, as the server does. Raises BotApiError 400 for lone surrogates."""
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        raise bad_request("strings must be encoded in UTF-8")
    kept = (" " if ord(char) < 32 and char != "\n" else char for char in text if char != "\r")
    return "".join(kept)


@dataclass
class _OpenEntity:
    tag: str
    start: int
    extra: Entity


def parse(text: str, mode: str | None, given: list[Entity] | None) -> tuple[str, list[Entity]]:
    """Parse a message text to plain text and entities. Raises BotApiError 400 "can't parse entities"."""
    text = clean(text)
    match (mode or "").lower():
        case "":
            plain, entities = text, list(given or [])
        case "html":
            plain, entities = _parse_html(text)
        case "markdownv2":
            plain, entities = _parse_markdown(text, strict=True)
        case "markdown":
            plain, entities = _parse_markdown(text, strict=False)
        case _:
            raise bad_request("unsupported parse_mode")
    lead = len(plain) - len(plain.lstrip())
    for entity in entities:
        entity["offset"] = max(0, entity["offset"] - count_utf16(plain[:lead]))
    return plain.strip(), [entity for entity in entities if entity["length"] > 0]


def _parse_html(text: str) -> tuple[str, list[Entity]]:
    plain: list[str] = []
    stack: list[_OpenEntity] = []
    entities: list[Entity] = []
    at = place = 0

    def put(piece: str) -> None:
        nonlocal place
        piece = _NAMED.sub(lambda found: unescape(found.group()), piece)
        plain.append(piece)
        place += count_utf16(piece)

    while at < len(text):
        begin = text.find("<", at)
        if begin < 0:
            put(text[at:])
            break
        put(text[at:begin])
        found = _TAG.match(text, begin)
        offset = len(text[:begin].encode())
        if found is None:
            raise bad_request(f"can't parse entities: Unclosed start tag at byte offset {offset}")
        closing, tag, rest = found.group(1), found.group(2).lower(), found.group(3)
        if tag not in HTML_TAGS:
            raise bad_request(f'can\'t parse entities: Unsupported start tag "{tag}" at byte offset {offset}')
        if closing:
            if not stack:
                raise bad_request(f"can't parse entities: Unexpected end tag at byte offset {offset}")
            opened = stack.pop()
            if opened.tag != tag:
                raise bad_request(
                    f"can't parse entities: Unmatched end tag at byte offset {offset}, "
                    f'expected "</{opened.tag}>", found "</{tag}>"'
                )
            entity = {"type": HTML_TAGS[tag], "offset": opened.start, "length": place - opened.start}
            entities.append(entity | opened.extra)
        else:
            stack.append(_OpenEntity(tag, place, _parse_html_attributes(tag, rest, offset)))
        at = found.end()
    if stack:
        raise bad_request(f"can't parse entities: Can't find end tag corresponding to start tag \"{stack[-1].tag}\"")
    return "".join(plain), sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def _parse_html_attributes(tag: str, rest: str, offset: int) -> Entity:
    values = {name.lower(): unescape(a or b) for name, a, b in _ATTRIBUTE.findall(rest)}
    if tag == "span" and values.get("class") != "tg-spoiler":
        raise bad_request(f'can\'t parse entities: Tag "span" must have class "tg-spoiler" at byte offset {offset}')
    if tag == "a":
        return {"url": values.get("href", "")}
    if tag == "tg-emoji":
        return {"custom_emoji_id": values.get("emoji-id", "")}
    return {}


def _parse_markdown(text: str, *, strict: bool) -> tuple[str, list[Entity]]:
    plain: list[str] = []
    stack: list[_OpenEntity] = []
    entities: list[Entity] = []
    at = place = 0
    while at < len(text):
        char = text[at]
        offset = len(text[:at].encode())
        mark = next((mark for mark in MARKDOWN_MARKS if text.startswith(mark, at)), None)
        if not strict and mark in ("__", "||", "~"):
            mark = "_" if mark == "__" else None
        link = re.match(r"\]\(((?:[^)\\]|\\.)*)\)", text[at:]) if char == "]" else None
        if char == "\\" and at + 1 < len(text):
            plain.append(text[at + 1])
            place += count_utf16(text[at + 1])
            at += 2
        elif mark is not None:
            if stack and stack[-1].tag == mark:
                start = stack.pop().start
                entities.append({"type": MARKDOWN_MARKS[mark], "offset": start, "length": place - start})
            else:
                stack.append(_OpenEntity(mark, place, {}))
            at += len(mark)
        elif char == "[":
            stack.append(_OpenEntity("[", place, {}))
            at += 1
        elif link is not None and stack and stack[-1].tag == "[":
            start = stack.pop().start
            entities.append({"type": "text_link", "offset": start, "length": place - start, "url": link.group(1)})
            at += link.end()
        elif strict and char in MARKDOWN_RESERVED:
            raise bad_request(
                f"can't parse entities: Character '{char}' is reserved and must be escaped with the preceding '\\'"
            )
        else:
            plain.append(char)
            place += count_utf16(char)
            at += 1
        if stack and at >= len(text):
            raise bad_request(f"can't parse entities: Can't find end of the entity starting at byte offset {offset}")
    return "".join(plain), sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))
