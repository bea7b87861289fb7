"""The aiogram dispatcher: identity first, four handlers, one place where refusals become text."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiogram import BaseMiddleware, Dispatcher, Router
from aiogram.types import CallbackQuery, ChatMemberUpdated, ErrorEvent, Message, TelegramObject, Update

from backend.domain.refusals import Refused
from bot import pressed, words
from bot.flood import PRESS, Flood
from bot.house import CHANNEL, House
from bot.talk import Talk

log = structlog.get_logger("bot")
ALLOWED = ["message", "edited_message", "callback_query", "my_chat_member"]
GONE = ("kicked", "left")

Next = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Identity(BaseMiddleware):
    """Identify the person by `from.id` through the registry, never by the chat (FT34), and limit their rate.

    Returns True when a move has already marked the update as done.
    """

    def __init__(self, house: House, clock: Callable[[], float] = time.monotonic) -> None:
        self._house = house
        self._clock = clock
        self._flood = Flood()

    async def __call__(self, handler: Next, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)
        talk = Talk(self._house, event, data.get("inbox_id"), data.get("attempt", 1))
        data["talk"] = talk
        now = self._clock()
        if talk.user_id and not self._flood.allow(talk.user_id, now, PRESS if talk.press is not None else 1.0):
            if talk.press is not None or self._flood.may_say(talk.user_id, now):
                await talk.told("command.busy")
            return None
        if talk.user_id:
            talk.person = await self._house.registry.find_by_chat(CHANNEL, talk.user_id)
        await handler(event, data)
        return talk.kept


def make_router() -> Router:
    """Build a router of four handlers; the rest are tables (dispatch cost grows with the number of handlers)."""
    router = Router(name="door")

    async def on_press(event: CallbackQuery, talk: Talk) -> None:
        await pressed.pressed(talk)

    async def on_message(event: Message, talk: Talk) -> None:
        await words.hear(talk, event)

    async def on_edit(event: Message, talk: Talk) -> None:
        await words.edited(talk, event)

    async def on_member(event: ChatMemberUpdated, talk: Talk) -> None:
        if talk.private and talk.person is not None and event.new_chat_member.status in GONE:
            await talk.lost("blocked")

    router.callback_query.register(on_press)
    router.message.register(on_message)
    router.edited_message.register(on_edit)
    router.my_chat_member.register(on_member)
    return router


async def on_error(event: ErrorEvent, talk: Talk) -> None:
    """Send refusals as text; tell the person of any other error once, and let the inbox keep the update (FT8)."""
    if isinstance(event.exception, Refused):
        await talk.refuse(event.exception)
        return
    if talk.attempt == 1:
        await talk.told("command.trouble", request_id=talk.inbox_id or "")
    raise event.exception


def make_dispatcher(house: House) -> Dispatcher:
    """Build a dispatcher without conversation state in memory and without module-level routers."""
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.update.outer_middleware(Identity(house))
    dispatcher.errors.register(on_error)
    dispatcher.include_router(make_router())
    return dispatcher
