"""/unit: shows a unit's people, open tickets and month so far; a unit sees only itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from backend.domain.acts import Sight
from backend.domain.move_table import count_stages
from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import UnitKind
from backend.domain.typed_numbers import list_spellings
from backend.office.cache import OfficeSnapshot
from bot.conversation import Conversation

MAX_TICKETS = 8  # open tickets listed
MAX_MATCHES = 6  # units listed when several match


async def show_unit(chat: Conversation, text: str = "") -> None:
    """Handle /unit NAME: by code, name, part of the name, or abbreviation."""
    asked = text.strip()
    if not asked:
        await chat.answer_key("office.unit_usage")
        return
    snapshot = await chat.services.office.snapshot()
    found = find_units(asked, [u for u in snapshot.config.units.values() if chat.actor.may_see(u.code)])
    if not found:
        await chat.answer_key("office.unit_unknown", name=asked)
    elif len(found) > 1:
        names = chat.render("bot.and").join(u.name for u in found[:MAX_MATCHES])
        await chat.answer_key("office.units_found", name=asked, units=names)
    else:
        await _send_unit(chat, found[0], snapshot)


def find_units(asked: str, candidates: Sequence[Unit]) -> list[Unit]:
    """Find the units meant: an exact code or name alone; else names containing it; else by abbreviation."""
    exact = [u for u in candidates if {u.code, u.name}.intersection(list_spellings(asked))]
    if exact:
        return exact[:1]
    handling = [u for u in candidates if u.kind is UnitKind.HANDLING]
    return [u for u in handling if asked in u.name] or [u for u in handling if is_abbreviation(asked, u.name)]


def is_abbreviation(short: str, name: str) -> bool:
    """Whether the characters of `short` occur in `name` in this order: 住建局 is 市住房和城乡建设局."""
    rest = iter(name)
    return all(character in rest for character in short)


async def _send_unit(chat: Conversation, one: Unit, snapshot: OfficeSnapshot) -> None:
    counts = await chat.services.queries.count_open(chat.now, Sight(one.code))
    stages = count_stages(counts)
    month: datetime = chat.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sheet = await _load_sheet(chat, one)
    await chat.answer(chat.render(
        "office.unit", unit=one.name, unsigned=stages["unsigned"], working=stages["working"],
        overdue=counts.get("overdue", 0), closed=await chat.services.chat_state.count_closed(one.code, month),
        people=_format_people(chat, one, snapshot), tickets=await _format_tickets(chat, one), rates=_format_rates(chat, sheet),
        score=sheet.get("total") or "",
    ))  # fmt: skip


def _format_people(chat: Conversation, one: Unit, snapshot: OfficeSnapshot) -> str:
    people = [
        chat.render("office.unit_person", role=chat.services.texts.get_word("role", p.role), name=p.name,
                     bound=chat.render("office.bound" if p.chat else "office.not_bound"))
        for p in snapshot.list_staff(one)
    ]  # fmt: skip
    return chat.render("bot.and").join(people) or chat.render("office.nobody")


async def _format_tickets(chat: Conversation, one: Unit) -> str:
    _, items = await chat.services.chat_state.list_todo(one.code, MAX_TICKETS)
    return "".join(
        "\n" + chat.render("office.unit_ticket", ticket_no=i.ticket.ticket_no,
                     state=chat.services.texts.get_word("state", i.assignment.state),
                     due=chat.format_time(i.assignment.next_due_at))
        for i in items
    )  # fmt: skip


async def _load_sheet(chat: Conversation, one: Unit) -> Mapping[str, Any]:
    """Return this month's score sheet so far, {} when there is none."""
    try:
        found = await chat.services.scoring.get_scores(
            month=f"{chat.now:%Y-%m}", scheme=None, unit=one.code, actor=chat.actor
        )
    except Refused:
        return {}
    sheets: Sequence[Mapping[str, Any]] = found["units"]
    return sheets[0] if sheets else {}


def _format_rates(chat: Conversation, sheet: Mapping[str, Any]) -> str:
    rated = [line for line in sheet.get("lines", ()) if line.get("rate") is not None]
    return chat.render("bot.and").join(
        chat.render("office.unit_rate", name=line["name"], rate=line["rate"]) for line in rated
    )
