"""A photo or paper that answers no card: attached where there is only one place for it, and only when he says so."""

from aiogram.types import Message

from backend.domain.presses import Press
from bot import attachments
from bot.case import Case
from bot.talk import Talk
from bot.things import return_

DRAFT = "loose"  # what waits for a yes
ATTACHED = "attach"  # what is attached (things/view shows it, a return takes it along)


async def came(talk: Talk, message: Message) -> None:
    """Papers without a reply, while no question is open."""
    count, items = await talk.house.drafts.todo(talk.who.unit, 1)
    if count != 1:
        await talk.told("todo.loose_many" if count else "todo.loose_none", n=count)
        return
    one, who = items[0], talk.who.code
    draft = await talk.house.drafts.draft(who, one.assignment.id, DRAFT)
    files = [*draft.get("files", ()), *await attachments.take(talk, message)]
    album = message.media_group_id
    await talk.house.drafts.keep(who, one.assignment.id, DRAFT, {"files": files, "album": album}, talk.now)
    if album is not None and draft.get("album") == album:
        return  # one question an album
    keys = tuple((f"button.{name}", Press(name, one.assignment.id)) for name in ("attach", "not_attach"))
    await talk.say(talk.say_key("todo.loose_one", n=len(files), ticket_no=one.ticket.no), (keys,))


async def attach(talk: Talk, case: Case) -> None:
    """附上: kept with the assignment; a return that was begun goes on with it."""
    who, drafts = talk.who.code, talk.house.drafts
    files = list((await drafts.draft(who, case.id, DRAFT)).get("files", ()))
    await drafts.drop(who, case.id, DRAFT)
    await talk.strip()
    if not files:
        await talk.told("bot.no_files")
        return
    kept = [*(await drafts.draft(who, case.id, ATTACHED)).get("files", ()), *files]
    await drafts.keep(who, case.id, ATTACHED, {"files": kept, "album": None}, talk.now)
    await talk.told("chat.files_received", n=len(kept), ticket_no=case.no)
    if await drafts.draft(who, case.id, return_.VERB):
        await return_.go_on_with(talk, case)


async def drop(talk: Talk, case: Case) -> None:
    """不附."""
    await talk.house.drafts.drop(talk.who.code, case.id, DRAFT)
    await talk.strip()
    await talk.told("todo.loose_dropped")
