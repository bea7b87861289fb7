"""Urging a unit (/supervise, /call, 电话通知), and a unit's message to its supervisors (联系督办人员)."""

from datetime import datetime

from backend.domain.acts import Snapshot
from backend.domain.button_data import ButtonData, encode
from backend.domain.masking import cut
from backend.domain.move_table import is_allowed
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.domain.showing import show_text
from backend.domain.ticket_enums import Role
from backend.domain.typed_numbers import split_word
from backend.ports.tickets import TicketRef
from bot import drafts
from bot.conversation import Conversation
from bot.ticket_context import TicketContext
from notify.message import Button, Card

SUPERVISOR_QUESTION = "call_supervisor"
ORDER = "order"  # the draft of a command that waits for its confirmation, about no assignment (0)
MAX_TEXT = 600  # characters passed on


async def supervise(chat: Conversation, text: str = "") -> None:
    """Handle /supervise NO 事由: ask once, then supervise with the office's own limit for the answer (XM23)."""
    no, why = split_word(text)
    if not is_allowed(chat.actor.role, "supervise"):
        raise Refused("forbidden", verb="supervise")
    if not no or not why:
        await chat.answer_key("office.supervise_usage")
        return
    snap = await _load(chat, no)
    await chat.check("supervise", snap, snap.ticket.lead_id or 0, reason=why)
    await _ask(chat, "supervise", {"no": snap.ticket.ticket_no, "reason": why})


async def call_by_ticket_no(chat: Conversation, text: str = "") -> None:
    """Handle /call NO: ask once, then call the unit. Refused `forbidden` for a unit's people."""
    no = text.strip()
    if chat.actor.is_unit_member:
        raise Refused("forbidden")
    if not no:
        await chat.answer_key("office.call_usage")
        return
    await _ask_call(chat, (await _load(chat, no)).ticket.ticket_no)


async def call_unit(chat: Conversation, context: TicketContext) -> None:
    """Handle the button 电话通知: ask once, as `/call` does; a telephone that rings cannot be taken back."""
    await _ask_call(chat, context.ticket_no)
    await chat.show_toast(chat.render("toast.asked_to_confirm"))


async def _ask_call(chat: Conversation, ticket_no: str) -> None:
    """Ask whether to ring whom it would be, after refusing what would be refused (XM21)."""
    unit, name = await _name_contact(chat, await chat.services.calls.find_unit_contact(ticket_no, chat.actor))
    await _ask(chat, "call", {"no": ticket_no, "unit": unit, "name": name})


async def _name_contact(chat: Conversation, code: str) -> tuple[str, str]:
    """Return the names of a person and of their unit."""
    snapshot = await chat.services.office.snapshot()
    person = snapshot.by_code.get(code)
    unit = snapshot.config.units.get(person.unit) if person else None
    return unit.name if unit else "", person.name if person else ""


async def _load(chat: Conversation, no: str) -> Snapshot:
    """Load the ticket an order names. Refused `not_found`."""
    snap = await chat.services.tickets.moves.load(TicketRef(ticket_no=no))
    if snap is None:
        raise Refused("not_found", ticket=no)
    chat.subject = snap.ticket
    return snap


async def _ask(chat: Conversation, order: str, words: dict[str, str]) -> None:
    number = await drafts.keep(chat, 0, ORDER, {**words, "order": order})
    keys = ((("button.confirm_order", ButtonData("confirm_order", 0, number)),
             ("button.drop_order", ButtonData("drop_order", 0, number))),)  # fmt: skip
    await chat.send_text(chat.render(f"office.confirm_{order}", **words, ticket_no=words["no"]), keys)


async def confirm_order(chat: Conversation, press: ButtonData) -> None:
    """Handle 确认: do what was asked about. Refused `draft_outdated`."""
    words = await drafts.take(chat, 0, ORDER, press.value)
    no = (await _load(chat, words["no"])).ticket.ticket_no
    if words["order"] == "call":
        await _call(chat, no)
    else:
        moved = await chat.act("supervise", ticket_no=no, reason=words["reason"])
        due = moved.plan.entry.arguments.get("due_at") if moved.plan else None
        at = chat.format_time(datetime.fromisoformat(due)) if due else ""
        await chat.answer_key("command.supervised", ticket_no=no, due=at)
    await drafts.drop(chat, 0, ORDER)
    await chat.remove_buttons()


async def drop_order(chat: Conversation, press: ButtonData) -> None:
    """Handle 取消. Refused `draft_outdated`."""
    await drafts.take(chat, 0, ORDER, press.value)
    await drafts.drop(chat, 0, ORDER)
    await chat.remove_buttons()
    await chat.answer_key("office.order_dropped")


async def _call(chat: Conversation, ticket_no: str) -> None:
    """Call the unit; the calls service decides who may and writes the audit row. Refused `no_carrier`."""
    code = await chat.services.calls.call_unit(ticket_no, chat.actor)
    unit, name = await _name_contact(chat, str(code))
    await chat.answer_key("office.calling", ticket_no=ticket_no, unit=unit, name=name)


async def ask_supervisor_message(chat: Conversation, context: TicketContext) -> None:
    """Handle the button: name the supervisors and ask for the message."""
    people, phone = await _list_supervisors(chat, context), await _get_duty_phone(chat)
    if not people:
        await chat.send_text(chat.render("order.no_supervisor", duty_phone=phone))
        return
    names = chat.render("bot.and").join(p.name for p in people)
    await chat.ask(
        "order.ask_call_supervisor",
        SUPERVISOR_QUESTION,
        context.assignment_id,
        ticket_no=context.ticket_no,
        facts={"names": names, "duty_phone": phone},
    )


async def send_supervisor_message(chat: Conversation, context: TicketContext, text: str) -> None:
    """Send the message to every supervisor with a chat, masked by the rules for what a chat may show."""
    if not text:
        await ask_supervisor_message(chat, context)
        return
    snapshot = await chat.services.office.snapshot()
    unit, name = (
        snapshot.config.units.get(chat.bound_person.unit),
        await chat.services.card_store.get_requester_name(context.snap.ticket.id),
    )
    shape = snapshot.settings.text("privacy.phone_mask")
    shown = cut(show_text(text, name, shape), MAX_TEXT)
    card = Card(
        chat.render("order.message", unit=unit.name if unit else chat.bound_person.unit, name=chat.bound_person.name,
                     ticket_no=context.ticket_no, text=shown),
        ((Button(chat.render("button.whole"), encode(ButtonData("whole", context.assignment_id, context.assignment.version))),),),
    )  # fmt: skip
    reached = [p.code for p in await _list_supervisors(chat, context) if await chat.send_to(p, card)]
    if not reached:
        await chat.answer_key("order.no_supervisor", duty_phone=await _get_duty_phone(chat))
        return
    await chat.audit("asked_supervisor", ticket=context.ticket_no, told=reached)
    await chat.delete_question()
    await chat.answer_key("order.done_call_supervisor", ticket_no=context.ticket_no)


async def _list_supervisors(chat: Conversation, context: TicketContext) -> list[Person]:
    snapshot = await chat.services.office.snapshot()
    here = snapshot.people(context.snap.ticket.management or "", Role.SUPERVISOR)
    return [p for p in here if p.chat and p.address]


async def _get_duty_phone(chat: Conversation) -> str:
    phones = (await chat.services.office.snapshot()).settings.strings("notify.duty_phone")
    return phones[0] if phones else ""
