"""Ledger lines (台账): entered by one person, reviewed by another, corrected by a line that voids them (B3, B4)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backend.domain.acts import Actor
from backend.domain.channels import may_overlap
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.ids import IdSupply
from backend.ports.ledgers import LedgerFilter, LedgerStore
from backend.ports.scoring import ConnectStore, LedgerEntry, ScoringStore
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.entries import (
    STATES,
    SYSTEM,
    LedgerLine,
    OfferedLine,
    build_entry,
    check_carried,
    list_exemptions,
    list_missing,
    parse_text,
    resolve_months,
    resolve_scheme,
    resolve_unit,
    serialize_entry,
)
from backend.scoring.periods import parse_month
from backend.scoring.second_person import may_decide, require_second_person

__all__ = ["STATES", "IdSupply", "Ledgers", "require_clerk", "serialize_entry"]

UNDECIDED = ("draft", "entered")
PAGE_SIZE = 50


class Ledgers:
    """Enters, corrects, reviews, lists and drafts ledger lines."""

    def __init__(
        self, store: ScoringStore, office: OfficeCache, ids: IdSupply, dependencies: ScoringDependencies
    ) -> None:
        self._store, self._office, self._ids, self._dependencies = store, office, ids, dependencies

    async def enter_ledger(self, entry: Mapping[str, object], actor: Actor) -> LedgerLine:
        """Enter one line by hand; it counts only after a second person's review.

        Without a month it belongs to its document's month unless that is locked, else to the month of submission
        (Q47). Refused `forbidden`, `month_locked`, `missing`, `connect_counted`, `unknown_ticket`, `unknown_file`, and as by
        `entries.build_entry`, `entries.resolve_months`.
        """
        require_clerk(actor)
        return serialize_entry(await self._enter(entry, actor, None), self._office.clock.zone)

    async def correct(self, entry_id: int, changes: Mapping[str, object], actor: Actor) -> LedgerLine:
        """Enter a line that voids an accepted one once it is accepted itself; with `void` nothing takes its place.

        `changes`: the fields that differ, and a `reason`. Refused `unknown_entry`, `reason_missing`, `nothing_to_void`,
        `correction_waits`, and as `enter`.
        """
        require_clerk(actor)
        old = await self._get(entry_id)
        if old.state != "accepted":
            raise Refused("nothing_to_void", id=entry_id, state=old.state)
        if not str(changes.get("reason") or "").strip():
            raise Refused("reason_missing", field="reason")
        waiting = await self._store.list_ledger_entries(LedgerFilter(old.month, old.unit, old.kind, ("entered",)), 200)
        if any(line.replaces == entry_id for line in waiting):
            raise Refused("correction_waits", id=entry_id)
        void = bool(changes.get("void"))
        row = {
            **_entry_fields(old),
            **{k: v for k, v in changes.items() if k != "void" and v is not None},
            "unit": old.unit,
        }
        return serialize_entry(await self._enter(row, actor, old, void=void), self._office.clock.zone)

    async def _enter(
        self, row: Mapping[str, object], actor: Actor, old: LedgerEntry | None, *, void: bool = False
    ) -> LedgerEntry:
        await self._ids.refill(1)
        snapshot, now = await self._office.snapshot(), self._office.clock.now()
        first, second = resolve_months(row, now.date())
        unit = resolve_unit(parse_text(row, "unit"), snapshot)
        month = await self._choose_month(first, second, unit.code, snapshot, reason=str(row.get("reason") or ""))
        line = build_entry(row, snapshot, self._ids.take(), actor.code, now, month)
        if not void:  # a correction of a line older than this rule need not mend what that line lacked
            check_carried(row, unit, snapshot, () if old is None else list_missing(_entry_fields(old), unit, snapshot))
            if line.kind == "connect":
                await require_not_counted(self._store, line.unit, month, str(line.facts.get("channel", "")), snapshot)
        await require_known_tickets(self._store, line.tickets)
        if line.files and not await self._dependencies.files.are_usable(line.files, actor):
            raise Refused("unknown_file", field="files")
        if old is not None:
            line = replace(line, replaces=old.id, facts={**line.facts, "void": True} if void else line.facts)
        await self._store.add_ledger_entries([line])
        await self._dependencies.note(
            now, actor.code, "ledger_entered", line.id, kind=line.kind, unit=line.unit, month=month
        )
        return line

    async def _choose_month(self, first: str, second: str, unit: str, snapshot: OfficeSnapshot, *, reason: str) -> str:
        """Return the first month that is not locked; with a reason, a locked one too. Refused `month_locked`."""
        scheme = resolve_scheme(snapshot.config.units[unit], snapshot)
        for month in (first, second):
            if not await self._store.is_locked(month, [scheme]):
                return month
        if reason.strip():
            return first
        raise Refused("month_locked", month=first, field="month")

    async def review_ledger(
        self, entry_id: int, accept: bool, actor: Actor, exemption: str | None = None
    ) -> LedgerLine:
        """Accept or refuse a line as the second person; a draft of the system needs only one.

        `exemption`: the row's own reason for which what happened does not count; it stays on the refused line (B49).
        Refused `forbidden`, `unknown_entry`, `same_person`, `nothing_pending`, `bad_field`, `exempt_and_counted`.
        """
        require_clerk(actor)
        entry = await self._get(entry_id)
        require_second_person(entry.entered_by, actor)
        exemption = exemption or None
        if exemption is not None and exemption not in list_exemptions(entry, await self._office.snapshot()):
            raise Refused("bad_field", field="exemption")
        if exemption is not None and accept:
            raise Refused("exempt_and_counted")
        state, now = "accepted" if accept else "refused", self._office.clock.now()
        if not await self._store.review_ledger_entry(entry_id, state, actor.code, now, exemption):
            raise Refused("nothing_pending", kind="ledger")
        await self._dependencies.note(
            now, actor.code, "ledger_reviewed", entry_id, state=state, replaces=entry.replaces, exemption=exemption
        )
        return serialize_entry(await self._get(entry_id), self._office.clock.zone)

    async def list_lines(
        self, actor: Actor, *, month: str | None = None, unit: str | None = None, kind: str | None = None,
        state: str | None = None, before: int | None = None, limit: int = PAGE_SIZE,
    ) -> tuple[list[OfferedLine], int | None]:  # fmt: skip
        """Return a page of lines, newest first, and the cursor of the next; a unit's people see its accepted ones.

        Refused `bad_month`, `bad_field`, `forbidden`.
        """
        if month is not None:
            parse_month(month)
        if state is not None and state not in STATES:
            raise Refused("bad_field", field="state")
        states: tuple[str, ...] = () if state is None else (state,)
        if actor.is_unit_member:
            if unit not in (None, actor.unit):
                raise Refused("forbidden", verb="ledger")
            unit, states = actor.unit or "", ("accepted",) if state is None else (state,)
            if state not in (None, "accepted"):
                raise Refused("forbidden", verb="ledger")
        found = await self._store.list_ledger_entries(LedgerFilter(month, unit, kind, states, before), limit + 1)
        zone = self._office.clock.zone
        shown: list[OfferedLine] = [
            {**serialize_entry(x, zone), "may_decide": may_decide(x.state in UNDECIDED, x.entered_by, actor)}
            for x in found[:limit]
        ]
        return shown, shown[-1]["id"] if len(found) > limit else None

    async def draft(
        self, kind: str, unit: str, month: str | None = None, *, source: str, count: int = 1, level: str | None = None,
        note: str = "", evidence: str = "", tickets: Sequence[str] = (),
    ) -> bool:  # fmt: skip
        """Store a line the system found, once per `source`; it counts only after a person accepts it.

        An undecided draft takes the newer count. False if nothing changed, the month is locked, or the unit is
        unknown or its scheme does not have the kind (B23, B27, B28, B46, B57).
        """
        snapshot, now = await self._office.snapshot(), self._office.clock.now()
        month = month or f"{now:%Y-%m}"
        if unit not in snapshot.config.units:
            return False
        row = {"kind": kind, "unit": unit, "count": count, "level": level, "note": note, "evidence": evidence,
               "tickets": list(tickets)}  # fmt: skip
        await self._ids.refill(1)
        try:
            line = build_entry(row, snapshot, self._ids.take(), SYSTEM, now, parse_month(month).name)
        except Refused as no:
            if no.code == "unknown_kind":
                return False
            raise
        if await self._store.is_locked(month, [resolve_scheme(snapshot.config.units[unit], snapshot)]):
            return False
        kept = await self._store.save_drafts([replace(line, state="draft", fingerprint=f"draft:{source}")])
        return bool(kept[0])

    async def _get(self, entry_id: int) -> LedgerEntry:
        entry = await self._store.get_ledger_entry(entry_id)
        if entry is None:
            raise Refused("unknown_entry", id=entry_id)
        return entry


async def require_not_counted(
    store: ConnectStore, unit: str, month: str, channel: str, snapshot: OfficeSnapshot
) -> None:
    """Refuse `connect_counted` a line with counts that the institution has by day already: they would count twice."""
    known = snapshot.settings.strings("ticket.channels")
    if any(may_overlap(channel, other, known) for other in await store.list_connect_channels(unit, month)):
        raise Refused("connect_counted", month=month, field="channel")


async def require_known_tickets(store: LedgerStore, numbers: Sequence[str], field: str = "tickets") -> None:
    """Refuse `unknown_ticket`, naming the field and the first number there is no ticket of (XD3)."""
    known = await store.find_existing_numbers(numbers) if numbers else ()
    for number in numbers:
        if number not in known:
            raise Refused("unknown_ticket", ticket=number[:60], field=field)


def require_clerk(actor: Actor) -> None:
    """Require a role that may keep ledgers and runs (contract §5). Refused `forbidden`."""
    require(actor, "scores.edit", verb="score")


def _entry_fields(entry: LedgerEntry) -> dict[str, object]:
    """Return the fields of an entry as they were entered."""
    row = {
        "kind": entry.kind, "count": entry.count, "level": entry.level, "matter": entry.matter, "points": entry.points,
        "note": entry.note, "evidence": entry.evidence, "month": entry.month, "document_date": entry.document_date,
        "files": list(entry.files), "tickets": list(entry.tickets),
        **{k: entry.facts[k] for k in ("timely", "total", "channel") if k in entry.facts},
    }  # fmt: skip
    return {key: value for key, value in row.items() if value not in (None, "", [])}
