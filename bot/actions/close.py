"""办结: asks what the console's form asks – feedback, cause, kind of closing, objection – as one choice (XM8, A32, A33)."""

from typing import Any

from backend.domain.button_data import ButtonData
from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply, find_day
from bot import drafts
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed, load_context

VERB = "close"


async def ask_close(chat: Conversation, context: TicketContext) -> None:
    """Handle the button 办结."""
    check_allowed(chat, context, VERB)
    if context.assignment.reply_text:
        await chat.ask("ask.close", VERB, context.assignment_id, ticket_no=context.ticket_no)
        return
    await _ask_reply_first(chat, context, {})


async def collect_close(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle 办结 反馈… [原因：…]"""
    check_allowed(chat, context, VERB)
    words = {"feedback": parsed.text, "cause": parsed.cause or None, "files": list(parsed.files)}
    if not context.assignment.reply_text:
        await _ask_reply_first(chat, context, words)
        return
    await _proceed(chat, context, words)


async def go_on(chat: Conversation, context: TicketContext, *, cause: str | None) -> None:
    """Go on with a closing that waited for its reply; ask for what it still lacks."""
    waiting = await drafts.load(chat, context.assignment_id, VERB)
    if not waiting:
        return
    now = await load_context(chat, context.assignment_id)
    if waiting.get("feedback"):
        await _proceed(chat, now, waiting | {"cause": waiting.get("cause") or cause})
    else:
        await chat.ask("ask.close", VERB, context.assignment_id, ticket_no=context.ticket_no)


async def give_cause(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle the answer to the question for the cause (A32)."""
    check_allowed(chat, context, VERB)
    waiting = await drafts.load(chat, context.assignment_id, VERB)
    if not waiting:
        raise Refused("draft_outdated")
    await _proceed(chat, context, waiting | {"cause": parsed.text, "files": [*waiting["files"], *parsed.files]})


async def _proceed(chat: Conversation, context: TicketContext, words: dict[str, Any]) -> None:
    """Ask for the cause where it is demanded and unknown, then for the kind of closing; close where words say both."""
    rules = (await chat.services.office.snapshot()).settings
    number = await drafts.keep(chat, context.assignment_id, VERB, words)
    if rules.flag("close.requires_cause") and not (words["cause"] or context.assignment.cause):
        await chat.ask("ask.cause", "cause", context.assignment_id, ticket_no=context.ticket_no)
        return
    if await _says_no_objection(chat, context, words):
        await _close(chat, context, words, no_objection=True)
        return
    buttons = (("close_solved", "confirm"), ("close_explained", "explained"), ("close_not", "drop_draft"))
    keys: ButtonRows = [[(f"button.{name}", ButtonData(verb, context.assignment_id, number))] for name, verb in buttons]
    facts = {"feedback": words["feedback"], "cause": words["cause"] or context.assignment.cause}
    await chat.send_text(chat.render("bot.close_how", ticket_no=chat.name_ticket(context.snap.ticket), **facts), keys)
    await chat.show_toast(chat.render("toast.asked"))


async def _says_no_objection(chat: Conversation, context: TicketContext, words: dict[str, Any]) -> bool:
    """Whether the feedback itself answers the question, without doubt: in so many words, or by content alone where the
    rules do not ask for an explicit statement (A33)."""
    said = words["feedback"]
    plain = [word for word in chat.render("bot.no_objection_words").split() if word in said]
    for word in plain:
        said = said.replace(word, "")
    if any(word in said for word in chat.render("bot.doubt_words").split()):
        return False
    if plain or not any(word in said for word in chat.render("bot.content_words").split()):
        return bool(plain)
    try:
        await chat.check(VERB, context.snap, context.assignment_id, **_pick(words))
    except Refused:
        return False
    return True


def _pick(words: dict[str, Any]) -> dict[str, Any]:
    return {name: words[name] for name in ("feedback", "cause", "files")}


async def close_as_solved(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Handle 已解决，诉求人无异议 (A33). Refused `draft_outdated`."""
    check_allowed(chat, context, VERB)
    words = await drafts.take(chat, context.assignment_id, VERB, press.value)
    await _close(chat, context, words, no_objection=True)
    await chat.remove_buttons()


async def ask_explanation(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Handle 暂不能解决，已作解释: ask for the explanation, and a day to check again (A25). Refused `draft_outdated`."""
    check_allowed(chat, context, VERB)
    await drafts.take(chat, context.assignment_id, VERB, press.value)
    await chat.remove_buttons()
    await chat.ask("ask.explanation", "explanation", context.assignment_id, ticket_no=context.ticket_no)


async def give_explanation(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle the explanation: it waits for a supervisor (T21)."""
    check_allowed(chat, context, VERB)
    words = await drafts.load(chat, context.assignment_id, VERB)
    if not words:
        raise Refused("draft_outdated")
    words = words | {"files": [*words["files"], *parsed.files]}
    explained = {
        "close_type": "explained_unresolvable",
        "explanation": parsed.text,
        "revisit_on": find_day(parsed.text),
    }
    await _close(chat, context, words, **explained)


async def _close(chat: Conversation, context: TicketContext, words: dict[str, Any], **arguments: Any) -> None:
    await chat.act(VERB, assignment_id=context.assignment_id, **_pick(words), **arguments)
    await drafts.drop(chat, context.assignment_id, VERB)
    await chat.delete_question()
    if "explanation" in arguments:
        await chat.answer_key("bot.explained_sent")
    elif words.get("waits"):  # it was said before its reply: the reply's answer is not enough
        await chat.answer_key("toast.closed")
    else:
        await chat.show_toast(chat.render("toast.closed"))


async def _ask_reply_first(chat: Conversation, context: TicketContext, words: dict[str, Any]) -> None:
    waiting = {"feedback": "", "cause": None, "files": [], **words, "waits": True}
    await drafts.keep(chat, context.assignment_id, VERB, waiting)
    await chat.ask("ask.close_reply_first", "reply", context.assignment_id, ticket_no=context.ticket_no)
