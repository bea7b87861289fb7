"""Dispatches chat messages: commands, contact cards, and text or files that answer a card or a question."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiogram.types import Message

from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply, parse_reply
from backend.office.people import BINDING_QUESTION
from bot import attachments
from bot.case import Case, open_case
from bot.house import CHANNEL
from bot.talk import Talk
from bot.things import (
    extend,
    loose,
    marks,
    office,
    orders,
    pin,
    progress,
    quiet,
    reply,
    return_,
    review,
    sheet,
    sign,
    start,
    supervisor,
    ticket,
    todo,
    units,
    urging,
)

Command = Callable[[Talk, str], Awaitable[None]]

COMMANDS: dict[str, Command] = {
    "start": start.start,
    "help": office.help_,
    "todo": todo.todo,
    "ticket": ticket.ticket,
    "pin": pin.pin,
    "status": office.status,
    "overdue": office.overdue,
    "unit": units.unit,
    "rank": marks.rank,
    "report": marks.report,
    "supervise": urging.supervise,
    "call": urging.call,
    "quiet": quiet.quiet,
}
FOR_ALL = ("start", "help")  # the others need a binding


@dataclass(frozen=True, slots=True)
class Target:
    """What a message answers: the open question, and the assignment or request it is about."""

    what: str | None
    subject: int
    guessed: bool = False  # neither a reply nor an open question: the person's only open ticket


async def hear(talk: Talk, message: Message) -> None:
    """Handle a message: migrated groups, contact cards, commands, then text and files."""
    if message.migrate_to_chat_id:
        await talk.house.book.replace_address(CHANNEL, str(message.chat.id), str(message.migrate_to_chat_id))
        talk.house.office.invalidate()
        return
    if message.contact:
        await start.contact(talk)
        return
    text = (message.text or message.caption or "").strip()
    if text.startswith("/"):
        await _command(talk, text)
        return
    if not (text or attachments.carried(message)):
        if talk.private and not _service(message):
            await talk.told("todo.voice" if message.voice or message.audio else "command.kind_not_taken")
        return
    await _answer(talk, message, text)


def _service(message: Message) -> bool:
    return bool(message.migrate_from_chat_id or message.new_chat_members or message.left_chat_member
                or message.group_chat_created or message.supergroup_chat_created or message.pinned_message)  # fmt: skip


async def _command(talk: Talk, text: str) -> None:
    head, _, words = text[1:].partition(" ")
    name, _, bot = head.partition("@")
    if bot and talk.house.registry.bot_name and bot.lower() != talk.house.registry.bot_name.lower():
        return
    command = COMMANDS.get(name.lower())
    if command is None:
        if talk.private:
            await talk.told("command.unknown")
        return
    if talk.person is None and name.lower() not in FOR_ALL:
        raise Refused("unbound")
    await _turned_away(talk)
    await command(talk, words.strip())


async def _turned_away(talk: Talk) -> None:
    """Close the open question for plain text when a command comes; a reply to it still answers it."""
    asked = await talk.house.drafts.find_question(CHANNEL, talk.user_id, talk.now)
    if asked is not None and asked.what and asked.what != BINDING_QUESTION:
        await talk.leave(asked)


async def _answer(talk: Talk, message: Message, text: str) -> None:
    replied = message.reply_to_message is not None
    if not (talk.private or replied):
        return
    target = await _target(talk, message)
    if target is None and not talk.private:
        return  # group members talk to each other
    talk.actor  # noqa: B018 - refuses an unbound person before anything is read
    if target is not None and target.what == pin.WHAT and not attachments.carried(message):
        await pin.pin(talk, text)
        return
    if target is not None and target.what and review.about(target.what):
        await review.words(talk, target.what, target.subject, text)
        return
    if target is not None and target.what and sheet.about(target.what):
        await sheet.words(talk, target.what, target.subject, text, message)
        return
    if attachments.carried(message) and talk.private and (target is None or target.guessed):
        await loose.came(talk, message)
        return
    if target is None:
        await talk.told("ask.words" if talk.actor.is_unit_member else "order.how")
        return
    await _about(talk, message, text, target)


async def _target(talk: Talk, message: Message) -> Target | None:
    """Find the card or question replied to; in private also the last question, or the only open ticket."""
    asked = await talk.house.drafts.find_question(CHANNEL, talk.user_id, talk.now)
    if asked is not None and asked.what == BINDING_QUESTION:
        asked = None
    if message.reply_to_message is not None:
        number = str(message.reply_to_message.message_id)
        known = (asked.facts.get("messages") or {}).get(number) if asked else None
        if known:
            return Target(str(known[0]) or None, int(known[1]))
        held = await talk.house.book.find(CHANNEL, str(message.chat.id), number)
        if held is not None and held.kind == review.CARD and "request" in held.facts:
            request = int(held.facts["request"])
            asking = asked is not None and asked.facts.get("subject") == request and review.about(asked.what)
            return Target(asked.what if asked and asking else review.REQUEST, request)
        assignment = held.assignment_id if held else None
        if assignment is not None:
            same = asked is not None and asked.facts.get("subject") == assignment
            return Target(asked.what if asked and same else None, assignment)
        if not talk.private:
            return None
    if asked is not None and asked.what:
        return Target(asked.what, int(asked.facts.get("subject", 0)))
    if talk.person is None:
        return None
    count, items = await talk.house.drafts.list_todo(talk.person.unit, 1)
    return Target(None, items[0].assignment.id, guessed=True) if count == 1 else None


async def _about(talk: Talk, message: Message, text: str, target: Target) -> None:
    """Handle text and files about an assignment; a keyword wins over the open question."""
    case = await open_case(talk, target.subject)
    if target.what == supervisor.WHAT:
        await supervisor.words(talk, case, text)
        return
    if target.what in orders.ORDERS:
        await orders.words(talk, case, target.what, text)
        return
    said = parse_reply(text) if text else None
    if said is None and text and target.what in BY_VERB:
        said = ParsedReply(target.what, text) if target.what != "extend" else parse_reply(f"{_keyword(talk)} {text}")
    album = message.media_group_id
    files = await attachments.take(talk, message)
    verb = said.verb if said else None
    if files and verb in (None, "return") and (verb or target.what == "return" or await _returning(talk, case)):
        await return_.words(talk, case, said or ParsedReply("return"), files, album)
        return
    if files:
        await _attach(talk, case, files, album, quiet=said is not None)
    if said is None:
        if not files:
            await talk.told("ask.words" if talk.actor.is_unit_member else "order.how")
        return
    await BY_VERB[said.verb](talk, case, said)


def _keyword(talk: Talk) -> str:
    return talk.say_key("button.extend")


async def _returning(talk: Talk, case: Case) -> bool:
    return bool(await talk.house.drafts.load_draft(talk.who.code, case.id, "return"))


async def _attach(talk: Talk, case: Case, files: list[str], album: str | None, *, quiet: bool) -> None:
    """Keep files without text with the assignment; a later return uses them."""
    draft = await talk.house.drafts.load_draft(talk.who.code, case.id, "attach")
    kept = [*draft.get("files", ()), *files]
    await talk.house.drafts.save_draft(talk.who.code, case.id, "attach", {"files": kept, "album": album}, talk.now)
    if not quiet and (album is None or draft.get("album") != album):
        await talk.told("chat.files_received", n=len(kept), ticket_no=case.no)


async def _sign(talk: Talk, case: Case, said: ParsedReply) -> None:
    await sign.sign(talk, case)


async def _return(talk: Talk, case: Case, said: ParsedReply) -> None:
    await return_.words(talk, case, said, [], None)


#: verb of a reply (contract §6) → its handler
BY_VERB: dict[str, Callable[[Talk, Case, ParsedReply], Awaitable[None]]] = {
    "sign": _sign,
    "return": _return,
    "reply": reply.words,
    "close": reply.close_words,
    "extend": extend.words,
    "report_progress": progress.words,
}


async def edited(talk: Talk, message: Message) -> None:
    """Amend the reply that an edited message became, while that is allowed (FT29); ignore other edits."""
    if talk.person is None or not message.text:
        return
    assignment = await talk.house.drafts.find_reply_assignment(talk.who.code, str(message.message_id))
    if assignment is None:
        return
    said = parse_reply(message.text)
    text = said.text if said else message.text.strip()
    await talk.act("amend", assignment_id=assignment, text=text)
    await talk.told("command.edited")
