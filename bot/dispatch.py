"""The aiogram dispatcher: identity first, four handlers, one place where refusals become text."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiogram import BaseMiddleware, Dispatcher, Router
from aiogram.types import CallbackQuery, ChatMemberUpdated, ErrorEvent, Message, TelegramObject, Update

from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from bot import messages, presses
from bot.conversation import Conversation
from bot.flood import PRESS_COST, FloodLimiter
from bot.services import CHANNEL, BotServices

log = structlog.get_logger("bot")
UPDATE_TYPES = ["message", "edited_message", "callback_query", "my_chat_member"]
LEFT_STATUSES = ("kicked", "left")

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class IdentityMiddleware(BaseMiddleware):
    """Identify the person by `from.id` through the registry, never by the chat (FT34), and limit their rate.

    Returns True when a move has already marked the update as done.
    """

    def __init__(self, services: BotServices) -> None:
        self._services = services
        self._flood = FloodLimiter()

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)
        chat = Conversation(self._services, event, data.get("inbox_id"), data.get("attempt", 1))
        data["chat"] = chat
        now = self._services.office.clock.monotonic()
        if chat.user_id and not self._flood.try_take(chat.user_id, now, PRESS_COST if chat.press is not None else 1.0):
            if chat.press is not None or self._flood.may_warn(chat.user_id, now):
                await chat.answer_key("command.busy")
            return None
        if chat.user_id:
            chat.person = person = await self._services.people.find_by_chat(CHANNEL, chat.user_id)
            if person is not None:
                chat.below = (await self._services.office.snapshot()).list_below(person.unit)
        await handler(event, data)
        return chat.marked_done


def build_router() -> Router:
    """Build a router of four handlers; the rest are tables (dispatch cost grows with the number of handlers)."""
    router = Router(name="bot")

    async def on_press(event: CallbackQuery, chat: Conversation) -> None:
        await presses.handle_press(chat)

    async def on_message(event: Message, chat: Conversation) -> None:
        await messages.handle_message(chat, event)

    async def on_edit(event: Message, chat: Conversation) -> None:
        await messages.handle_edit(chat, event)

    async def on_member(event: ChatMemberUpdated, chat: Conversation) -> None:
        if chat.private and chat.person is not None and event.new_chat_member.status in LEFT_STATUSES:
            await chat.unbind_dead_chat("blocked")

    router.callback_query.register(on_press)
    router.message.register(on_message)
    router.edited_message.register(on_edit)
    router.my_chat_member.register(on_member)
    return router


async def on_error(event: ErrorEvent, chat: Conversation) -> None:
    """Send refusals as text; tell the person of any other error once, and let the inbox keep the update (FT8)."""
    if isinstance(event.exception, Refused):
        await chat.audit_refusal("command_refused", event.exception)
        await chat.refuse(event.exception)
        return
    if chat.attempt == 1 and not isinstance(event.exception, Unavailable):  # or it is only put off
        await chat.answer_key("command.trouble", request_id=chat.inbox_id or "")
    raise event.exception


def build_dispatcher(services: BotServices) -> Dispatcher:
    """Build a dispatcher without conversation state in memory and without module-level routers."""
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.update.outer_middleware(IdentityMiddleware(services))
    dispatcher.errors.register(on_error)
    dispatcher.include_router(build_router())
    return dispatcher
