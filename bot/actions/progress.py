"""反馈进展: answers a supervision order."""

from backend.domain.reply_parser import ParsedReply
from bot.conversation import Conversation
from bot.ticket_context import TicketContext, check_allowed

PROGRESS_VERB = "report_progress"


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
    await chat.act(PROGRESS_VERB, assignment_id=context.assignment_id, text=parsed.text)
    await chat.delete_question()
    await chat.answer_key("toast.progressed")
