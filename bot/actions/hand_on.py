"""交办、转办: passes a ticket down to a unit right below, by a button for each or by its name (XM2)."""

from typing import Any

from backend.domain.button_data import ButtonData, encode, hash_code
from backend.domain.institutions import list_children
from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.reply_parser import ParsedReply
from backend.domain.typed_numbers import split_word
from backend.domain.verb_fields import HAND_ON_KINDS
from bot.actions.units import find_units
from bot.conversation import Conversation
from bot.ticket_context import TicketContext, check_allowed
from notify.message import Button, Card

VERB = "hand_on"
MAX_CHOICES = 10  # units offered as buttons; every one may be named


async def ask_unit(chat: Conversation, context: TicketContext, found: list[Unit] | None = None) -> None:
    """Handle the button: offer the units below, each to be entrusted with the ticket or to be given it."""
    check_allowed(chat, context, VERB)
    units = found or await _list_units(chat, context)
    rows = [
        tuple(
            Button(chat.render(f"button.{kind}", unit=unit.name),
                   encode(ButtonData(kind, context.assignment_id, hash_code(unit.code))))
            for kind in HAND_ON_KINDS
        )
        for unit in units[:MAX_CHOICES]
    ]  # fmt: skip
    await chat.send_card(Card(chat.render("ask.hand_on", ticket_no=context.ticket_no), tuple(rows)))
    await chat.show_toast(chat.render("toast.asked"))


async def choose_unit(chat: Conversation, context: TicketContext, press: ButtonData) -> None:
    """Handle a chosen unit. Refused `draft_outdated` when it is no longer below."""
    check_allowed(chat, context, VERB)
    meant = [u for u in await _list_units(chat, context) if hash_code(u.code) == press.value]
    if len(meant) != 1:
        raise Refused("draft_outdated")
    await _hand_on(chat, context, press.verb, meant[0])
    await chat.remove_buttons()


async def name_unit(chat: Conversation, context: TicketContext, parsed: ParsedReply) -> None:
    """Handle 交办 单位 [说明] and 转办 单位 [说明]."""
    check_allowed(chat, context, VERB)
    name, reason = split_word(parsed.text)
    below = await _list_units(chat, context)
    found = find_units(name, below) if name else []
    if len(found) != 1:
        await ask_unit(chat, context, found)
        return
    await _hand_on(chat, context, parsed.dispatch_kind, found[0], reason=reason)


async def _list_units(chat: Conversation, context: TicketContext) -> list[Unit]:
    """List the units right below. Refused `no_unit_below`."""
    units = (await chat.services.office.snapshot()).config.units
    below = list_children(units, context.assignment.unit)
    if not below:
        raise Refused("no_unit_below")
    return list(below)


async def _hand_on(chat: Conversation, context: TicketContext, kind: str, unit: Unit, **words: Any) -> None:
    await chat.act(VERB, assignment_id=context.assignment_id, unit=unit.code, dispatch_kind=kind, **words)
    await chat.delete_question()
    await chat.answer_key(f"order.done_{kind}", ticket_no=context.ticket_no, unit=unit.name)
