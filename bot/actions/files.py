"""Files that answer no card: offered for the person's only open ticket, attached after confirmation."""

from aiogram.types import Message

from backend.domain.button_data import ButtonData
from bot import attachments
from bot.actions import return_
from bot.conversation import Conversation
from bot.ticket_context import TicketContext

PENDING_DRAFT = "loose"  # files waiting for confirmation
ATTACHED_DRAFT = "attach"  # attached files (shown by `ticket`, used by a return)


async def receive_files(chat: Conversation, message: Message) -> None:
    """Handle files that are no reply while no question is open."""
    count, items = await chat.services.chat_state.list_todo(chat.bound_person.unit, 1)
    if count != 1:
        await chat.answer_key("todo.loose_many" if count else "todo.loose_none", n=count)
        return
    one, who = items[0], chat.bound_person.code
    draft = await chat.services.chat_state.load_draft(who, one.assignment.id, PENDING_DRAFT)
    files = [*draft.get("files", ()), *await attachments.store_files(chat, message)]
    album = message.media_group_id
    await chat.services.chat_state.save_draft(
        who, one.assignment.id, PENDING_DRAFT, {"files": files, "album": album}, chat.now
    )
    if album is not None and draft.get("album") == album:
        return  # one question per album
    keys = tuple((f"button.{name}", ButtonData(name, one.assignment.id)) for name in ("attach", "not_attach"))
    await chat.send_text(chat.render("todo.loose_one", n=len(files), ticket_no=one.ticket.no), (keys,))


async def attach_files(chat: Conversation, context: TicketContext) -> None:
    """Handle 附上: keep the files with the assignment; a started return continues with them."""
    who, drafts = chat.bound_person.code, chat.services.chat_state
    files = list((await drafts.load_draft(who, context.assignment_id, PENDING_DRAFT)).get("files", ()))
    await drafts.delete_draft(who, context.assignment_id, PENDING_DRAFT)
    await chat.remove_buttons()
    if not files:
        await chat.answer_key("bot.no_files")
        return
    kept = [*(await drafts.load_draft(who, context.assignment_id, ATTACHED_DRAFT)).get("files", ()), *files]
    await drafts.save_draft(who, context.assignment_id, ATTACHED_DRAFT, {"files": kept, "album": None}, chat.now)
    await chat.answer_key("chat.files_received", n=len(kept), ticket_no=context.ticket_no)
    if await drafts.load_draft(who, context.assignment_id, return_.VERB):
        await return_.continue_with_files(chat, context)


async def drop_files(chat: Conversation, context: TicketContext) -> None:
    """Handle 不附: drop the files."""
    await chat.services.chat_state.delete_draft(chat.bound_person.code, context.assignment_id, PENDING_DRAFT)
    await chat.remove_buttons()
    await chat.answer_key("todo.loose_dropped")
