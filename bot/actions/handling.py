"""Signing, contacting the requester, reporting progress, and acts that need at most one sentence."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.domain.move_table import BY_VERB
from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed, load_context

PROGRESS_VERB = "report_progress"
#: button → how the requester was reached; None: they were not
CONTACT_RESULTS = {"reached": "phone", "met": "visit", "not_reached": None}
PLACEHOLDER = "…"  # for a sentence not yet said


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


async def sign(chat: Conversation, context: TicketContext, seen_version: int | None = None) -> None:
    """Sign for the assignment; if a colleague was faster, say who signed and when (FT15)."""
    try:
        await chat.act("sign", assignment_id=context.assignment_id, seen_version=seen_version)
    except Refused as refused:
        if refused.code not in ("overtaken", "not_now"):
            raise
        now = (await load_context(chat, context.assignment_id)).assignment
        if now.signed_at is None or now.ended_at is not None:
            raise
        await chat.answer_key(
            "toast.already_signed",
            name=await chat.get_name(now.signed_by or "system"),
            at=chat.format_time(now.signed_at),
        )
        await chat.update_card()
        return
    await chat.answer_key("toast.signed")


async def start_contact(chat: Conversation, context: TicketContext) -> None:
    """Handle the button: start a bridge call, and offer to log a contact made another way."""
    check_allowed(chat, context, "contact")
    keys: ButtonRows = [[(f"bot.{verb}", context.build_button_data(verb))] for verb in CONTACT_RESULTS]
    await chat.send_text(await _start_bridge(chat, context), keys)
    await chat.show_toast(chat.render("toast.asked"))


async def _start_bridge(chat: Conversation, context: TicketContext) -> str:
    """Start the bridge; return the text that says so, or why the handler must call on their own."""
    try:
        begun = await chat.services.calls.start_bridge(chat.actor, assignment_id=context.assignment_id)
    except Refused as no:
        why = chat.services.texts.render_refusal(no.code, no.facts)
        return chat.render("bot.bridging_not", why=why)
    return chat.render("bot.bridging", to=begun.to)


async def log_contact(chat: Conversation, context: TicketContext, result: str) -> None:
    """Log whether the requester was reached, and how, as the button says."""
    way = CONTACT_RESULTS[result]
    await chat.act("contact", assignment_id=context.assignment_id, way=way, reached=way is not None)
    await chat.remove_buttons()
    await chat.answer_key("bot.contact_no" if way is None else "bot.contact_yes")


async def ask_progress(chat: Conversation, context: TicketContext) -> None:
    """Handle the button: ask for the progress."""
    check_allowed(chat, context, PROGRESS_VERB)
    await chat.ask("ask.report_progress", PROGRESS_VERB, context.assignment_id, ticket_no=context.ticket_no)


async def report_progress(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle 进展 内容…"""
    check_allowed(chat, context, PROGRESS_VERB)
    if not parsed.text:
        await chat.ask("ask.report_progress", PROGRESS_VERB, context.assignment_id, ticket_no=context.ticket_no)
        return
    await chat.act(PROGRESS_VERB, assignment_id=context.assignment_id, text=parsed.text, files=list(parsed.files))
    await chat.delete_question()
    await chat.answer_key("toast.progressed")


async def start_simple_act(chat: Conversation, context: TicketContext, button: str) -> None:
    """Handle the button: ask for the sentence, or perform the act at once where none is needed."""
    order = SIMPLE_ACTS[button]
    check_allowed(chat, context, order.verb)
    if order.argument:
        sample = {**order.arguments, order.argument: PLACEHOLDER}
        await chat.check(order.verb, context.snap, context.assignment_id, **sample)  # refused before it is asked (XM21)
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
    due = result.plan.entry.arguments.get("due_at") if result.plan else None
    facts = {"due": chat.format_time(datetime.fromisoformat(due))} if isinstance(due, str) else {"due": ""}
    await chat.answer_key(f"order.done_{button}", ticket_no=context.ticket_no, **facts)
