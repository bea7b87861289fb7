"""查看详情 and 查看材料: sends the masked text and the files to people who may see them."""

from backend.domain.masking import cut, mask
from backend.domain.records import Assignment, Ticket
from bot.case import Case
from bot.talk import Talk
from notify.message import Card, Document, Picture

LONGEST = 3_000  # characters of the demand in one message
AT_ONCE = 10  # files sent per press


async def view(talk: Talk, case: Case) -> None:
    """Send the details; for the unit itself this marks the assignment as opened (no call for unread ones)."""
    if case.assignment.unit == talk.who.unit:
        await talk.house.drafts.mark_opened(case.id, talk.now)
    sent = await talk.say(await detail(talk, case.snap.ticket, case.assignment))
    await talk.remember(sent, case.id)
    await talk.toast(talk.say_key("toast.shown"))


async def detail(talk: Talk, ticket: Ticket, assignment: Assignment | None) -> str:
    """Render a ticket as text; without place and demand when `privacy.chat` is strict or it is confidential."""
    snapshot = await talk.house.office.snapshot()
    words = talk.house.catalogue
    closed = snapshot.settings.choice("privacy.chat") == "strict" or "confidential" in ticket.flags
    phone_mask = snapshot.settings.text("privacy.phone_mask")
    name = None if closed else await talk.house.book.get_requester_name(ticket.id)
    hidden = (name,) if name else ()
    given = assignment
    unit = snapshot.config.units.get(given.unit) if given else None
    return words.render(
        "chat.detail",
        ticket_no=ticket.no,
        category=words.get_word("category", ticket.category) if ticket.category else "",
        grade=words.get_word("grade", ticket.grade),
        state=words.get_word("state", given.state if given else ticket.state),
        place="" if closed else mask(ticket.place, hidden, phone_mask=phone_mask),
        masked_text="" if closed else cut(mask(ticket.text or ticket.title, hidden, phone_mask=phone_mask), LONGEST),
        dispatched_at=talk.when(given.dispatched_at) if given else "",
        sign_due=talk.when(given.sign_due_at) if given else "",
        signed_at=talk.when(given.signed_at) if given and given.signed_at else "",
        close_due=talk.when(given.close_due_at) if given else "",
        n=given.extension_count or "" if given else "",
        unit=unit.name if unit else "",
    )  # fmt: skip


async def files(talk: Talk, ids: list[str]) -> None:
    """Send files to the chat unchanged."""
    if not ids or talk.chat_id is None:
        await talk.told("bot.no_files")
        return
    await talk.toast(talk.say_key("bot.files_sent"))
    for file_id in ids[:AT_ONCE]:
        paper, content = await talk.house.filing.open(file_id, talk.actor)
        kind = Document if paper.kind == "pdf" else Picture
        if await talk.send(str(talk.chat_id), Card(paper.name, (), kind(paper.name, content))) is None:
            await talk.say(talk.say_key("bot.file_unsent", name=paper.name))


async def of_case(talk: Talk, case: Case) -> None:
    """Send the files of an assignment: its statements and its attachments."""
    found = [f for r in case.snap.requests if r.assignment_id == case.id for f in r.facts.get("files", ())]
    for draft in await talk.house.drafts.list_drafts(case.id, "attach"):
        found += [f for f in draft.get("files", ()) if f not in found]
    await files(talk, [str(f) for f in found])
