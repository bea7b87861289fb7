"""Files that answer no card: offered for the person's only open ticket, attached after confirmation."""

from aiogram.types import Message

from backend.domain.button_data import ButtonData
from bot import attachments
from bot.case import Case
from bot.talk import Talk
from bot.things import return_

DRAFT = "loose"  # files waiting for confirmation
ATTACHED = "attach"  # attached files (shown by things/view, used by a return)


async def came(talk: Talk, message: Message) -> None:
    """Handle files that are no reply while no question is open."""
    count, items = await talk.house.drafts.list_todo(talk.who.unit, 1)
    if count != 1:
        await talk.told("todo.loose_many" if count else "todo.loose_none", n=count)
        return
    one, who = items[0], talk.who.code
    draft = await talk.house.drafts.load_draft(who, one.assignment.id, DRAFT)
    files = [*draft.get("files", ()), *await attachments.take(talk, message)]
    album = message.media_group_id
    await talk.house.drafts.save_draft(who, one.assignment.id, DRAFT, {"files": files, "album": album}, talk.now)
    if album is not None and draft.get("album") == album:
        return  # one question per album
    keys = tuple((f"button.{name}", ButtonData(name, one.assignment.id)) for name in ("attach", "not_attach"))
    await talk.say(talk.say_key("todo.loose_one", n=len(files), ticket_no=one.ticket.no), (keys,))


async def attach(talk: Talk, case: Case) -> None:
    """Handle 附上: keep the files with the assignment; a started return continues with them."""
    who, drafts = talk.who.code, talk.house.drafts
    files = list((await drafts.load_draft(who, case.id, DRAFT)).get("files", ()))
    await drafts.delete_draft(who, case.id, DRAFT)
    await talk.strip()
    if not files:
        await talk.told("bot.no_files")
        return
    kept = [*(await drafts.load_draft(who, case.id, ATTACHED)).get("files", ()), *files]
    await drafts.save_draft(who, case.id, ATTACHED, {"files": kept, "album": None}, talk.now)
    await talk.told("chat.files_received", n=len(kept), ticket_no=case.no)
    if await drafts.load_draft(who, case.id, return_.VERB):
        await return_.go_on_with(talk, case)


async def drop(talk: Talk, case: Case) -> None:
    """Handle 不附: drop the files."""
    await talk.house.drafts.delete_draft(talk.who.code, case.id, DRAFT)
    await talk.strip()
    await talk.told("todo.loose_dropped")
