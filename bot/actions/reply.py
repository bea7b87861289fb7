"""填写答复: records the reply to the requester; curt wording is advised on before it is kept (A20, XM32)."""

from typing import Any

from backend.domain.button_data import ButtonData
from backend.domain.reply_parser import ParsedReply, find_curt_wording
from backend.domain.told_requester import find_way
from bot import drafts
from bot.actions import close
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed

VERB = "reply"


async def ask_reply(chat: Conversation, context: TicketContext) -> None:
    """Handle the button 填写答复."""
    check_allowed(chat, context, VERB)
    await chat.ask("ask.reply", VERB, context.assignment_id, ticket_no=context.ticket_no)


async def give_reply(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle 答复 内容…"""
    check_allowed(chat, context, VERB)
    if not parsed.text:
        await ask_reply(chat, context)
        return
    words = {"text": parsed.text, "files": list(parsed.files), "cause": parsed.cause or None, "message": chat.said_in}
    if found := find_curt_wording(parsed.text):
        code, word = found[0]
        await _advise(chat, context, words, chat.render(f"advice.{code}", word=word))
        return
    await _submit(chat, context, words)


async def _advise(chat: Conversation, context: TicketContext, words: dict[str, Any], advice: str) -> None:
    """Advise before anything is kept; they may submit it all the same, or write it anew (XM32)."""
    number = await drafts.keep(chat, context.assignment_id, VERB, words)
    keys: ButtonRows = (
        (
            ("button.submit", ButtonData("submit", context.assignment_id, number)),
            ("button.rewrite", ButtonData("drop_draft", context.assignment_id, number)),
        ),
    )
    sent = await chat.send_text(chat.render("ask.advice", advice=advice), keys)
    await chat.save_question(VERB, context.assignment_id, sent)
    await chat.show_toast(chat.render("toast.asked"))


async def submit_all_the_same(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Handle 仍然提交. Refused `draft_outdated`."""
    check_allowed(chat, context, VERB)
    words = await drafts.take(chat, context.assignment_id, VERB, press.value)
    await _submit(chat, context, words)
    await chat.remove_buttons()


async def _submit(chat: Conversation, context: TicketContext, words: dict[str, Any]) -> None:
    await chat.act(
        VERB,
        assignment_id=context.assignment_id,
        text=words["text"],
        files=words["files"],
        cause=words["cause"],
        way=find_way(words["text"]),
    )
    if words["message"] is not None:  # editing that message amends the reply (FT29)
        await drafts.keep(chat, context.assignment_id, "said", {"message": words["message"]})
    await drafts.drop(chat, context.assignment_id, VERB)
    await chat.delete_question()
    await chat.answer_key("toast.replied")
    await close.go_on(chat, context, cause=words["cause"])
