"""What somebody says about one of their tickets: a keyword, text and files become an act, or a question."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from backend.domain.reply_parser import ParsedReply, parse_reply
from bot import drafts
from bot.actions import close, extend, hand_on, handling, reply, return_
from bot.conversation import Conversation
from bot.ticket_context import TicketContext

ALBUM = "album"  # the draft that remembers which album was confirmed last


async def handle_said(
    chat: Conversation, context: TicketContext, text: str, files: Sequence[str], album: str | None = None,
    question: str | None = None,
) -> None:  # fmt: skip
    """Handle text and files about an assignment; a keyword wins over the open question.

    What is confirmed is on the ticket: files go with the act their text becomes, else in an act of their own (XM6).
    """
    parsed = _parse(chat, text, question)
    seen = album is not None and await _is_same_album(chat, context, album)
    if await _is_about_return(chat, context, parsed, question, files=bool(files)):
        await return_.collect_return(chat, context, parsed or ParsedReply("return"), files, album=album, quiet=seen)
        return
    if files and not (parsed and parsed.text):
        await _attach(chat, context, files, quiet=seen or parsed is not None, final=parsed is None)
    if parsed is not None:
        await REPLY_HANDLERS[parsed.verb](chat, context, replace(parsed, files=tuple(files) if parsed.text else ()))
    elif not files:
        await chat.answer_key("ask.words" if chat.actor.is_unit_member else "order.how")


def _parse(chat: Conversation, text: str, question: str | None) -> ParsedReply | None:
    parsed = parse_reply(text) if text else None
    if parsed is not None or not text or question not in REPLY_HANDLERS:
        return parsed
    if question == extend.VERB:
        return parse_reply(f"{chat.render('button.extend')} {text}")
    return ParsedReply(question, text)


async def _is_about_return(
    chat: Conversation, context: TicketContext, parsed: ParsedReply | None, question: str | None, *, files: bool
) -> bool:
    """Whether this belongs to a return: it says so, or files come while one is being collected."""
    if parsed is not None:
        return parsed.verb == return_.VERB
    return files and (question == return_.VERB or bool(await drafts.load(chat, context.assignment_id, return_.VERB)))


async def _is_same_album(chat: Conversation, context: TicketContext, album: str) -> bool:
    """Whether another photo of the same album was answered already; an album is answered once."""
    before = await drafts.load(chat, context.assignment_id, ALBUM)
    if before.get("album") == album:
        return True
    await drafts.keep(chat, context.assignment_id, ALBUM, {"album": album})
    return False


async def _attach(
    chat: Conversation, context: TicketContext, files: Sequence[str], *, quiet: bool, final: bool
) -> None:
    """Attach files, and say so unless an answer follows; `final`: nothing else is done about this update."""
    await chat.act("attach", assignment_id=context.assignment_id, final=final, files=list(files))
    if not quiet:
        count = len(context.snap.list_files(chat.actor, context.assignment_id)) + len(files)
        await chat.answer_key("message.files_received", n=count, ticket_no=context.ticket_no)


async def _sign(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    await handling.sign(chat, context)


#: verb of a reply (contract §6) → its handler; 退单 is collected before
REPLY_HANDLERS: dict[str, Callable[[Conversation, TicketContext, ParsedReply], Awaitable[None]]] = {
    "sign": _sign,
    "return": return_.collect_return,
    "reply": reply.give_reply,
    "close": close.collect_close,
    "cause": close.give_cause,
    "explanation": close.give_explanation,
    "extend": extend.collect_extension,
    "report_progress": handling.report_progress,
    "hand_on": hand_on.name_unit,
}
