"""/status, /overdue, and /help by role."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from backend.domain.button_data import ButtonData, encode
from backend.domain.move_table import is_allowed
from backend.domain.refusals import Refused
from backend.domain.ticket import Role, State
from backend.ports.glance import OverdueTicket
from backend.reporting import chat_charts
from bot.talk import Talk
from bot.things.units import working
from notify.message import Button, Card, Picture

LISTED = 30  # overdue tickets on one list
OPENED = 10  # of them with buttons
UNITS = 8  # units listed in the text
VISITING = (State.CLOSED, State.REVISIT_AUTO, State.REVISIT_MANUAL)
RINGERS = (Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN)
DECIDERS = ("decide_return", "decide_close")


async def help_(talk: Talk, words: str = "") -> None:
    """Handle /help: what everyone may do, and what this role may do besides."""
    lines = [talk.say_key("command.help")]
    if talk.person is not None:
        role = talk.actor.role
        if talk.actor.is_unit_member:
            lines.append(talk.say_key("office.help_unit"))
        else:
            lines.append(talk.say_key("office.help_read"))
            lines += [talk.say_key("office.help_supervise")] if is_allowed(role, "supervise") else []
            lines += [talk.say_key("office.help_call")] if role in RINGERS else []
            lines += [talk.say_key("office.help_decide")] if any(is_allowed(role, verb) for verb in DECIDERS) else []
    await talk.tell("\n".join(lines))


async def status(talk: Talk, words: str = "") -> None:
    """Handle /status: today's counts and the current state, as text and as a picture."""
    if talk.actor.is_unit_member:
        raise Refused("forbidden")
    glance = talk.house.glance
    if glance is None:
        raise Refused("unavailable")
    now = talk.now
    counts = await talk.house.reading.count_open(now)
    today = await glance.count_since(now.replace(hour=0, minute=0, second=0, microsecond=0))
    loads = await glance.list_unit_loads(now)
    units = (await talk.house.office.snapshot()).config.units
    named = [(units[one.unit].name if one.unit in units else one.unit, one.open, one.late) for one in loads]
    facts = {
        "received": today["received"], "dispatched": today.get("dispatch", 0) + today.get("reassign", 0),
        "signed": today.get("sign", 0) + today.get("auto_sign", 0), "closed": today.get("close", 0),
        "visited": today.get("visit", 0), "red_today": today.get("red_card", 0),
        "pending": _sum(counts, State.REGISTERED, State.PENDING_DISPATCH), "unsigned": _sum(counts, State.DISPATCHED),
        "working": working(counts), "visiting": _sum(counts, *VISITING), "overdue": counts.get("overdue", 0),
        "red": counts.get("red", 0),
    }  # fmt: skip
    at = talk.when(now)
    await talk.say(talk.say_key(
        "office.status", at=at, **facts, letters=await _letters(talk),
        units="".join("\n" + talk.say_key("office.status_unit", unit=name, open=held, late=late or "")
                      for name, held, late in named[:UNITS]),
    ))  # fmt: skip
    figures = [
        (talk.say_key(f"drawn.{name}"), int(facts[name]))
        for name in ("received", "dispatched", "signed", "closed", "overdue", "red")
    ]
    drawn = await chat_charts.render_today(talk.house.catalogue, at, figures, named)
    if drawn is not None and talk.chat_id is not None:
        await talk.send(str(talk.chat_id), Card("", (), Picture("today.png", drawn)))


def _sum(counts: Mapping[str, int], *states: State) -> int:
    return sum(int(counts.get(s.value, 0)) for s in states)


async def _letters(talk: Talk) -> str:
    """Return a line about messages that wait or failed, "" when there are none."""
    messages = (await talk.house.reading.count_recent()).get("letters", {})
    waiting, failed = messages.get("pending", 0), messages.get("failed", 0) + messages.get("dead", 0)
    return talk.say_key("office.status_letters", waiting=waiting, failed=failed) if waiting or failed else ""


async def overdue(talk: Talk, words: str = "") -> None:
    """Handle /overdue: tickets with an overdue duty, by unit; a unit sees its own."""
    glance, actor = talk.house.glance, talk.actor
    if glance is None:
        raise Refused("unavailable")
    count, found = await glance.list_overdue(talk.now, LISTED, actor.unit if actor.is_unit_member else None)
    if not found:
        await talk.told("office.overdue_none")
        return
    units = (await talk.house.office.snapshot()).config.units
    lines = [talk.say_key("office.overdue_head", n=count)]
    in_order = sorted(found, key=lambda one: (one.unit is None, one.unit or "", one.due_at))
    for code, group in groupby(in_order, key=lambda one: one.unit):
        rows = list(group)
        name = units[code].name if code in units else code or talk.say_key("office.no_unit")
        lines.append(talk.say_key("office.overdue_unit", unit=name, n=len(rows)))
        lines += [_line(talk, one) for one in rows]
    if count > len(found):
        lines.append(talk.say_key("office.overdue_more", n=count - len(found)))
    if talk.chat_id is not None:
        await talk.send(str(talk.chat_id), Card("\n".join(lines), _keys(talk, in_order)))


def _line(talk: Talk, one: OverdueTicket) -> str:
    what = talk.house.catalogue.get_word("obligation", one.kind)
    return talk.say_key("office.overdue_line", ticket_no=one.ticket_no, what=what, due=talk.when(one.due_at))


def _keys(talk: Talk, found: Sequence[OverdueTicket]) -> tuple[tuple[Button, ...], ...]:
    """Build the buttons: open each ticket, and supervise it where the role may."""
    rows = []
    for one in [o for o in found if o.assignment_id is not None][:OPENED]:
        row = [Button(one.ticket_no, encode(ButtonData("whole", one.assignment_id or 0, one.version)))]
        if is_allowed(talk.actor.role, "supervise"):
            row.append(
                Button(talk.say_key("button.supervise"), encode(ButtonData("supervise", one.assignment_id or 0)))
            )
        rows.append(tuple(row))
    return tuple(rows)
