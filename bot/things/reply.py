"""填写答复 and 办结: records the reply to the requester, then closes; closing without a reply asks for it first."""

from typing import Any

from backend.domain.reply_parser import ParsedReply, find_curt_wording
from bot.case import Case, check
from bot.talk import Rows, Talk

BEIJING = "beijing_mutual_aid"


async def start(talk: Talk, case: Case) -> None:
    """Handle the button 填写答复."""
    check(talk, case, "reply")
    await talk.ask("ask.reply", "reply", case.id, no=case.no)


async def words(talk: Talk, case: Case, said: ParsedReply) -> None:
    """Handle 答复 内容…; when closing waited for it, both go in one act."""
    check(talk, case, "reply")
    if not said.text:
        await talk.ask("ask.reply", "reply", case.id, no=case.no)
        return
    waiting = await talk.house.drafts.load_draft(talk.who.code, case.id, "close")
    if waiting.get("feedback") and not await _beijing(talk):
        await talk.act("close", assignment_id=case.id, text=said.text, feedback=waiting["feedback"], **_cause(said))
        await _kept(talk, case)
        await talk.house.drafts.delete_draft(talk.who.code, case.id, "close")
        await talk.settled()
        await _done(talk, said.text, "toast.closed")
        return
    await talk.act("reply", assignment_id=case.id, text=said.text, **_cause(said))
    await _kept(talk, case)
    await talk.settled()
    await _done(talk, said.text, "toast.replied")
    if waiting.get("feedback"):
        await _objection(talk, case)
    elif waiting:
        await talk.ask("ask.close", "close", case.id, no=case.no)


async def start_close(talk: Talk, case: Case) -> None:
    """Handle the button 办结."""
    check(talk, case, "close")
    if case.assignment.reply_text:
        await talk.ask("ask.close", "close", case.id, no=case.no)
        return
    await _reply_first(talk, case, "")


async def close_words(talk: Talk, case: Case, said: ParsedReply) -> None:
    """Handle 办结 反馈…"""
    check(talk, case, "close")
    if not case.assignment.reply_text:
        await _reply_first(talk, case, said.text)
        return
    if await _beijing(talk) and said.text:
        words = {"feedback": said.text, **_cause(said)}
        await talk.house.drafts.save_draft(talk.who.code, case.id, "close", words, talk.now)
        await _objection(talk, case)
        return
    await talk.act("close", assignment_id=case.id, feedback=said.text, **_cause(said))
    await talk.house.drafts.delete_draft(talk.who.code, case.id, "close")
    await talk.settled()
    await talk.toast(talk.say_key("toast.closed"))


async def no_objection(talk: Talk, case: Case) -> None:
    """Close with the requester's statement that they have no objection and ask for nothing more (A33)."""
    check(talk, case, "close")
    draft = await talk.house.drafts.load_draft(talk.who.code, case.id, "close")
    named: dict[str, Any] = {"cause": draft["cause"]} if draft.get("cause") else {}
    await talk.act("close", assignment_id=case.id, feedback=draft.get("feedback", ""), no_objection=True, **named)
    await talk.house.drafts.delete_draft(talk.who.code, case.id, "close")
    await talk.strip()
    await talk.told("toast.closed")


async def _reply_first(talk: Talk, case: Case, feedback: str) -> None:
    await talk.house.drafts.save_draft(talk.who.code, case.id, "close", {"feedback": feedback, "waits": True}, talk.now)
    await talk.ask("ask.close_reply_first", "reply", case.id, no=case.no)


async def _objection(talk: Talk, case: Case) -> None:
    keys: Rows = ((("bot.no_objection_yes", case.press("confirm")), ("button.go_back", case.press("go_back"))),)
    await talk.say(talk.say_key("bot.no_objection"), keys)
    await talk.toast(talk.say_key("toast.asked"))


def _cause(said: ParsedReply) -> dict[str, Any]:
    """Return the cause found, where the reply named one (A13, A32)."""
    return {"cause": said.cause} if said.cause else {}


async def _beijing(talk: Talk) -> bool:
    return (await talk.house.office.snapshot()).settings.text("profile") == BEIJING


async def _kept(talk: Talk, case: Case) -> None:
    """Store which message became the reply, so that editing it amends the reply (FT29)."""
    if talk.message is not None:
        words = {"message": str(talk.message.message_id)}
        await talk.house.drafts.save_draft(talk.who.code, case.id, "said", words, talk.now)


async def _done(talk: Talk, text: str, key: str) -> None:
    """Confirm, with a hint when the wording was harsh (A20: advice only)."""
    found = find_curt_wording(text)
    if not found:
        await talk.told(key)
        return
    code, word = found[0]
    await talk.told("ask.advice", advice=talk.say_key(f"advice.{code}", word=word))
