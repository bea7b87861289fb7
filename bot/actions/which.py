"""是哪一件？: text and files that answer no card are kept until their ticket is chosen (XM6, XM9)."""

from backend.domain.button_data import ButtonData, encode
from backend.domain.masking import cut
from backend.domain.offered_verbs import is_possible
from backend.domain.refusals import Refused
from backend.domain.reply_parser import parse_reply
from backend.ports.chat import TodoItem
from bot import attachments, drafts
from bot.actions.said import handle_said
from bot.conversation import Conversation
from bot.ticket_context import TicketContext
from notify.chat_events import Said
from notify.message import Button, Card

DRAFT = "which"  # kept about no assignment (0)
MAX_CHOICES = 10
MAX_SHOWN = 60  # characters of what was said


async def ask_which(chat: Conversation, message: Said, text: str) -> None:
    """Keep what was said and ask which ticket it is about; those where it is possible now come as buttons."""
    _, items = await chat.services.chat_state.list_todo(chat.bound_person.unit, MAX_CHOICES)
    if not items:
        await chat.answer_key("todo.loose_none")
        return
    album, before = message.album, await drafts.load(chat, 0, DRAFT)
    same = bool(album) and before.get("album") == album
    said = before if same else {"text": text, "files": [], "album": album, "message": message.message}
    files = [*said["files"], *await attachments.store_files(chat, message)]
    number = await drafts.keep(chat, 0, DRAFT, {**said, "files": files})
    if not same:  # one question an album
        await _ask(chat, [i for i in items if _is_possible(text, i)] or list(items), text, number)


def _is_possible(text: str, item: TodoItem) -> bool:
    parsed = parse_reply(text)
    return parsed is None or is_possible(item.assignment, parsed.verb)


async def _ask(chat: Conversation, items: list[TodoItem], text: str, number: int) -> None:
    only = len(items) == 1 and not text
    rows = [
        (Button(chat.render("button.attach") if only else i.ticket.ticket_no,
                encode(ButtonData("attach", i.assignment.id, number))),) for i in items
    ]  # fmt: skip
    rows.append((Button(chat.render("button.not_attach"), encode(ButtonData("not_attach", 0, number))),))
    if only:
        asked = chat.render("todo.loose_one", ticket_no=chat.name_ticket(items[0].ticket))
    else:
        listed = "\n".join(chat.name_ticket(i.ticket) for i in items)
        asked = chat.render("todo.which", text=cut(text, MAX_SHOWN), n=len(items), tickets=listed)
    await chat.send_card(Card(asked, tuple(rows)))


async def choose(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Handle a chosen ticket: what was kept is handled as a reply to its card. Refused `draft_outdated`."""
    said = await drafts.take(chat, 0, DRAFT, press.value)
    chat.said_in = said["message"]
    await chat.remove_buttons()
    try:
        await handle_said(chat, context, said["text"], said["files"])
    except Refused:  # it is kept, and may be about another one
        _, items = await chat.services.chat_state.list_todo(chat.bound_person.unit, MAX_CHOICES)
        await _ask(chat, list(items), said["text"], press.value)
        raise
    await drafts.drop(chat, 0, DRAFT)


async def drop(chat: Conversation, press: ButtonData) -> None:
    """Handle 不附: drop what was kept. Refused `draft_outdated`."""
    await drafts.take(chat, 0, DRAFT, press.value)
    await drafts.drop(chat, 0, DRAFT)
    await chat.remove_buttons()
    await chat.answer_key("todo.loose_dropped")
