"""Shows a ticket: its live card, the whole of it, its details and files; passes a card on to whoever is on duty."""

from backend.delivery.cards import FULL_TICKET
from backend.domain.acts import Snapshot
from backend.domain.button_data import ButtonData, encode
from backend.domain.decision import is_visible
from backend.domain.masking import cut, mask
from backend.domain.move_table import is_finished
from backend.domain.records import Assignment, Ticket
from backend.domain.refusals import Refused
from backend.domain.showing import goes_there, show_place, show_text
from backend.domain.typed_numbers import split_word
from backend.ports.chat import NewCard
from backend.ports.ticket_queries import TicketFilter
from backend.ports.tickets import TicketRef
from bot.actions import todo
from bot.actions.send_card import send_card
from bot.conversation import Conversation
from bot.ticket_context import TicketContext
from notify.message import Button, Card, Document, Picture

MAX_TEXT = 3_000  # characters of the demand in one message
MAX_FILES = 10  # files sent per press
MAX_OFFERED = 10  # newest tickets offered to the office


async def show_ticket(chat: Conversation, text: str = "") -> None:
    """Handle /ticket NO; without a number, offer their own tickets, or the newest to the office. Refused `not_found`."""
    actor = chat.actor
    if not text:
        await (todo.show_todo(chat) if actor.is_unit_member else _offer_newest(chat))
        return
    snap = await chat.services.tickets.moves.load(TicketRef(ticket_no=split_word(text)[0]))
    if snap is None or not is_visible(snap, actor):
        raise Refused("not_found", ticket=text)
    if not actor.is_unit_member:
        await send_full_ticket(chat, snap)
        return
    mine = [a for a in snap.assignments if a.unit == actor.unit and a.ended_at is None]
    if mine and not is_finished(mine[-1].state):
        await todo.resend_card(chat, TicketContext(snap, mine[-1]))
        return
    await chat.send_text(await render_details(chat, snap.ticket, mine[-1] if mine else snap.lead))


async def _offer_newest(chat: Conversation) -> None:
    page = await chat.services.queries.list_tickets(TicketFilter(), chat.now, limit=MAX_OFFERED)
    tickets = [view.ticket for view in page.items if view.ticket.lead_id is not None]
    rows = tuple((Button(one.ticket_no, encode(ButtonData("whole", one.lead_id or 0))),) for one in tickets)
    head = chat.render("command.ticket_which" if rows else "command.ticket_usage")
    await chat.send_card(Card("\n".join([head, *(chat.name_ticket(one) for one in tickets)]), rows))


async def open_ticket(chat: Conversation, context: TicketContext) -> None:
    """Handle the button 打开工单: the whole ticket for the office, the card for a unit."""
    if chat.actor.is_unit_member:
        await todo.resend_card(chat, context)
        return
    await send_full_ticket(chat, context.snap)


async def send_full_ticket(chat: Conversation, snap: Snapshot) -> None:
    """Send the whole ticket, and record the message so that it is kept up to date."""
    if not chat.chat_id:
        return
    await chat.show_toast(chat.render("toast.shown"))
    receipt = await chat.send(chat.chat_id, await chat.services.cards.render_full_card(snap, chat.bound_person))
    if receipt is None:
        raise Refused("unavailable")
    held = NewCard(chat.network.name, receipt.chat_id, receipt.provider_id, chat.bound_person.code, snap.ticket.id,
                   snap.lead.id if snap.lead else None, FULL_TICKET, snap.ticket.version, chat.now)  # fmt: skip
    await chat.services.card_store.record([held])


async def show_details(chat: Conversation, context: TicketContext) -> None:
    """Send the details; for the unit itself this marks the assignment as opened (no call for unread ones)."""
    if context.assignment.unit == chat.bound_person.unit:
        await chat.services.chat_state.mark_opened(context.assignment_id, chat.now)
    sent = await chat.send_text(await render_details(chat, context.snap.ticket, context.assignment))
    await chat.link_message(sent, context.assignment_id)
    await chat.show_toast(chat.render("toast.shown"))


async def render_details(chat: Conversation, ticket: Ticket, assignment: Assignment | None) -> str:
    """Render a ticket as text; without place and demand when `privacy.chat` is strict or it is confidential."""
    snapshot = await chat.services.office.snapshot()
    words = chat.services.texts
    is_hidden = snapshot.settings.choice("privacy.chat") == "strict" or "confidential" in ticket.flags
    phone_mask = snapshot.settings.text("privacy.phone_mask")
    name = None if is_hidden else await chat.services.card_store.get_requester_name(ticket.id)
    given = assignment
    unit = snapshot.config.units.get(given.unit) if given else None
    goes = goes_there(chat.actor, (given,) if given else ())
    return words.render(
        "message.detail",
        ticket_no=ticket.ticket_no,
        category=words.get_word("category", ticket.category) if ticket.category else "",
        grade=words.get_word("grade", ticket.grade),
        state=words.get_word("state", given.state if given else ticket.state),
        place="" if is_hidden else show_place(ticket.place, name, phone_mask, with_door=goes),
        masked_text="" if is_hidden else cut(show_text(ticket.text or ticket.title, name, phone_mask), MAX_TEXT),
        dispatched_at=chat.format_time(given.dispatched_at) if given else "",
        sign_due=chat.format_time(given.sign_due_at) if given else "",
        signed_at=chat.format_time(given.signed_at) if given and given.signed_at else "",
        close_due=chat.format_time(given.close_due_at) if given else "",
        n=given.extension_count or "" if given else "",
        unit=unit.name if unit else "",
    )


async def send_files(chat: Conversation, ids: list[str]) -> None:
    """Send files to the chat unchanged."""
    if not ids or not chat.chat_id:
        await chat.answer_key("bot.no_files")
        return
    await chat.show_toast(chat.render("bot.files_sent"))
    for file_id in ids[:MAX_FILES]:
        file, content = await chat.services.files.open(file_id, chat.actor)
        await _send_file(chat, file.name, file.kind, content)


async def send_ticket_files(chat: Conversation, context: TicketContext) -> None:
    """Send the files of the ticket that this person may see, the requester's included, on record (XM25)."""
    visible = context.snap.list_files(chat.actor)
    if not visible or not chat.chat_id:
        await chat.answer_key("bot.no_files")
        return
    await chat.show_toast(chat.render("bot.files_sent"))
    requester = await chat.services.card_store.get_requester_name(context.snap.ticket.id)
    for file_id in visible[-MAX_FILES:]:
        file, content = await chat.services.files.open_on_ticket(file_id, visible)
        await chat.audit("file_opened", ticket=context.ticket_no, file=file_id)
        await _send_file(chat, mask(file.name, (requester,) if requester else ()), file.kind, content)


async def _send_file(chat: Conversation, name: str, kind: str, content: bytes) -> None:
    made = (Document if kind == "pdf" else Picture)(name, content)
    if await chat.send(chat.chat_id, Card(name, (), made)) is None:
        await chat.send_text(chat.render("bot.file_unsent", name=name))


async def pass_to_duty(chat: Conversation, context: TicketContext) -> None:
    """Send the card to the person on duty by the roster, else the next in escalation order; never the leader.

    Refused `no_duty` when nobody else can be reached by chat.
    """
    snapshot = await chat.services.office.snapshot()
    urgent = context.snap.ticket.grade.is_urgent
    other = snapshot.find_colleague_on_duty(chat.bound_person, context.assignment.unit, chat.now, urgent=urgent)
    network = chat.services.networks.get(other.chat or "") if other is not None else None
    if other is None or network is None:
        raise Refused("no_duty")
    await send_card(chat, context, other, str(other.address), network)
    await chat.answer_key("toast.duty_told")
