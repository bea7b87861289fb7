"""Dispatches an event: identity first, then its handler; one place where refusals become text."""

from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from bot import messages, presses
from bot.conversation import Conversation
from bot.flood import PRESS_COST, FloodLimiter
from bot.services import BotServices
from notify.chat_events import ChatEvent, ChatMoved, Ignored, LeftChat, Pressed, Said
from notify.chat_network import ChatNetwork


async def _handle(chat: Conversation, event: ChatEvent) -> None:
    match event:
        case Pressed():
            await presses.handle_press(chat)
        case Said(edited=True):
            await messages.handle_edit(chat, event)
        case Said():
            await messages.handle_message(chat, event)
        case ChatMoved():
            await chat.services.card_store.replace_address(chat.network.name, event.who.chat, event.new_chat)
            chat.services.office.invalidate()
        case LeftChat() if chat.private and chat.person is not None:
            await chat.unbind_dead_chat(event.why)


class Dispatcher:
    """Dispatches the events of all networks."""

    def __init__(self, services: BotServices) -> None:
        self._services = services
        self._flood = FloodLimiter()

    async def dispatch(self, network: ChatNetwork, event: ChatEvent, inbox_id: int | None, attempt: int) -> bool:
        """Handle an event; True when a move has already marked the update as done."""
        if isinstance(event, Ignored):
            return False
        chat = Conversation(self._services, network, event, inbox_id, attempt)
        try:
            if await self._may_go_on(chat):
                await self._identify(chat)
                await _handle(chat, event)
        except Refused as refused:
            await chat.audit_refusal("command_refused", refused)
            await chat.refuse(refused)
        except Exception as error:  # the inbox keeps the update (FT8)
            if attempt == 1 and not isinstance(error, Unavailable):  # or it is only put off
                await chat.answer_key("command.trouble", request_id=inbox_id or "")
            raise
        return chat.marked_done

    async def _may_go_on(self, chat: Conversation) -> bool:
        """Limit the rate of each person (FT35)."""
        user, now = f"{chat.network.name}:{chat.user_id}", self._services.office.clock.monotonic()
        if not chat.user_id or self._flood.try_take(user, now, PRESS_COST if chat.press is not None else 1.0):
            return True
        if chat.press is not None or self._flood.may_warn(user, now):
            await chat.answer_key("command.busy")
        return False

    async def _identify(self, chat: Conversation) -> None:
        """Identify the person by their user id through the registry, never by the chat (FT34)."""
        if not chat.user_id:
            return
        chat.person = person = await self._services.people.find_by_chat(chat.network.name, chat.user_id)
        if person is not None:
            chat.below = (await self._services.office.snapshot()).list_below(person.unit)
