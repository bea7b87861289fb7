"""Finds tickets: by the index of states, of a unit, of open duties, or by literal text in a bounded window."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, literal, or_, select

from backend.domain.acts import Sight
from backend.domain.instants import to_micros
from backend.domain.records import JournalEntry, Ticket
from backend.domain.ticket_enums import Answer, Obligation, State
from backend.domain.typed_numbers import list_spellings, read_typed
from backend.ports.ticket_queries import TicketFilter
from storage import tables as t
from storage.engine.mapping import MAPPERS
from storage.engine.narrowing import AnySelect, build_before, build_matching

SEARCH_WINDOW = 20_000  # rows one text search scans before the page ends with "continue from here"
FILTER_WINDOW = 100_000  # the same for filters that read no text
#: Duties that make a ticket overdue when open past their due time.
OVERDUE_KINDS = (Obligation.DISPATCH, Obligation.SIGN, Obligation.CLOSE, Obligation.REWORK, Obligation.SUPERVISE)
#: Words of a journal line that name other tickets.
NAMING_TICKETS = ("repeats", "repeat", "into")
TICKET_COLUMNS = [t.tickets.c[name] for name in MAPPERS[Ticket].names]
#: The ticket's number is one of `spellings`.
IS_MEANT = t.tickets.c.ticket_no.in_(bindparam("spellings", expanding=True))
_TIMED = t.tickets.alias("timed")
_IS_MASS = exists(select(literal(1)).where(_TIMED.c.id == t.duties.c.ticket_id, _TIMED.c.flags.like("%mass_incident%")))


def build_like_pattern(text: str) -> str:
    """Return a LIKE pattern that matches exactly these characters; `\\` escapes (FR7)."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def is_one_of(column: Any, units: Collection[str]) -> Any:
    """Condition: the column is one of these; of one unit alone an equality, which its index also orders."""
    return column == next(iter(units)) if len(units) == 1 else column.in_(sorted(units))


def find_meant(c: Connection, query: AnySelect, written: str) -> Any:
    """Run a query whose condition is IS_MEANT; return the row whose number is most literally what was typed, or None."""
    spellings = list_spellings(written)
    rows = c.execute(query, {"spellings": list(spellings)}).all()
    return min(rows, key=lambda row: spellings.index(row.ticket_no), default=None)


def _build_given_to(*units: str) -> Any:
    """Condition: the ticket was ever assigned to one of these units."""
    a = t.assignments.alias()
    return exists(select(literal(1)).where(a.c.ticket_id == t.tickets.c.id, is_one_of(a.c.unit, units)))


def is_seen_by(sight: Sight | None) -> tuple[Any, ...]:
    """Conditions: those with this sight may see the ticket; None: everybody of the institution."""
    if sight is None:
        return ()
    own = _build_given_to(sight.unit)
    if not sight.below:
        return (own,)
    return (or_(own, and_(_build_given_to(*sight.below), ~has_flag("confidential"))),)


def build_seen(sight: Sight | None, wanted: ColumnElement[bool], *columns: ColumnElement[Any]) -> AnySelect:
    """Build the query of those among the wanted tickets that are seen with this sight."""
    return select(*columns).where(wanted, *is_seen_by(sight))


def hide_other_tickets(c: Connection, lines: tuple[JournalEntry, ...], sight: Sight) -> tuple[JournalEntry, ...]:
    """Leave out of journal lines the numbers of tickets that they may not see (XS7)."""
    named = {no for line in lines for word in NAMING_TICKETS for no in _as_list(line.arguments.get(word))}
    if not named:
        return lines
    seen = set(c.execute(build_seen(sight, IS_MEANT, t.tickets.c.ticket_no), {"spellings": sorted(named)}).scalars())

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


def is_overdue(now: ColumnElement[int] | int) -> tuple[Any, ...]:
    """Conditions: an open duty of the kinds that count is past its due time; no limit of closing binds a mass incident
    (B37, XD10)."""
    d = t.duties.c
    in_force = or_(d.kind != Obligation.CLOSE.value, ~_IS_MASS)
    return d.met_at.is_(None), d.due_at < now, d.kind.in_([k.value for k in OVERDUE_KINDS]), in_force


def is_undecided() -> tuple[Any, ...]:
    """Conditions: a final 不满意 that nobody has decided about (T27, T29, A17)."""
    k = t.tickets.c
    said_no = k.final_answer == Answer.UNSATISFIED.value
    return k.state == State.FINALIZED.value, said_no, ~k.unreasonable, k.rework_count == 0, ~has_flag("reviewed")


def build_query(filters: TicketFilter, seen_by: Sight | None, before: int | None) -> tuple[AnySelect, Any]:
    """Return the query of a list and its ordering column: a unit's list uses the unit's own index."""
    query, place = _build_list(filters, seen_by)
    return build_before(query, place, before), place


def _build_list(filters: TicketFilter, seen_by: Sight | None) -> tuple[AnySelect, Any]:
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
        query = query.where(_build_given_to(filters.unit))
    return query, a.c.ticket_id


def choose_window(filters: TicketFilter, seen_by: Sight | None) -> int | None:
    """Return how many rows one page may scan; None if an index answers."""
    if filters.text:
        return SEARCH_WINDOW
    by_index = seen_by is not None or filters.unit or filters.state or filters.overdue or filters.undecided
    return None if by_index or not (filters.grade or filters.category) else FILTER_WINDOW


def find_floor(c: Connection, query: AnySelect, place: Any, stretch: int | None) -> int | None:
    """Return the id where a window ends; None without a window, or if it reaches the beginning."""
    if stretch is None:
        return None
    found = c.execute(_build_edge(query, place, stretch)).scalar()
    return None if found is None else int(found)


def _build_edge(query: AnySelect, place: Any, stretch: int) -> AnySelect:
    return query.with_only_columns(place).order_by(place.desc()).offset(stretch).limit(1)


def build_exact(query: AnySelect, filters: TicketFilter, now: datetime) -> AnySelect:
    """Build the query of the one ticket of a list whose whole number was typed."""
    return build_filtered(query, replace(filters, text=None), now).where(IS_MEANT)


def build_page(query: AnySelect, place: Any, floor: int | None, filters: TicketFilter, now: datetime) -> AnySelect:
    """Build the query of a list's tickets down to where its window ends, newest first."""
    bounded = query if floor is None else query.where(place >= floor)
    return build_filtered(bounded, filters, now).order_by(place.desc())


def build_filtered(query: AnySelect, filters: TicketFilter, now: datetime) -> AnySelect:
    """Add the filters that have no index of their own."""
    k = t.tickets.c
    wanted = {k.state: filters.state, k.grade: filters.grade, k.category: filters.category}
    query = build_matching(query, wanted)
    if filters.overdue:
        query = query.where(k.id.in_(select(t.duties.c.ticket_id).where(*is_overdue(to_micros(now)))))
    if filters.undecided:
        query = query.where(*is_undecided())
    if filters.text:
        number = k.ticket_no.ilike(build_like_pattern(read_typed(filters.text.words)), escape="\\")
        pattern = build_like_pattern(filters.text.words)
        shown = (one.ilike(pattern, escape="\\") for one in (k.masked_title, k.masked_place, k.masked_text))
        query = query.where(or_(number, and_(k.mask_version == filters.text.mask_version, or_(*shown))))
    return query
