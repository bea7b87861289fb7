"""申请延期: working days and reason are checked first, then it is asked once whether the requester knows (A24, Q30, XM21)."""

from datetime import datetime, timedelta
from typing import Any

from backend.domain.button_data import ButtonData
from backend.domain.limits import Limit
from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply
from backend.domain.told_requester import find_way
from bot import drafts
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed

VERB = "extend"
BEYOND = timedelta(days=3_650)  # longer than any extension may be
#: button → how the requester was told why
INFORMED_WAYS = {"informed": "phone", "informed_in_person": "visit"}


async def ask_extension(chat: Conversation, context: TicketContext) -> None:
    """Handle the button: ask for days and reason, unless an extension is refused already."""
    await _check(chat, context, await _add_days(chat, context, 1), "…")
    rules = (await chat.services.office.snapshot()).settings
    most = Limit.parse(rules.text("extension.max_length")).workdays
    await chat.ask("ask.extend", VERB, context.assignment_id, ticket_no=context.ticket_no, facts={"most": most})


async def collect_extension(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle 延期 3 原因…; where it says how the requester was told, nothing is asked."""
    if parsed.days is None or not parsed.text:
        await ask_extension(chat, context)
        return
    new_due = await _add_days(chat, context, parsed.days)
    await _check(chat, context, new_due, parsed.text)
    words = {"days": parsed.days, "reason": parsed.text, "files": list(parsed.files)}
    number = await drafts.keep(chat, context.assignment_id, VERB, words)
    if way := find_way(parsed.told):
        await _submit(chat, context, words, way)
        return
    keys: ButtonRows = (
        tuple((f"bot.{verb}", ButtonData(verb, context.assignment_id, number)) for verb in INFORMED_WAYS),
        (("bot.informed_no", ButtonData("drop_draft", context.assignment_id, number)),),
    )
    asked = chat.render("bot.informed_how" if parsed.told else "bot.informed_whether", ticket_no=chat.name_ticket(context.snap.ticket), n=parsed.days,
                        new_due=chat.format_time(new_due), reason=parsed.text.rstrip("。."))  # fmt: skip
    await chat.send_text(asked, keys)


async def request_extension(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Request what this button stands under; the requester was informed as it says. Refused `draft_outdated`."""
    check_allowed(chat, context, VERB)
    words = await drafts.take(chat, context.assignment_id, VERB, press.value)
    await _submit(chat, context, words, INFORMED_WAYS[press.verb])
    await chat.remove_buttons()


async def _submit(chat: Conversation, context: TicketContext, words: dict[str, Any], way: str) -> None:
    new_due = await _add_days(chat, context, int(words["days"]))
    await chat.act(VERB, assignment_id=context.assignment_id, files=words["files"],
                   **_build_arguments(chat, new_due, words["reason"], way))  # fmt: skip
    await drafts.drop(chat, context.assignment_id, VERB)
    await chat.delete_question()
    await chat.show_toast(chat.render("toast.extended"))


async def _add_days(chat: Conversation, context: TicketContext, days: int) -> datetime:
    """Return the closing time that many working days later; past the calendar's end one that is later in any case."""
    snapshot, due = await chat.services.office.snapshot(), context.assignment.close_due_at
    try:
        return snapshot.add_limit(f"{days}wd", due, context.assignment.unit)
    except Refused as refused:
        if refused.code != "calendar_ends":
            raise
        return due + BEYOND


async def _check(chat: Conversation, context: TicketContext, new_due: datetime, reason: str) -> None:
    """Refuse what would be refused, before the person is asked anything (XM21)."""
    check_allowed(chat, context, VERB)
    await chat.check(VERB, context.snap, context.assignment_id, **_build_arguments(chat, new_due, reason))


def _build_arguments(chat: Conversation, new_due: datetime, reason: str, way: str = "phone") -> dict[str, Any]:
    informed = {"at": chat.now, "way": way}
    return {"new_due_at": new_due, "reason": reason, "requester_informed": informed}
