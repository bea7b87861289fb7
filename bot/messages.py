"""Dispatches chat messages: commands, contact cards, and text or files that answer a card or a question."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from backend.domain.masking import clean
from backend.domain.offered_verbs import select_assignment
from backend.domain.refusals import Refused
from backend.domain.reply_parser import parse_command, parse_reply, parse_sole_number, split_number
from backend.domain.typed_numbers import narrow, read_typed, split_word
from backend.office.people import BINDING_QUESTION
from backend.ports.tickets import TicketRef
from bot import attachments, presses
from bot.actions import (
    account,
    handling,
    networks,
    office,
    review,
    scores,
    supervising,
    ticket,
    todo,
    units,
    which,
)
from bot.actions.said import handle_said
from bot.conversation import Conversation
from bot.ticket_context import load_context
from notify.chat_events import Said

Command = Callable[[Conversation, str], Awaitable[None]]

COMMANDS: dict[str, Command] = {
    "start": account.start_binding,
    "help": office.show_help,
    "todo": todo.show_todo,
    "ticket": ticket.show_ticket,
    "pin": account.set_pin,
    "status": office.show_status,
    "overdue": office.show_overdue,
    "unit": units.show_unit,
    "rank": scores.show_ranking,
    "report": scores.send_report,
    "supervise": supervising.supervise,
    "call": supervising.call_by_ticket_no,
    "quiet": account.change_quiet_hours,
    "chat": networks.choose_chat,
}
UNBOUND_COMMANDS = ("start", "help")  # the others need a binding
NO_ANSWERS = ("todo", "ticket", "help")  # words that nobody means as the answer to a question


@dataclass(frozen=True, slots=True)
class Target:
    """What a message answers: the open question, and the assignment or request it is about."""

    question: str | None
    subject: int
    guessed: bool = False  # neither a reply nor an open question: the person's only open ticket


async def handle_message(chat: Conversation, message: Said) -> None:
    """Handle a message: contact cards, commands, then text and files."""
    if message.contact:
        await account.confirm_contact(chat, message)
        return
    text = clean(message.text).strip()
    if read_typed(text[:1]) == "/":
        await _handle_command(chat, text)
        return
    if not message.files and await presses.handle_typed(chat, message, text):
        return
    if chat.private and message.reply_to is None and await _handle_command_word(chat, text):
        return
    if not (text or message.files):
        if chat.private and message.other != "service":
            await chat.answer_key("todo.voice" if message.other == "voice" else "command.kind_not_taken")
        return
    await _handle_answer(chat, message, text)


async def _handle_command(chat: Conversation, text: str) -> None:
    head, rest = split_word(text[1:])
    name, _, bot = read_typed(head).partition("@")
    ours = chat.services.names.get(chat.network.name, "")
    if bot and ours and bot.lower() != ours.lower():
        return
    if name.lower() not in COMMANDS:
        if chat.private:
            await chat.answer_key("command.unknown")
        return
    await _run_command(chat, name.lower(), rest)


async def _handle_command_word(chat: Conversation, text: str) -> bool:
    """Handle 待办, 查看 NO, NO and the like; an open question takes what may be its answer (XM9, XM22)."""
    number = parse_sole_number(text)
    found = ("ticket", number) if number else parse_command(text)
    if found is None:
        return False
    asked = await chat.find_question()
    if asked is not None and asked.question and (number or found[0] not in NO_ANSWERS):
        return False
    await _run_command(chat, *found)
    return True


async def _run_command(chat: Conversation, name: str, rest: str) -> None:
    if chat.person is None and name not in UNBOUND_COMMANDS:
        raise Refused("unbound")
    await _close_question(chat)
    await COMMANDS[name](chat, rest)


async def _close_question(chat: Conversation) -> None:
    """Close the open question for plain text when a command comes; a reply to it still answers it."""
    asked = await chat.find_question()
    if asked is not None and (asked.question or "captions" in asked.facts) and asked.question != BINDING_QUESTION:
        await chat.close_question(asked)


async def _handle_answer(chat: Conversation, message: Said, text: str) -> None:
    replied = message.reply_to is not None
    if not (chat.private or replied):
        return
    if not replied and await _handle_numbered(chat, message, text):
        return
    target = await _find_target(chat, message)
    if target is None and not chat.private:
        return  # group members talk to each other
    chat.actor  # noqa: B018 - refuses an unbound person before anything is read
    if target is not None and target.question == account.PIN_QUESTION and not message.files:
        await account.set_pin(chat, text)
        return
    if target is not None and target.question and review.is_review_question(target.question):
        await review.answer_review(chat, target.question, target.subject, text)
        return
    if target is not None and target.question and scores.is_contest_question(target.question):
        await scores.file_contest(chat, target.question, target.subject, text, message)
        return
    if chat.private and _needs_ticket(chat, message, text, target):
        await which.ask_which(chat, message, text)
        return
    if target is None:
        await chat.answer_key("ask.words" if chat.actor.is_unit_member else "order.how")
        return
    await _handle_about(chat, message, text, target)


async def _handle_numbered(chat: Conversation, message: Said, text: str) -> bool:
    """Handle text that gives its ticket's number, before its keyword or after it (XM22)."""
    found = split_number(text)
    if found is None or chat.person is None or not chat.actor.is_unit_member:
        return False
    snap = await chat.services.tickets.moves.load(TicketRef(ticket_no=found[0]))
    case = None if snap is None else select_assignment(snap.ticket, snap.assignments, chat.actor)
    if case is None:
        alone = (said := parse_reply(found[1])) is not None and said.verb == "sign"  # 签收 takes no words of its own
        if alone or narrow(text).startswith(found[0]):  # nothing but a number can stand there
            raise Refused("not_found", ticket=found[0])
        return False
    about = await load_context(chat, case.id)
    await handle_said(chat, about, found[1], await attachments.store_files(chat, message), message.album or None)
    return True


def _needs_ticket(chat: Conversation, message: Said, text: str, target: Target | None) -> bool:
    """Whether somebody of a unit must say which ticket is meant: files, or words that ask for an act (XM9)."""
    if not chat.actor.is_unit_member or (target is not None and not target.guessed):
        return False
    return bool(message.files) or (target is None and parse_reply(text) is not None)


async def _find_target(chat: Conversation, message: Said) -> Target | None:
    """Find the card or question replied to; in private also the last question, or the only open ticket."""
    asked = await chat.find_question()
    if asked is not None and asked.question == BINDING_QUESTION:
        asked = None
    if message.reply_to is not None:
        number = message.reply_to.message
        linked = (asked.facts.get("messages") or {}).get(number) if asked else None
        if linked:
            return Target(str(linked[0]) or None, int(linked[1]))
        card = await chat.services.card_store.find(chat.network.name, chat.chat_id, number)
        if card is not None and card.kind == review.REVIEW_CARD and "request" in card.facts:
            request = int(card.facts["request"])
            asking = (
                asked is not None
                and asked.facts.get("subject") == request
                and review.is_review_question(asked.question)
            )
            return Target(asked.question if asked and asking else review.REQUEST_QUESTION, request)
        assignment = card.assignment_id if card else None
        if assignment is not None:
            same = asked is not None and asked.facts.get("subject") == assignment
            return Target(asked.question if asked and same else None, assignment)
        if not chat.private:
            return None
    if asked is not None and asked.question:
        return Target(asked.question, int(asked.facts.get("subject", 0)))
    if chat.person is None:
        return None
    count, items = await chat.services.chat_state.list_todo(chat.person.unit, 1)
    return Target(None, items[0].assignment.id, guessed=True) if count == 1 else None


async def _handle_about(chat: Conversation, message: Said, text: str, target: Target) -> None:
    """Handle text and files about an assignment; a keyword wins over the open question."""
    case = await load_context(chat, target.subject)
    if target.question == supervising.SUPERVISOR_QUESTION:
        await supervising.send_supervisor_message(chat, case, text)
        return
    if target.question in handling.SIMPLE_ACTS:
        await handling.answer_simple_act(chat, case, target.question, text)
        return
    files = await attachments.store_files(chat, message)
    await handle_said(chat, case, text, files, message.album or None, target.question)


async def handle_edit(chat: Conversation, message: Said) -> None:
    """Amend the reply that an edited message became, while that is allowed (FT29); ignore other edits."""
    if chat.person is None or not message.text:
        return
    assignment = await chat.services.chat_state.find_reply_assignment(chat.bound_person.code, message.message)
    if assignment is None:
        return
    said = parse_reply(message.text)
    text = said.text if said else message.text.strip()
    await chat.act("amend", assignment_id=assignment, text=text)
    await chat.answer_key("command.edited")
