"""Dispatches chat messages: commands, contact cards, and text or files that answer a card or a question."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiogram.types import Message

from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply, parse_reply
from backend.office.people import BINDING_QUESTION
from bot import attachments
from bot.actions import (
    account,
    extend,
    files,
    handling,
    office,
    reply,
    return_,
    review,
    scores,
    supervising,
    ticket,
    todo,
    units,
)
from bot.conversation import Conversation
from bot.services import CHANNEL
from bot.ticket_context import TicketContext, load_context

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
}
UNBOUND_COMMANDS = ("start", "help")  # the others need a binding


@dataclass(frozen=True, slots=True)
class Target:
    """What a message answers: the open question, and the assignment or request it is about."""

    question: str | None
    subject: int
    guessed: bool = False  # neither a reply nor an open question: the person's only open ticket


async def handle_message(chat: Conversation, message: Message) -> None:
    """Handle a message: migrated groups, contact cards, commands, then text and files."""
    if message.migrate_to_chat_id:
        await chat.services.card_store.replace_address(CHANNEL, str(message.chat.id), str(message.migrate_to_chat_id))
        chat.services.office.invalidate()
        return
    if message.contact:
        await account.confirm_contact(chat)
        return
    text = (message.text or message.caption or "").strip()
    if text.startswith("/"):
        await _handle_command(chat, text)
        return
    if not (text or attachments.find_file(message)):
        if chat.private and not _is_service_message(message):
            await chat.answer_key("todo.voice" if message.voice or message.audio else "command.kind_not_taken")
        return
    await _handle_answer(chat, message, text)


def _is_service_message(message: Message) -> bool:
    return bool(message.migrate_from_chat_id or message.new_chat_members or message.left_chat_member
                or message.group_chat_created or message.supergroup_chat_created or message.pinned_message)  # fmt: skip


async def _handle_command(chat: Conversation, text: str) -> None:
    head, _, rest = text[1:].partition(" ")
    name, _, bot = head.partition("@")
    if bot and chat.services.people.bot_name and bot.lower() != chat.services.people.bot_name.lower():
        return
    command = COMMANDS.get(name.lower())
    if command is None:
        if chat.private:
            await chat.answer_key("command.unknown")
        return
    if chat.person is None and name.lower() not in UNBOUND_COMMANDS:
        raise Refused("unbound")
    await _close_question(chat)
    await command(chat, rest.strip())


async def _close_question(chat: Conversation) -> None:
    """Close the open question for plain text when a command comes; a reply to it still answers it."""
    asked = await chat.services.chat_state.find_question(CHANNEL, chat.user_id, chat.now)
    if asked is not None and asked.what and asked.what != BINDING_QUESTION:
        await chat.close_question(asked)


async def _handle_answer(chat: Conversation, message: Message, text: str) -> None:
    replied = message.reply_to_message is not None
    if not (chat.private or replied):
        return
    target = await _find_target(chat, message)
    if target is None and not chat.private:
        return  # group members talk to each other
    chat.actor  # noqa: B018 - refuses an unbound person before anything is read
    if target is not None and target.question == account.PIN_QUESTION and not attachments.find_file(message):
        await account.set_pin(chat, text)
        return
    if target is not None and target.question and review.is_review_question(target.question):
        await review.answer_review(chat, target.question, target.subject, text)
        return
    if target is not None and target.question and scores.is_contest_question(target.question):
        await scores.file_contest(chat, target.question, target.subject, text, message)
        return
    if attachments.find_file(message) and chat.private and (target is None or target.guessed):
        await files.receive_files(chat, message)
        return
    if target is None:
        await chat.answer_key("ask.words" if chat.actor.is_unit_member else "order.how")
        return
    await _handle_about(chat, message, text, target)


async def _find_target(chat: Conversation, message: Message) -> Target | None:
    """Find the card or question replied to; in private also the last question, or the only open ticket."""
    asked = await chat.services.chat_state.find_question(CHANNEL, chat.user_id, chat.now)
    if asked is not None and asked.what == BINDING_QUESTION:
        asked = None
    if message.reply_to_message is not None:
        number = str(message.reply_to_message.message_id)
        linked = (asked.facts.get("messages") or {}).get(number) if asked else None
        if linked:
            return Target(str(linked[0]) or None, int(linked[1]))
        card = await chat.services.card_store.find(CHANNEL, str(message.chat.id), number)
        if card is not None and card.kind == review.REVIEW_CARD and "request" in card.facts:
            request = int(card.facts["request"])
            asking = (
                asked is not None and asked.facts.get("subject") == request and review.is_review_question(asked.what)
            )
            return Target(asked.what if asked and asking else review.REQUEST_QUESTION, request)
        assignment = card.assignment_id if card else None
        if assignment is not None:
            same = asked is not None and asked.facts.get("subject") == assignment
            return Target(asked.what if asked and same else None, assignment)
        if not chat.private:
            return None
    if asked is not None and asked.what:
        return Target(asked.what, int(asked.facts.get("subject", 0)))
    if chat.person is None:
        return None
    count, items = await chat.services.chat_state.list_todo(chat.person.unit, 1)
    return Target(None, items[0].assignment.id, guessed=True) if count == 1 else None


async def _handle_about(chat: Conversation, message: Message, text: str, target: Target) -> None:
    """Handle text and files about an assignment; a keyword wins over the open question."""
    case = await load_context(chat, target.subject)
    if target.question == supervising.SUPERVISOR_QUESTION:
        await supervising.send_supervisor_message(chat, case, text)
        return
    if target.question in handling.SIMPLE_ACTS:
        await handling.answer_simple_act(chat, case, target.question, text)
        return
    parsed = parse_reply(text) if text else None
    if parsed is None and text and target.question in REPLY_HANDLERS:
        parsed = (
            ParsedReply(target.question, text)
            if target.question != "extend"
            else parse_reply(f"{_extend_keyword(chat)} {text}")
        )
    album = message.media_group_id
    files = await attachments.store_files(chat, message)
    verb = parsed.verb if parsed else None
    if (
        files
        and verb in (None, "return")
        and (verb or target.question == "return" or await _has_return_draft(chat, case))
    ):
        await return_.collect_return(chat, case, parsed or ParsedReply("return"), files, album)
        return
    if files:
        await _keep_attachments(chat, case, files, album, quiet=parsed is not None)
    if parsed is None:
        if not files:
            await chat.answer_key("ask.words" if chat.actor.is_unit_member else "order.how")
        return
    await REPLY_HANDLERS[parsed.verb](chat, case, parsed)


def _extend_keyword(chat: Conversation) -> str:
    return chat.render("button.extend")


async def _has_return_draft(chat: Conversation, context: TicketContext) -> bool:
    return bool(await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, "return"))


async def _keep_attachments(
    chat: Conversation, context: TicketContext, files: list[str], album: str | None, *, quiet: bool
) -> None:
    """Keep files without text with the assignment; a later return uses them."""
    draft = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, "attach")
    kept = [*draft.get("files", ()), *files]
    await chat.services.chat_state.save_draft(
        chat.bound_person.code, context.assignment_id, "attach", {"files": kept, "album": album}, chat.now
    )
    if not quiet and (album is None or draft.get("album") != album):
        await chat.answer_key("chat.files_received", n=len(kept), ticket_no=context.ticket_no)


async def _sign(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    await handling.sign(chat, context)


async def _return(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    await return_.collect_return(chat, context, parsed, [], None)


#: verb of a reply (contract §6) → its handler
REPLY_HANDLERS: dict[str, Callable[[Conversation, TicketContext, ParsedReply], Awaitable[None]]] = {
    "sign": _sign,
    "return": _return,
    "reply": reply.give_reply,
    "close": reply.close,
    "extend": extend.collect_extension,
    "report_progress": handling.report_progress,
}


async def handle_edit(chat: Conversation, message: Message) -> None:
    """Amend the reply that an edited message became, while that is allowed (FT29); ignore other edits."""
    if chat.person is None or not message.text:
        return
    assignment = await chat.services.chat_state.find_reply_assignment(chat.bound_person.code, str(message.message_id))
    if assignment is None:
        return
    said = parse_reply(message.text)
    text = said.text if said else message.text.strip()
    await chat.act("amend", assignment_id=assignment, text=text)
    await chat.answer_key("command.edited")
