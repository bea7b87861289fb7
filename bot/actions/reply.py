"""填写答复 and 办结: records the reply to the requester, then closes; closing without a reply asks for it first."""

from typing import Any

from backend.domain.reply_parser import ParsedReply, find_curt_wording
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed

BEIJING = "beijing_mutual_aid"


async def ask_reply(chat: Conversation, context: TicketContext) -> None:
    """Handle the button 填写答复."""
    check_allowed(chat, context, "reply")
    await chat.ask("ask.reply", "reply", context.assignment_id, ticket_no=context.ticket_no)


async def give_reply(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle 答复 内容…; when closing waited for it, both go in one act."""
    check_allowed(chat, context, "reply")
    if not parsed.text:
        await chat.ask("ask.reply", "reply", context.assignment_id, ticket_no=context.ticket_no)
        return
    waiting = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, "close")
    if waiting.get("feedback") and not await _asks_no_objection(chat):
        await chat.act(
            "close",
            assignment_id=context.assignment_id,
            text=parsed.text,
            feedback=waiting["feedback"],
            **_cause_argument(parsed),
        )
        await _store_reply_message(chat, context)
        await chat.services.chat_state.delete_draft(chat.bound_person.code, context.assignment_id, "close")
        await chat.delete_question()
        await _confirm(chat, parsed.text, "toast.closed")
        return
    await chat.act("reply", assignment_id=context.assignment_id, text=parsed.text, **_cause_argument(parsed))
    await _store_reply_message(chat, context)
    await chat.delete_question()
    await _confirm(chat, parsed.text, "toast.replied")
    if waiting.get("feedback"):
        await _ask_objection(chat, context)
    elif waiting:
        await chat.ask("ask.close", "close", context.assignment_id, ticket_no=context.ticket_no)


async def ask_close(chat: Conversation, context: TicketContext) -> None:
    """Handle the button 办结."""
    check_allowed(chat, context, "close")
    if context.assignment.reply_text:
        await chat.ask("ask.close", "close", context.assignment_id, ticket_no=context.ticket_no)
        return
    await _ask_reply_first(chat, context, "")


async def close(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle 办结 反馈…"""
    check_allowed(chat, context, "close")
    if not context.assignment.reply_text:
        await _ask_reply_first(chat, context, parsed.text)
        return
    if await _asks_no_objection(chat) and parsed.text:
        words = {"feedback": parsed.text, **_cause_argument(parsed)}
        await chat.services.chat_state.save_draft(
            chat.bound_person.code, context.assignment_id, "close", words, chat.now
        )
        await _ask_objection(chat, context)
        return
    await chat.act("close", assignment_id=context.assignment_id, feedback=parsed.text, **_cause_argument(parsed))
    await chat.services.chat_state.delete_draft(chat.bound_person.code, context.assignment_id, "close")
    await chat.delete_question()
    await chat.show_toast(chat.render("toast.closed"))


async def close_without_objection(chat: Conversation, context: TicketContext) -> None:
    """Close with the requester's statement that they have no objection and ask for nothing more (A33)."""
    check_allowed(chat, context, "close")
    draft = await chat.services.chat_state.load_draft(chat.bound_person.code, context.assignment_id, "close")
    named: dict[str, Any] = {"cause": draft["cause"]} if draft.get("cause") else {}
    await chat.act(
        "close", assignment_id=context.assignment_id, feedback=draft.get("feedback", ""), no_objection=True, **named
    )
    await chat.services.chat_state.delete_draft(chat.bound_person.code, context.assignment_id, "close")
    await chat.remove_buttons()
    await chat.answer_key("toast.closed")


async def _ask_reply_first(chat: Conversation, context: TicketContext, feedback: str) -> None:
    await chat.services.chat_state.save_draft(
        chat.bound_person.code, context.assignment_id, "close", {"feedback": feedback, "waits": True}, chat.now
    )
    await chat.ask("ask.close_reply_first", "reply", context.assignment_id, ticket_no=context.ticket_no)


async def _ask_objection(chat: Conversation, context: TicketContext) -> None:
    keys: ButtonRows = (
        (
            ("bot.no_objection_yes", context.build_button_data("confirm")),
            ("button.go_back", context.build_button_data("go_back")),
        ),
    )
    await chat.send_text(chat.render("bot.no_objection"), keys)
    await chat.show_toast(chat.render("toast.asked"))


def _cause_argument(parsed: ParsedReply) -> dict[str, Any]:
    """Return the cause found, where the reply named one (A13, A32)."""
    return {"cause": parsed.cause} if parsed.cause else {}


async def _asks_no_objection(chat: Conversation) -> bool:
    return (await chat.services.office.snapshot()).settings.text("profile") == BEIJING


async def _store_reply_message(chat: Conversation, context: TicketContext) -> None:
    """Store which message became the reply, so that editing it amends the reply (FT29)."""
    if chat.message is not None:
        words = {"message": str(chat.message.message_id)}
        await chat.services.chat_state.save_draft(
            chat.bound_person.code, context.assignment_id, "said", words, chat.now
        )


async def _confirm(chat: Conversation, text: str, key: str) -> None:
    """Confirm, with a hint when the wording was harsh (A20: advice only)."""
    found = find_curt_wording(text)
    if not found:
        await chat.answer_key(key)
        return
    code, word = found[0]
    await chat.answer_key("ask.advice", advice=chat.render(f"advice.{code}", word=word))
