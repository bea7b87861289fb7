"""Acts that need at most one sentence: the button asks for it, the answer performs it. A new one is a table row."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.domain.move_table import BY_VERB
from bot.conversation import Conversation
from bot.ticket_context import TicketContext, check_allowed


@dataclass(frozen=True, slots=True)
class SimpleAct:
    """A row: the act's verb, the argument that takes the sentence ("" = none is asked), fixed arguments."""

    verb: str
    argument: str = "reason"
    arguments: dict[str, Any] = field(default_factory=dict)


#: button verb → act; the question is `order.ask_…`, the confirmation `order.done_…`
SIMPLE_ACTS: dict[str, SimpleAct] = {
    "supervise": SimpleAct("supervise"),
    "send_back": SimpleAct("send_back"),
    "rework": SimpleAct("rework", "summary"),
    "progress_ok": SimpleAct("accept_progress", "", {"accept": True}),
    "progress_no": SimpleAct("accept_progress", arguments={"accept": False}),
    "object": SimpleAct("object"),
    "coordinate": SimpleAct("flag", arguments={"hard_case": True}),
    "explain": SimpleAct("report_progress", "text"),
}


async def start_simple_act(chat: Conversation, context: TicketContext, button: str) -> None:
    """Handle the button: ask for the sentence, or perform the act at once where none is needed."""
    order = SIMPLE_ACTS[button]
    check_allowed(chat, context, order.verb)
    if order.argument:
        await chat.ask(f"order.ask_{button}", button, context.assignment_id, ticket_no=context.ticket_no)
        return
    await _perform(chat, context, button, order.arguments)
    await chat.update_card()


async def answer_simple_act(chat: Conversation, context: TicketContext, button: str, text: str) -> None:
    """Perform the act with this sentence; ask again when it is empty."""
    order = SIMPLE_ACTS[button]
    check_allowed(chat, context, order.verb)
    if not text:
        await chat.ask(f"order.ask_{button}", button, context.assignment_id, ticket_no=context.ticket_no)
        return
    await _perform(chat, context, button, {**order.arguments, order.argument: text})
    await chat.delete_question()


async def _perform(chat: Conversation, context: TicketContext, button: str, arguments: dict[str, Any]) -> None:
    verb = SIMPLE_ACTS[button].verb
    target: dict[str, Any] = (
        {"assignment_id": context.assignment_id} if BY_VERB[verb].on_assignment else {"ticket_no": context.ticket_no}
    )
    result = await chat.act(verb, **target, **arguments)
    due = result.plan.entry.words.get("due_at") if result.plan else None
    facts = {"due": chat.format_time(datetime.fromisoformat(due))} if isinstance(due, str) else {"due": ""}
    await chat.answer_key(f"order.done_{button}", ticket_no=context.ticket_no, **facts)
