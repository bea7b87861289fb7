"""Telegram as a channel: cards are plain messages with inline buttons, edited in place."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from aiogram import Bot
from aiogram.types import (
    BufferedInputFile,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)

from notify.attempt import track_request
from notify.channel import ChannelCapabilities, DeliveryError, EditResult, Edits
from notify.chat.telegram.errors import to_delivery_error
from notify.chat.telegram.session import REQUEST_SECONDS
from notify.message import Card, Picture, Receipt
from notify.plain_text import ELLIPSIS, clean, fit
from notify.rate_limit import Bucket

NAME = "telegram"

#: UTF-16 units (FT26)
TEXT_LIMIT, CAPTION_LIMIT, TOAST_LIMIT, LABEL_LIMIT, NAME_LIMIT = 4096, 1024, 200, 64, 120
#: bytes a bot may receive through the official server
FILE_LIMIT = 20 * 1024 * 1024
#: seconds a whole download may take; each chunk must come within REQUEST_SECONDS
FILE_SECONDS = 60

# Telegram's own limits are 30/s, 1/s and 20/min; ours are slightly lower, so that sends within the limit stay
# within it when they arrive unevenly (FT19): 28.8 + 1.2 = 30 in any second.
PER_BOT = Bucket("telegram.bot", rate=28.8, per_seconds=1.0, burst=1.2)
PER_CHAT = Bucket("telegram.chat", rate=1, per_seconds=1.04)
PER_GROUP = Bucket("telegram.group", rate=20, per_seconds=60.5, shape="window")

T = TypeVar("T")


def fit_toast(text: str) -> str:
    """Cut a text to what the answer to a button press may hold."""
    return fit(text, TOAST_LIMIT)


def build_keyboard(card: Card) -> InlineKeyboardMarkup | None:
    """Build the card's inline keyboard; None when it has no buttons, which on an edit removes the old ones (FT14)."""
    rows = [
        [InlineKeyboardButton(text=_fit_visible(b.label, LABEL_LIMIT), callback_data=b.data) for b in row]
        for row in card.buttons
        if row
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def build_markup(card: Card) -> InlineKeyboardMarkup | ForceReply | ReplyKeyboardMarkup | ReplyKeyboardRemove | None:
    """Build what stands under a sent card: its buttons, or what asks for a reply or a contact card."""
    match card.expects:
        case "reply":
            return ForceReply(selective=True)
        case "contact":
            share = KeyboardButton(text=card.share_label, request_contact=True)
            return ReplyKeyboardMarkup(keyboard=[[share]], resize_keyboard=True, one_time_keyboard=True)
        case "nothing":
            return ReplyKeyboardRemove(remove_keyboard=True)
    return build_keyboard(card)


class TelegramChannel:
    """A `Channel` over one bot. Addresses are chat ids (negative = group) or @names."""

    name = NAME
    can = ChannelCapabilities(
        edits=Edits(),
        buttons=True,
        reply_context=True,
        files=True,
        sends_to_group=True,
        max_text=TEXT_LIMIT,
        max_caption=CAPTION_LIMIT,
        max_file=FILE_LIMIT,
    )

    def __init__(self, bot: Bot, rate_factor: float = 1.0) -> None:
        self.bot = bot
        self._per_bot, self._per_chat, self._per_group = (
            replace(bucket, rate=bucket.rate * rate_factor) for bucket in (PER_BOT, PER_CHAT, PER_GROUP)
        )

    def buckets(self, address: str) -> tuple[Bucket, ...]:
        chat = (self._per_bot.for_subject(str(self.bot.id)), self._per_chat.for_subject(f"{self.bot.id}:{address}"))
        return (*chat, self._per_group.for_subject(f"{self.bot.id}:{address}")) if address.startswith("-") else chat

    async def send(self, address: str, card: Card, *, reply_to: str | None = None, again: str = "") -> Receipt:
        chat, keys = _parse_chat(address), build_markup(card)
        words = f"{again}{card.text}"
        reply = (
            ReplyParameters(message_id=int(reply_to), allow_sending_without_reply=True)
            if reply_to and reply_to.isascii() and reply_to.isdigit()
            else None
        )
        if card.attachment is None:
            text = _fit_visible(words, TEXT_LIMIT)
            sent = await self._request(
                lambda: self.bot.send_message(chat, text, reply_markup=keys, reply_parameters=reply)
            )
            return _to_receipt(sent)
        caption = fit(words, CAPTION_LIMIT)
        file = BufferedInputFile(card.attachment.content, _file_name(card.attachment.name))
        if isinstance(card.attachment, Picture):
            sent = await self._request(
                lambda: self.bot.send_photo(chat, file, caption=caption, reply_markup=keys, reply_parameters=reply)
            )
        else:
            sent = await self._request(
                lambda: self.bot.send_document(chat, file, caption=caption, reply_markup=keys, reply_parameters=reply)
            )
        return _to_receipt(sent)

    async def edit(self, address: str, message_id: str, card: Card) -> EditResult:
        chat, keys = _parse_chat(address), build_keyboard(card)
        if not (message_id.isascii() and message_id.isdigit()):
            return EditResult.GONE
        number = int(message_id)

        async def caption() -> object:
            return await self.bot.edit_message_caption(
                chat_id=chat, message_id=number, caption=fit(card.text, CAPTION_LIMIT), reply_markup=keys
            )

        async def text() -> object:
            return await self.bot.edit_message_text(
                chat_id=chat, message_id=number, text=_fit_visible(card.text, TEXT_LIMIT), reply_markup=keys
            )

        try:
            try:
                await self._request(text if card.attachment is None else caption)
            except DeliveryError as error:
                if error.code != "edit_has_caption":
                    raise
                await self._request(caption)
        except DeliveryError as error:
            match error.code:
                case "not_modified":
                    return EditResult.DONE
                case "edit_gone":
                    return EditResult.GONE
            raise error.as_idempotent() from error
        return EditResult.DONE

    async def remove_buttons(self, address: str, message_id: str) -> None:
        chat = _parse_chat(address)
        if not (message_id.isascii() and message_id.isdigit()):
            return
        try:
            await self._request(lambda: self.bot.edit_message_reply_markup(chat_id=chat, message_id=int(message_id)))
        except DeliveryError as error:
            if error.code not in ("not_modified", "edit_gone"):  # they are not there
                raise error.as_idempotent() from error

    async def fetch(self, file_ref: str, limit: int) -> bytes:
        try:
            file = await self._request(lambda: self.bot.get_file(file_ref))
            if not file.file_path:
                raise DeliveryError("permanent", "no_file", "the server keeps no such file")
            if (file.file_size or 0) > limit:
                raise DeliveryError("permanent", "too_large", f"{file.file_size} bytes")
            path = file.file_path
            return await self._request(lambda: self._download(path, limit))
        except DeliveryError as error:
            raise error.as_idempotent() from error

    async def close(self) -> None:
        await self.bot.session.close()

    async def _download(self, path: str, limit: int) -> bytes:
        got = bytearray()
        loop = asyncio.get_running_loop()
        url = self.bot.session.api.file_url(self.bot.token, path)
        async with asyncio.timeout(REQUEST_SECONDS) as patience:
            async for chunk in self.bot.session.stream_content(url, timeout=FILE_SECONDS):
                got += chunk
                if len(got) > limit:
                    raise DeliveryError("permanent", "too_large", f"more than {limit} bytes")
                patience.reschedule(loop.time() + REQUEST_SECONDS)
        return bytes(got)

    async def _request(self, request: Callable[[], Awaitable[T]]) -> T:
        with track_request() as sent:
            try:
                return await request()
            except Exception as error:
                raise to_delivery_error(error, connected=sent.connected, token=self.bot.token) from None


def _parse_chat(address: str) -> int | str:
    try:
        return int(address)
    except ValueError:
        return address


def _fit_visible(text: str, limit: int) -> str:
    # the server refuses text without visible characters ("message text is empty")
    shown = fit(text, limit)
    return shown if shown.strip().strip("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff") else ELLIPSIS


def _file_name(name: str) -> str:
    plain = "".join("_" if ch in '/\\:*?"<>|\n\t' else ch for ch in clean(name)).strip(" .")
    stem, dot, kind = plain.rpartition(".")
    # the extension decides what opens the file, so it is not cut
    return f"{fit(stem, NAME_LIMIT)}.{kind[:10]}" if stem and dot else fit(plain, NAME_LIMIT) or "file"


def _to_receipt(sent: Message) -> Receipt:
    return Receipt(provider_id=str(sent.message_id), chat_id=str(sent.chat.id), at=sent.date)
