"""Hears Mattermost: verifies presses, answers them in the response, and holds the stream of what is written."""

import json
from collections.abc import Mapping, Sequence

from notify.channel import DeliveryError
from notify.chat.mattermost.api import MattermostApi
from notify.chat.mattermost.events import identify, read_update
from notify.chat.mattermost.fields import Fields, read_id, read_object, read_text
from notify.chat.mattermost.markdown import escape
from notify.chat.mattermost.posts import TOAST_LIMIT, Callbacks, build_post
from notify.chat.mattermost.stream import Stream
from notify.chat_events import ChatEvent
from notify.chat_network import BotInfo, ChatHost, ReceiverCapabilities, Verified
from notify.driver import HookRefused, HookRequest, HookResponse
from notify.message import Card
from notify.plain_text import fit
from notify.strict_json import parse_strict

ANSWER_BY, LIMIT = 2.5, 3.0  # seconds


class MattermostReceiver:
    """A `Receiver` over one bot account. Presses come by the webhook, words by the stream."""

    can = ReceiverCapabilities(ANSWER_BY, LIMIT, in_response=True, card_in_answer=True)

    def __init__(self, api: MattermostApi, callbacks: Callbacks, stream: Stream) -> None:
        self._api, self._callbacks, self._stream = api, callbacks, stream

    # -- pure

    @property
    def hooks(self) -> Sequence[tuple[str, str]]:
        return (("POST", self._callbacks.path),)

    def open(self, request: HookRequest) -> Verified | HookResponse:
        """Verify a press: nothing is signed by Mattermost, so its path is secret and the button is ours (FT5)."""
        if not self._callbacks.is_path(request.path) or "?" in request.target:
            raise HookRefused(401)
        try:
            press = parse_strict(request.body)
            context = read_object(press, "context")
            is_ours = self._callbacks.is_ours(read_id(context, "data"), read_text(context, "mac"))
            read_id(press, "trigger_id")
        except (ValueError, TypeError):
            raise HookRefused(401) from None
        if not is_ours:
            raise HookRefused(401)
        return Verified(request.body, waits=True)

    def identify(self, body: bytes) -> tuple[str, str]:
        return identify(body)

    def read(self, body: str) -> ChatEvent:
        return read_update(body)

    def render(self, toast: str, card: Card | None) -> HookResponse:
        answer: Fields = {"skip_slack_parsing": True}
        if toast:
            answer["ephemeral_text"] = escape(fit(toast, TOAST_LIMIT))
        if card is not None:
            answer["update"] = build_post(card, self._callbacks)
        return HookResponse(200, json.dumps(answer, ensure_ascii=False), "application/json")

    # -- calls

    async def answer(self, token: str, toast: str) -> None:
        raise DeliveryError("permanent", "not_offered")  # a press is answered in the response to it

    async def delete(self, address: str, message: str) -> None:
        raise DeliveryError("permanent", "not_offered")  # a bot may delete its own posts only

    async def introduce(self, commands: Mapping[str, str]) -> BotInfo:
        """Say who we are; commands are typed as words, since Mattermost takes what begins with a slash for its own."""
        return BotInfo(read_text(await self._api.get_me(), "username"))

    async def find(self, phones: Sequence[str]) -> Mapping[str, str]:
        return {}  # accounts have no telephone numbers

    async def listen(self, host: ChatHost) -> None:
        await self._stream.hold(host)
