"""申请延期: asks for working days, reason, and how the requester was informed (A24, Q30)."""

from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply
from bot.case import Case, check
from bot.talk import Rows, Talk

VERB = "extend"


async def start(talk: Talk, case: Case) -> None:
    """Handle the button: ask for days and reason."""
    check(talk, case, VERB)
    await talk.ask("ask.extend", VERB, case.id, no=case.no)


async def words(talk: Talk, case: Case, said: ParsedReply) -> None:
    """Handle 延期 3 原因…; a reason that mentions informing the requester skips that question."""
    check(talk, case, VERB)
    if said.days is None or not said.text:
        await talk.ask("ask.extend", VERB, case.id, no=case.no)
        return
    draft = {"days": said.days, "reason": said.text}
    await talk.house.drafts.save_draft(talk.who.code, case.id, VERB, draft, talk.now)
    if any(word in said.text for word in talk.say_key("bot.informed_words").split()):
        await informed(talk, case)
        return
    keys: Rows = ((("bot.informed_yes", case.press("informed")), ("bot.informed_no", case.press("go_back"))),)
    await talk.say(talk.say_key("bot.informed"), keys)


async def informed(talk: Talk, case: Case) -> None:
    """Request the extension; the requester was informed by telephone."""
    check(talk, case, VERB)
    draft = await talk.house.drafts.load_draft(talk.who.code, case.id, VERB)
    if not draft:
        raise Refused("reason_missing", field="reason")
    snapshot = await talk.house.office.snapshot()
    new_due = snapshot.add_limit(f"{int(draft['days'])}wd", case.assignment.close_due_at, case.assignment.unit)
    await talk.act(VERB, assignment_id=case.id, new_due_at=new_due, reason=draft["reason"],
                   requester_informed={"at": talk.now, "way": "phone"})  # fmt: skip
    await talk.house.drafts.delete_draft(talk.who.code, case.id, VERB)
    await talk.settled()
    await talk.strip()
    await talk.toast(talk.say_key("toast.extended"))
