"""申请延期: asks for working days, reason, and how the requester was informed (A24, Q30)."""

from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed

VERB = "extend"


async def ask_extension(chat: Conversation, context: TicketContext) -> None:
    """Handle the button: ask for days and reason."""
    check_allowed(chat, context, VERB)
    await chat.ask("ask.extend", VERB, context.assignment_id, ticket_no=context.ticket_no)


async def collect_extension(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle 延期 3 原因…; a reason that mentions informing the requester skips that question."""
    check_allowed(chat, context, VERB)
    if parsed.days is None or not parsed.text:
        await chat.ask("ask.extend", VERB, context.assignment_id, ticket_no=context.ticket_no)
        return
    draft = {"days": parsed.days, "reason": parsed.text}
    await chat.services.chat_state.save_draft(chat.bound_person.code, context.assignment_id, VERB, draft, chat.now)
    if any(word in parsed.text for word in chat.render("bot.informed_words").split()):
        await request_extension(chat, context)
        return
    keys: ButtonRows = (
        (
            ("bot.informed_yes", context.build_button_data("informed")),
            ("bot.informed_no", context.build_button_data("go_back")),
        ),
    )
    await chat.send_text(chat.render("bot.informed"), keys)


async def request_extension(chat: Conversation, context: TicketContext) -> None:
    """Request the extension; the requester was informed by telephone."""
    check_allowed(chat, context, VERB)
    draft = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, VERB)
    if not draft:
        raise Refused("reason_missing", field="reason")
    snapshot = await chat.services.office.snapshot()
    new_due = snapshot.add_limit(f"{int(draft['days'])}wd", context.assignment.close_due_at, context.assignment.unit)
    await chat.act(VERB, assignment_id=context.assignment_id, new_due_at=new_due, reason=draft["reason"],
                   requester_informed={"at": chat.now, "way": "phone"})  # fmt: skip
    await chat.services.chat_state.delete_draft(chat.bound_person.code, context.assignment_id, VERB)
    await chat.delete_question()
    await chat.remove_buttons()
    await chat.show_toast(chat.render("toast.extended"))
