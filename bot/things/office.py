"""What the office asks from a phone: /status, /overdue, /unit, /supervise, /call, /quiet, /help."""

from datetime import datetime

from backend.domain.refusals import Refused
from backend.domain.ticket import Role, State, UnitKind
from backend.ports.reading import Filters
from bot.talk import Talk

LISTED = 20
WORKING = (State.SIGNED, State.REPLIED, State.RETURN_REVIEW, State.EXTENSION_REVIEW, State.REWORK)
VISITING = (State.CLOSED, State.REVISIT_AUTO, State.REVISIT_MANUAL)


def _of_office(talk: Talk) -> None:
    if talk.actor.of_unit:
        raise Refused("forbidden")


async def help_(talk: Talk, words: str = "") -> None:
    """/help, and what the office may do besides."""
    text = talk.say_key("command.help")
    if talk.person is not None and not talk.actor.of_unit:
        text += "\n" + talk.say_key("bot.help_office")
    await talk.tell(text)


async def status(talk: Talk, words: str = "") -> None:
    """/status: how many stand where."""
    _of_office(talk)
    counts = await talk.house.reading.counts(talk.now)
    letters = (await talk.house.reading.tallies()).get("letters", {})
    await talk.told(
        "command.status", at=talk.when(talk.now),
        pending=_sum(counts, State.REGISTERED, State.PENDING_DISPATCH), unsigned=_sum(counts, State.DISPATCHED),
        working=_sum(counts, *WORKING), overdue=counts.get("overdue", 0), visiting=_sum(counts, *VISITING),
        waiting=letters.get("pending", 0), failed=letters.get("failed", 0) + letters.get("dead", 0),
    )  # fmt: skip


def _sum(counts: object, *states: State) -> int:
    found = counts if isinstance(counts, dict) else {}
    return sum(int(found.get(s.value, 0)) for s in states)


async def overdue(talk: Talk, words: str = "") -> None:
    """/overdue: tickets with a duty past its time; a unit sees its own."""
    seen_by = talk.actor.unit if talk.actor.of_unit else None
    page = await talk.house.reading.tickets(Filters(overdue=True), talk.now, limit=LISTED, seen_by=seen_by)
    if not page.items:
        await talk.told("command.overdue_none")
        return
    units = (await talk.house.office.standing()).config.units
    lines = [talk.say_key("command.overdue_head", n=f"{len(page.items)}{'+' if page.next else ''}")]
    for found in page.items:
        lead = next((a for a in found.assignments if a.id == found.ticket.lead_id), None)
        due = lead and (lead.sign_due_at if lead.state is State.DISPATCHED else lead.close_due_at)
        facts = {"due": talk.when(due)} if due else {}
        if lead and lead.unit in units:
            facts["unit"] = units[lead.unit].name
        what = talk.house.catalogue.word("state", found.ticket.state)
        lines.append(talk.say_key("command.overdue_line", ticket_no=found.ticket.no, what=what, **facts))
    await talk.tell("\n".join(lines))


async def unit(talk: Talk, words: str = "") -> None:
    """/unit NAME: one unit's work; a unit sees itself."""
    if not words:
        await talk.told("command.unit_usage")
        return
    standing = await talk.house.office.standing()
    mine = talk.actor.unit if talk.actor.of_unit else None
    seen = [u for u in standing.config.units.values() if mine is None or u.code == mine]
    handling = [u for u in seen if u.kind is UnitKind.HANDLING]
    asked = words.strip()
    found = [u for u in seen if asked in (u.code, u.name)]
    found += [u for u in handling if asked in u.name]
    found += [u for u in handling if _short_for(asked, u.name)]
    if not found:
        await talk.told("command.unit_unknown", name=words.strip())
        return
    one = found[0]
    counts = await talk.house.reading.counts(talk.now, one.code)
    month: datetime = talk.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    liaison = next((p.name for p in standing.people(one.code, Role.LIAISON)), "")
    await talk.told(
        "command.unit", unit=one.name, unsigned=_sum(counts, State.DISPATCHED), working=_sum(counts, *WORKING),
        overdue=counts.get("overdue", 0), closed=await talk.house.drafts.closed_since(one.code, month),
        liaison=liaison,
    )  # fmt: skip


def _short_for(short: str, name: str) -> bool:
    """Whether the characters of a short name stand in the name in this order: 住建局 is 市住房和城乡建设局."""
    rest = iter(name)
    return all(character in rest for character in short)


async def supervise(talk: Talk, words: str = "") -> None:
    """/supervise NO 事由."""
    no, _, why = words.partition(" ")
    if not no or not why.strip():
        await talk.told("command.supervise_usage")
        return
    moved = await talk.act("supervise", ticket_no=no, reason=why.strip())
    due = moved.plan.line.words.get("due_at") if moved.plan else None
    await talk.told("command.supervised", ticket_no=no, due=talk.when(datetime.fromisoformat(due)) if due else "")


async def call(talk: Talk, words: str = "") -> None:
    """/call NO: ring the unit now."""
    no = words.strip()
    _of_office(talk)
    if not no:
        await talk.told("command.call_usage")
        return
    if talk.house.calls is None:
        raise Refused("unavailable")
    await talk.house.calls.ring(no, talk.actor)
    await talk.told("command.calling", ticket_no=no)


async def quiet(talk: Talk, words: str = "") -> None:
    """/quiet: when nobody is disturbed for general tickets."""
    rules = (await talk.house.office.standing()).settings
    await talk.told("command.quiet", quiet=rules.text("notify.quiet", talk.who.unit))
