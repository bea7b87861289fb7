"""Ledger lines (台账): checked against the scheme of their unit, entered by one person and reviewed by another (B3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.scoring.facts import parse_facts
from backend.domain.scoring.scheme_file import load_scheme
from backend.domain.ticket import Role
from backend.marks.inputs import scheme_for
from backend.marks.spans import month_span
from backend.office import Office, Standing
from backend.ports.marks import LedgerEntry, MarksStore

CLERKS = (Role.SCORE_CLERK, Role.ADMIN, None)
FIELDS = ("kind", "unit", "month", "count", "level", "matter", "points", "note", "evidence", "timely", "total")
LONGEST = 2_000  # signs of a note


class IdSupply(Protocol):
    """Numbers for new rows."""

    async def refill(self, need: int = ...) -> None: ...
    def take(self) -> int: ...


class Ledgers:
    """Entering and reviewing."""

    def __init__(self, store: MarksStore, office: Office, ids: IdSupply) -> None:
        self._store, self._office, self._ids = store, office, ids

    async def enter(self, entry: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
        """One line by hand, not counted before a second person's review.

        Refused `forbidden`, `unknown_field`, `unknown_unit`, `bad_month`, and as `parse_facts` refuses.
        """
        clerk(actor)
        await self._ids.refill(1)
        standing, number = await self._office.standing(), self._ids.take()
        made = _made(entry, standing, number, actor.code, self._office.clock.now())
        await self._store.enter([made])
        return as_json(made)

    async def review(self, entry_id: int, accept: bool, actor: Actor) -> dict[str, Any]:
        """The second person's word. Refused `forbidden`, `unknown_entry`, `same_person`, `nothing_pending`."""
        clerk(actor)
        entry = await self._store.entry(entry_id)
        if entry is None:
            raise Refused("unknown_entry", id=entry_id)
        if entry.entered_by == actor.code:
            raise Refused("same_person", by=actor.code)
        state = "accepted" if accept else "refused"
        if not await self._store.review(entry_id, state, actor.code, self._office.clock.now()):
            raise Refused("nothing_pending", kind="ledger")
        reviewed = await self._store.entry(entry_id)
        assert reviewed is not None
        return as_json(reviewed)


def clerk(actor: Actor) -> None:
    """Refused `forbidden` unless the actor keeps ledgers and runs (contract §5)."""
    if actor.role not in CLERKS:
        raise Refused("forbidden", verb="score")


def as_json(entry: LedgerEntry) -> dict[str, Any]:
    """An entry as doors show it."""
    return {
        "id": entry.id, "kind": entry.kind, "unit": entry.unit, "month": entry.month, "count": entry.count,
        "level": entry.level, "matter": entry.matter, "points": entry.points, "note": entry.note,
        "evidence": entry.evidence, **entry.facts, "state": entry.state, "entered_by": entry.entered_by,
        "entered_at": entry.entered_at.isoformat(), "reviewed_by": entry.reviewed_by,
        "reviewed_at": None if entry.reviewed_at is None else entry.reviewed_at.isoformat(),
    }  # fmt: skip


def _made(row: Mapping[str, Any], standing: Standing, number: int, by: str, now: datetime) -> LedgerEntry:
    """The entry of given fields, checked by the scheme that will count it."""
    for name in row:
        if name not in FIELDS:
            raise Refused("unknown_field", field=name[:40], path=name[:40])
    unit, month = _text(row, "unit"), month_span(_text(row, "month")).name
    found = standing.config.units.get(unit) or next((u for u in standing.config.units.values() if u.name == unit), None)
    if found is None:
        raise Refused("unknown_unit", unit=unit[:60])
    name = scheme_for(found, standing.settings.text("profile")) or "jilin-unit"
    given = {k: str(v) if k in ("level", "points", "kind") else v for k, v in row.items() if v not in (None, "")}
    scheme = load_scheme(name)
    parse_facts({"scheme": name, "ledger": [{k: v for k, v in given.items() if k not in ("unit", "month")}]}, scheme)
    return LedgerEntry(
        number, given["kind"], found.code, month, int(given.get("count", 1)), given.get("level"),
        None if "matter" not in given else _text(given, "matter"), given.get("points"),
        _text(given, "note", ""), _text(given, "evidence", ""), by, now, "entered", f"entry:{number}",
        facts={k: int(given[k]) for k in ("timely", "total") if k in given},
    )  # fmt: skip


def _text(row: Mapping[str, Any], field: str, absent: str | None = None) -> str:
    value = row.get(field, absent)
    if isinstance(value, int) and not isinstance(value, bool) and field == "matter":
        value = str(value)
    if not isinstance(value, str) or len(value) > LONGEST:
        raise Refused("bad_field", field=field)
    return value
