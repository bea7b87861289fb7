"""Finds tickets: by the index of states, of a unit, of open duties, or by literal text in a bounded window."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, case, exists, literal, or_, select

from backend.domain.acts import Sight
from backend.domain.instants import to_micros
from backend.domain.records import JournalEntry, Ticket
from backend.domain.ticket_enums import Answer, Obligation, State
from backend.domain.typed_numbers import list_spellings, read_typed
from backend.ports.ticket_queries import TicketFilter
from storage import tables as t
from storage.engine.mapping import MAPPERS

SEARCH_WINDOW = 20_000  # rows one text search scans before the page ends with "continue from here"
FILTER_WINDOW = 100_000  # the same for filters that read no text
#: Duties that make a ticket overdue when open past their due time.
OVERDUE_KINDS = (Obligation.DISPATCH, Obligation.SIGN, Obligation.CLOSE, Obligation.REWORK, Obligation.SUPERVISE)
#: Words of a journal line that name other tickets.
NAMING_TICKETS = ("repeats", "repeat", "into")
TICKET_COLUMNS = [t.tickets.c[name] for name in MAPPERS[Ticket].names]


def build_like_pattern(text: str) -> str:
    """Return a LIKE pattern that matches exactly these characters; `\\` escapes (FR7)."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def is_one_of(column: Any, units: Collection[str]) -> Any:
    """Condition: the column is one of these; of one unit alone an equality, which its index also orders."""
    return column == next(iter(units)) if len(units) == 1 else column.in_(sorted(units))


def has_number(written: str) -> tuple[Any, Any]:
    """Return the condition that a ticket's number may be what was typed, and the order that puts the most literal first."""
    no, spellings = t.tickets.c.ticket_no, list_spellings(written)
    return no.in_(spellings), case({one: place for place, one in enumerate(spellings)}, value=no)


def was_given_to(*units: str) -> Any:
    """Condition: the ticket was ever assigned to one of these units."""
    a = t.assignments.alias()
    return exists(select(literal(1)).where(a.c.ticket_id == t.tickets.c.id, is_one_of(a.c.unit, units)))


def is_seen_by(sight: Sight | None) -> tuple[Any, ...]:
    """Conditions: those with this sight may see the ticket; None: everybody of the institution."""
    if sight is None:
        return ()
    own = was_given_to(sight.unit)
    if not sight.below:
        return (own,)
    return (or_(own, and_(was_given_to(*sight.below), ~has_flag("confidential"))),)


def hide_other_tickets(c: Connection, lines: tuple[JournalEntry, ...], sight: Sight) -> tuple[JournalEntry, ...]:
    """Leave out of journal lines the numbers of tickets that they may not see (XS7)."""
    named = {no for line in lines for word in NAMING_TICKETS for no in _as_list(line.arguments.get(word))}
    if not named:
        return lines
    seen = set(
        c.execute(
            select(t.tickets.c.ticket_no).where(t.tickets.c.ticket_no.in_(sorted(named)), *is_seen_by(sight))
        ).scalars()
    )

    def hide(words: Mapping[str, Any]) -> dict[str, Any]:
        kept = {word: [no for no in _as_list(words.get(word)) if no in seen] for word in NAMING_TICKETS}
        return {
            word: (kept[word] if isinstance(value, (list, tuple)) else value) if word in kept else value
            for word, value in words.items()
            if word not in kept or kept[word]
        }

    return tuple(replace(line, arguments=hide(line.arguments)) for line in lines)


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def has_flag(flag: str) -> Any:
    """Condition: the ticket has that flag."""
    return or_(
        t.tickets.c.flags == flag, t.tickets.c.flags.like(f"{flag} %"), t.tickets.c.flags.like(f"% {flag}"),
        t.tickets.c.flags.like(f"% {flag} %"),
    )  # fmt: skip


def is_overdue(now: datetime) -> tuple[Any, ...]:
    """Conditions: an open duty of the kinds that count is past its due time; no limit of closing binds a mass incident
    (B37, XD10)."""
    d, k = t.duties.c, t.tickets.alias("timed")
    mass = exists(select(literal(1)).where(k.c.id == d.ticket_id, k.c.flags.like("%mass_incident%")))
    in_force = or_(d.kind != Obligation.CLOSE.value, ~mass)
    return d.met_at.is_(None), d.due_at < to_micros(now), d.kind.in_([k.value for k in OVERDUE_KINDS]), in_force


def is_undecided() -> tuple[Any, ...]:
    """Conditions: a final 不满意 that nobody has decided about (T27, T29, A17)."""
    k = t.tickets.c
    said_no = k.final_answer == Answer.UNSATISFIED.value
    return k.state == State.FINALIZED.value, said_no, ~k.unreasonable, k.rework_count == 0, ~has_flag("reviewed")


def build_query(filters: TicketFilter, now: datetime, seen_by: Sight | None) -> tuple[Select[Any], Any]:
    """Return the query of a list and its ordering column: a unit's list uses the unit's own index."""
    sight = Sight(filters.unit) if seen_by is None and filters.unit is not None else seen_by
    columns = (*TICKET_COLUMNS, t.tickets.c.name_sealed)
    if sight is None:
        return select(*columns), t.tickets.c.id
    a, newer = t.assignments, t.assignments.alias("newer")
    here, again = is_one_of(a.c.unit, sight.units), is_one_of(newer.c.unit, sight.units)
    newest = ~exists(select(literal(1)).where(newer.c.ticket_id == a.c.ticket_id, again, newer.c.id > a.c.id))
    query = select(*columns).join_from(a, t.tickets, t.tickets.c.id == a.c.ticket_id).where(here, newest)
    if sight.below:
        query = query.where(*is_seen_by(sight))
    if filters.unit is not None and filters.unit != sight.unit:
        query = query.where(was_given_to(filters.unit))
    return query, a.c.ticket_id


def choose_window(filters: TicketFilter, seen_by: Sight | None) -> int | None:
    """Return how many rows one page may scan; None if an index answers."""
    if filters.text:
        return SEARCH_WINDOW
    by_index = seen_by is not None or filters.unit or filters.state or filters.overdue or filters.undecided
    return None if by_index or not (filters.grade or filters.category) else FILTER_WINDOW


def find_floor(c: Connection, query: Select[Any], place: Any, stretch: int | None) -> int | None:
    """Return the id where a window ends; None without a window, or if it reaches the beginning."""
    if stretch is None:
        return None
    edge = query.with_only_columns(place).order_by(place.desc()).offset(stretch).limit(1)
    found = c.execute(edge).scalar()
    return None if found is None else int(found)


def apply_filters(query: Select[object], filters: TicketFilter, now: datetime) -> Select[object]:
    """Add the filters that have no index of their own."""
    k = t.tickets.c
    for column, value in ((k.state, filters.state), (k.grade, filters.grade), (k.category, filters.category)):
        if value is not None:
            query = query.where(column == value)
    if filters.overdue:
        query = query.where(k.id.in_(select(t.duties.c.ticket_id).where(*is_overdue(now))))
    if filters.undecided:
        query = query.where(*is_undecided())
    if filters.text:
        number = k.ticket_no.ilike(build_like_pattern(read_typed(filters.text.words)), escape="\\")
        pattern = build_like_pattern(filters.text.words)
        shown = (one.ilike(pattern, escape="\\") for one in (k.masked_title, k.masked_place, k.masked_text))
        query = query.where(or_(number, and_(k.mask_version == filters.text.mask_version, or_(*shown))))
    return query
