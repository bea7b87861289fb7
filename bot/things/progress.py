"""反馈进展: answers a supervision order."""

from backend.domain.reply_parser import ParsedReply
from bot.case import Case, check
from bot.talk import Talk

VERB = "report_progress"


async def start(talk: Talk, case: Case) -> None:
    """Handle the button: ask for the progress."""
    check(talk, case, VERB)
    await talk.ask("ask.report_progress", VERB, case.id, no=case.no)


async def words(talk: Talk, case: Case, said: ParsedReply) -> None:
    """Handle 进展 内容…"""
    check(talk, case, VERB)
    if not said.text:
        await talk.ask("ask.report_progress", VERB, case.id, no=case.no)
        return
    await talk.act(VERB, assignment_id=case.id, text=said.text)
    await talk.settled()
    await talk.told("toast.progressed")
