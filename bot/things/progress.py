"""反馈进展, 说明情况, 提出异议, 申请协调: words that reach the supervisors."""

from backend.domain.reply_words import Words
from bot.case import Case, check
from bot.talk import Talk

VERB = "report_progress"

#: What the button asks for.
ASKS = {
    "report_progress": "ask.report_progress",
    "explain": "ask.explain",
    "object": "bot.object",
    "coordinate": "bot.coordinate",
    "call_supervisor": "bot.to_supervisor",
}


async def start(talk: Talk, case: Case, pressed: str) -> None:
    """One of the buttons."""
    check(talk, case, VERB)
    await talk.ask(ASKS[pressed], VERB, case.id, no=case.no)


async def words(talk: Talk, case: Case, said: Words) -> None:
    """进展 内容…"""
    check(talk, case, VERB)
    if not said.text:
        await talk.ask("ask.report_progress", VERB, case.id, no=case.no)
        return
    await talk.act(VERB, assignment_id=case.id, text=said.text)
    await talk.settled()
    await talk.told("toast.progressed")
