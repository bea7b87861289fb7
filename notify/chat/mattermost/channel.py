"""Mattermost as a channel: a card is a post of its own, edited in place; a thread below it is how people reply."""

from dataclasses import replace
from datetime import UTC, datetime

import aiohttp

from notify.channel import ChannelCapabilities, DeliveryError, EditResult, Edits
from notify.chat.mattermost.addresses import find_partner, is_group, to_channel
from notify.chat.mattermost.api import MattermostApi
from notify.chat.mattermost.fields import Fields, read_id, read_number, read_objects, read_text
from notify.chat.mattermost.posts import TEXT_LIMIT, Callbacks, build_post
from notify.message import Attachment, Card, Receipt
from notify.plain_text import clean, fit
from notify.rate_limit import Bucket

NAME = "mattermost"
#: bytes of a file; a server takes 100 MB unless told otherwise
FILE_LIMIT, NAME_LIMIT = 50 << 20, 120

# A server that limits at all takes 10 requests a second from one account, 100 at once, unless told otherwise. A card is
# two or three requests; limits for one chat are ours, so that nobody is flooded.
PER_BOT = Bucket("mattermost.bot", rate=3, per_seconds=1.0, burst=10)
PER_CHAT = Bucket("mattermost.chat", rate=1, per_seconds=1.0, burst=3)
PER_GROUP = Bucket("mattermost.group", rate=20, per_seconds=60.0, shape="window")

#: codes of errors by which an edit finds nothing to edit (FT22); a post that is not there is 403 to who may not see it
GONE = ("edit_gone", "not_found", "forbidden", "archived")


class MattermostChannel:
    """A `Channel` over one bot account. Addresses are channel ids, of groups with a sign before (`addresses`)."""

    name = NAME
    can = ChannelCapabilities(
        edits=Edits(),
        buttons=True,
        reply_context=False,  # each card begins a thread, so that a reply names it
        files=True,
        sends_to_group=True,
        max_text=TEXT_LIMIT,
        max_caption=TEXT_LIMIT,
        max_file=FILE_LIMIT,
    )

    def __init__(self, api: MattermostApi, callbacks: Callbacks, rate_factor: float = 1.0) -> None:
        self._api, self._callbacks = api, callbacks
        self._partners: dict[str, str] = {}  # direct channel → the other's account; that never changes
        self._per_bot, self._per_chat, self._per_group = (
            replace(bucket, rate=bucket.rate * rate_factor) for bucket in (PER_BOT, PER_CHAT, PER_GROUP)
        )

    def buckets(self, address: str) -> tuple[Bucket, ...]:
        chat = (self._per_bot, self._per_chat.for_subject(address))
        return (*chat, self._per_group.for_subject(address)) if is_group(address) else chat

    async def send(self, address: str, card: Card, *, reply_to: str | None = None, again: str = "") -> Receipt:
        channel = to_channel(address)
        if not is_group(address):
            await self._refuse_deactivated(channel)
        body: Fields = {"channel_id": channel, **build_post(card, self._callbacks, again)}
        if card.attachment is not None:
            body["file_ids"] = [await self._upload(channel, card.attachment)]
        sent = await self._api.request("POST", "/posts", body, doubtful=True)
        try:
            return Receipt(read_id(sent), address, datetime.fromtimestamp(read_number(sent, "create_at") / 1000, UTC))
        except TypeError as error:
            raise DeliveryError("ambiguous", "unreadable", str(error)) from None

    async def edit(self, address: str, message_id: str, card: Card) -> EditResult:
        return await self._patch(message_id, build_post(card, self._callbacks))

    async def remove_buttons(self, address: str, message_id: str) -> None:
        await self._patch(message_id, {"props": {"attachments": []}})

    async def fetch(self, file_ref: str, limit: int) -> bytes:
        if not file_ref.isalnum():
            raise DeliveryError("permanent", "no_file", "no id of a file")
        return await self._api.download(f"/files/{file_ref}", limit)

    async def close(self) -> None:
        await self._api.close()

    async def _patch(self, message_id: str, body: Fields) -> EditResult:
        if not message_id.isalnum():
            return EditResult.GONE
        try:
            await self._api.request("PUT", f"/posts/{message_id}/patch", body)
        except DeliveryError as error:
            if error.code in GONE:
                return EditResult.GONE
            raise
        return EditResult.DONE

    async def _refuse_deactivated(self, channel: str) -> None:
        """Refuse to write to somebody whose account was closed: the server takes it, and nobody reads it (FT20)."""
        if (partner := self._partners.get(channel)) is None:
            try:
                names = await self._api.request("GET", f"/channels/{channel}")
                partner = find_partner(read_text(names, "name"), read_id(await self._api.get_me()))
            except TypeError as error:
                raise DeliveryError("transient", "unreadable", str(error)) from None
            self._partners[channel] = partner
        if not partner:
            return
        try:
            account = await self._api.request("GET", f"/users/{partner}")
        except DeliveryError as error:
            if error.code == "forbidden":  # a server may hide people from bots; that says nothing of them
                return
            raise
        if account.get("delete_at"):
            raise DeliveryError("dead_address", "deactivated", "the account was deactivated")

    async def _upload(self, channel: str, file: Attachment) -> str:
        form = aiohttp.FormData(quote_fields=False)  # names stay as they are, in UTF-8
        form.add_field("channel_id", channel)
        form.add_field("files", file.content, filename=_fit_name(file.name), content_type="application/octet-stream")
        answer = await self._api.request("POST", "/files", form=form)
        try:
            return read_id(read_objects(answer, "file_infos")[0])
        except (TypeError, IndexError):
            raise DeliveryError("transient", "unreadable", "no file id") from None


def _fit_name(name: str) -> str:
    plain = "".join("_" if ch in '/\\:*?"<>|\n\t' else ch for ch in clean(name)).strip(" .")
    stem, dot, kind = plain.rpartition(".")
    # the extension decides what opens the file, so it is not cut
    return f"{fit(stem, NAME_LIMIT)}.{kind[:10]}" if stem and dot else fit(plain, NAME_LIMIT) or "file"
