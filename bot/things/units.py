"""/unit: shows a unit's people, open tickets and month so far; a unit sees only itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.ticket import Role, State, UnitKind
from backend.office.cache import OfficeSnapshot
from bot.talk import Talk

PEOPLE = (Role.HANDLER, Role.LIAISON, Role.LEADER)
STAFF = tuple(Role)
TICKETS = 8  # open tickets listed
NAMED = 6  # units listed when several match


async def unit(talk: Talk, words: str = "") -> None:
    """Handle /unit NAME: by code, name, part of the name, or abbreviation."""
    asked = words.strip()
    if not asked:
        await talk.told("office.unit_usage")
        return
    snapshot = await talk.house.office.snapshot()
    mine = talk.actor.unit if talk.actor.is_unit_member else None
    found = meant(asked, [u for u in snapshot.config.units.values() if mine is None or u.code == mine])
    if not found:
        await talk.told("office.unit_unknown", name=asked)
    elif len(found) > 1:
        names = talk.say_key("bot.and").join(u.name for u in found[:NAMED])
        await talk.told("office.units_found", name=asked, units=names)
    else:
        await _shown(talk, found[0], snapshot)


def meant(asked: str, seen: Sequence[Unit]) -> list[Unit]:
    """Find the units meant: an exact code or name alone; else names containing it; else by abbreviation."""
    exact = [u for u in seen if asked in (u.code, u.name)]
    if exact:
        return exact[:1]
    handling = [u for u in seen if u.kind is UnitKind.HANDLING]
    return [u for u in handling if asked in u.name] or [u for u in handling if short_for(asked, u.name)]


def short_for(short: str, name: str) -> bool:
    """Whether the characters of `short` occur in `name` in this order: 住建局 is 市住房和城乡建设局."""
    rest = iter(name)
    return all(character in rest for character in short)


async def _shown(talk: Talk, one: Unit, snapshot: OfficeSnapshot) -> None:
    counts = await talk.house.reading.count_open(talk.now, one.code)
    month: datetime = talk.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sheet = await _sheet(talk, one)
    await talk.tell(talk.say_key(
        "office.unit", unit=one.name, unsigned=counts.get(State.DISPATCHED.value, 0), working=working(counts),
        overdue=counts.get("overdue", 0), closed=await talk.house.drafts.count_closed(one.code, month),
        people=_people(talk, one, snapshot), tickets=await _tickets(talk, one), rates=_rates(talk, sheet),
        score=sheet.get("total") or "",
    ))  # fmt: skip


def working(counts: Mapping[str, int]) -> int:
    """Count the tickets a unit is working on."""
    states = (State.SIGNED, State.REPLIED, State.RETURN_REVIEW, State.EXTENSION_REVIEW, State.REWORK)
    return sum(int(counts.get(state.value, 0)) for state in states)


def _people(talk: Talk, one: Unit, snapshot: OfficeSnapshot) -> str:
    roles = PEOPLE if one.kind is UnitKind.HANDLING else STAFF
    said = [
        talk.say_key("office.unit_person", role=talk.house.catalogue.get_word("role", p.role), name=p.name,
                     bound=talk.say_key("office.bound" if p.chat else "office.not_bound"))
        for p in snapshot.people(one.code, *roles)
    ]  # fmt: skip
    return talk.say_key("bot.and").join(said) or talk.say_key("office.nobody")


async def _tickets(talk: Talk, one: Unit) -> str:
    _, items = await talk.house.drafts.list_todo(one.code, TICKETS)
    return "".join(
        "\n" + talk.say_key("office.unit_ticket", ticket_no=i.ticket.no,
                     state=talk.house.catalogue.get_word("state", i.assignment.state),
                     due=talk.when(i.assignment.sign_due_at if i.assignment.state is State.DISPATCHED
                                   else i.assignment.close_due_at))
        for i in items
    )  # fmt: skip


async def _sheet(talk: Talk, one: Unit) -> Mapping[str, Any]:
    """Return this month's score sheet so far, {} when there is none."""
    if talk.house.marks is None:
        return {}
    try:
        found = await talk.house.marks.get_scores(
            month=f"{talk.now:%Y-%m}", scheme=None, unit=one.code, actor=talk.actor
        )
    except Refused:
        return {}
    sheets: Sequence[Mapping[str, Any]] = found["units"]
    return sheets[0] if sheets else {}


def _rates(talk: Talk, sheet: Mapping[str, Any]) -> str:
    rated = [line for line in sheet.get("lines", ()) if line.get("rate") is not None]
    return talk.say_key("bot.and").join(
        talk.say_key("office.unit_rate", name=line["name"], rate=line["rate"]) for line in rated
    )
