"""Dispatches button presses: decoded, answered once; forged or outdated ones change nothing."""

from collections.abc import Awaitable, Callable

from backend.domain.button_data import ButtonData, decode
from backend.domain.captions import find_caption, read_captions
from backend.domain.refusals import Refused
from backend.domain.reply_parser import parse_reply, parse_sole_number
from bot.actions import (
    close,
    extend,
    hand_on,
    handling,
    office,
    reply,
    return_,
    review,
    scores,
    supervising,
    ticket,
    todo,
    which,
)
from bot.conversation import Conversation
from bot.ticket_context import TicketContext, load_context
from notify.chat_events import Said

AssignmentHandler = Callable[[Conversation, TicketContext, ButtonData], Awaitable[None]]
OUTDATED_REFUSALS = ("overtaken", "not_now", "nothing_pending", "draft_outdated")


async def _sign(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    await handling.sign(chat, context, press.value)


async def _view(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    await ticket.show_details(chat, context)


async def _simple_act(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    await handling.start_simple_act(chat, context, press.verb)


async def _log_contact(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    await handling.log_contact(chat, context, press.verb)


def _without_press(work: Callable[[Conversation, TicketContext], Awaitable[None]]) -> AssignmentHandler:
    async def done(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
        await work(chat, context)

    return done


#: verb of a press about an assignment → its handler
ASSIGNMENT_HANDLERS: dict[str, AssignmentHandler] = {
    "sign": _sign,
    "view": _view,
    "return": _without_press(return_.start_return),
    "seal": return_.set_signature,
    "leader": return_.set_signature,
    "go_on": return_.continue_late_return,
    "go_back": _without_press(return_.cancel_drafts),
    "drop_draft": return_.drop_draft,
    "reply": _without_press(reply.ask_reply),
    "submit": reply.submit_all_the_same,
    "close": _without_press(close.ask_close),
    "confirm": close.close_as_solved,
    "explained": close.ask_explanation,
    "extend": _without_press(extend.ask_extension),
    **dict.fromkeys(extend.INFORMED_WAYS, extend.request_extension),
    "contact": _without_press(handling.start_contact),
    **dict.fromkeys(handling.CONTACT_RESULTS, _log_contact),
    "report_progress": _without_press(handling.ask_progress),
    "call_supervisor": _without_press(supervising.ask_supervisor_message),
    "hand_on": _without_press(hand_on.ask_unit),
    "entrust": hand_on.choose_unit,
    "transfer": hand_on.choose_unit,
    "call_unit": _without_press(supervising.call_unit),
    "whole": _without_press(ticket.open_ticket),
    "attach": which.choose,
    "pass_to_duty": _without_press(ticket.pass_to_duty),
    "view_files": _without_press(ticket.send_ticket_files),
    "todo": _without_press(todo.resend_card),
    **dict.fromkeys(handling.SIMPLE_ACTS, _simple_act),
}
#: read-only verbs, allowed even after the assignment has ended
READ_ONLY_VERBS = frozenset({"view_files", "whole"})
#: under a ticket's number; the number itself opens it as well
OPENING_VERBS = frozenset({"todo", "whole"})


async def _snooze(chat: Conversation, press: ButtonData) -> None:
    await todo.snooze(chat, press.subject)


async def _class(chat: Conversation, press: ButtonData) -> None:
    await review.choose_class(chat, press.subject, press.value)


async def _agree(chat: Conversation, press: ButtonData) -> None:
    await review.approve(chat, press.subject)


async def _disagree(chat: Conversation, press: ButtonData) -> None:
    await review.ask_refusal_reason(chat, press.subject)


async def _next(chat: Conversation, press: ButtonData) -> None:
    await todo.show_next(chat, press.subject)


async def _page(chat: Conversation, press: ButtonData) -> None:
    await todo.show_page(chat, press.subject)


async def _lines(chat: Conversation, press: ButtonData) -> None:
    await scores.show_lines(chat, press.subject)


async def _contest(chat: Conversation, press: ButtonData) -> None:
    await scores.choose_line(chat, press.subject, press.value)


async def _contest_line(chat: Conversation, press: ButtonData) -> None:
    await scores.ask_contest_reason(chat, press.subject, press.value)


async def _overdue(chat: Conversation, press: ButtonData) -> None:
    await office.show_overdue(chat)


async def _undelivered(chat: Conversation, press: ButtonData) -> None:
    await office.show_undelivered(chat)


#: verb of a press about a request, a run or no single ticket → its handler
OTHER_HANDLERS: dict[str, Callable[[Conversation, ButtonData], Awaitable[None]]] = {
    "snooze": _snooze,
    "agree": _agree,
    "disagree": _disagree,
    "class": _class,
    "next": _next,
    "todo_page": _page,
    "lines": _lines,
    "contest": _contest,
    "contest_line": _contest_line,
    "not_attach": which.drop,
    "confirm_order": supervising.confirm_order,
    "drop_order": supervising.drop_order,
    "overdue": _overdue,
    "undelivered": _undelivered,
}


async def handle_press(chat: Conversation) -> None:
    """Handle a button press."""
    chat.answer_in_time()
    await _press(chat, chat.press.data if chat.press else None)


async def handle_typed(chat: Conversation, said: Said, text: str) -> bool:
    """Handle the caption of a button as its press: of the message replied to, or of those shown last (XM9).

    What a word or a number does by itself is left to it; False for that, and for whatever is no caption.
    """
    replied = said.reply_to
    if replied is not None:
        data, pressed = find_caption(text, read_captions(replied.buttons)), replied.message
    else:
        open_ = await chat.find_question() if chat.private else None
        kept = open_.facts.get("captions", {}) if open_ else {}
        data = find_caption(text, {caption: row[0] for caption, row in kept.items()})
        pressed = next((row[1] for row in kept.values() if row[0] == data), "")
    press = decode(data)
    if press is None or ((parsed := parse_reply(text)) is not None and parsed.verb == press.verb):
        return False
    if replied is None and press.verb in OPENING_VERBS and parse_sole_number(text):
        return False
    chat.pressed_id = pressed
    await _press(chat, data)
    await chat.say_unsaid()
    return True


async def _press(chat: Conversation, data: str | None) -> None:
    press = decode(data)
    try:
        if press is None:
            await chat.audit("forged_press", data=repr(data)[:80])
            await chat.answer_key("toast.unknown_button")
            return
        await _dispatch_press(chat, press)
    except Refused as refused:
        await chat.audit_refusal("press_refused", refused, data=repr(data)[:80])
        await chat.refuse(refused)
        if refused.code in OUTDATED_REFUSALS:
            await chat.update_card()
    finally:
        await chat.show_toast("")  # stops the app's spinner if nothing was answered


async def _dispatch_press(chat: Conversation, press: ButtonData) -> None:
    if press.verb in OTHER_HANDLERS:
        chat.actor  # noqa: B018 - refuses an unbound person
        await OTHER_HANDLERS[press.verb](chat, press)
        return
    if press.verb == "todo" and press.subject == 0:
        await todo.show_next(chat)
        return
    if press.verb == "view_files" and await review.send_request_files(chat, press.subject):
        return
    case = await load_context(chat, press.subject)
    if case.assignment.ended_at is not None and press.verb not in READ_ONLY_VERBS:
        await chat.answer_key("message.closed_line")
        await chat.remove_buttons()
        return
    await ASSIGNMENT_HANDLERS[press.verb](chat, case, press)
