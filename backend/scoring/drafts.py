"""Draft ledger lines from data already in the system, for a person to decide (B4, B18-B20, B24-B28, B45-B57)."""

from datetime import date, datetime, timedelta

from backend.domain.ticket_enums import UnitKind
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.scoring import ScoringStore
from backend.scoring.draft_writer import DraftWriter, Render
from backend.scoring.ledgers import Ledgers
from backend.scoring.periods import get_month_bounds, parse_month, shift_month
from backend.scoring.ticket_drafts import ONE_EACH, TicketDrafts

MONTHS_BACK = 1  # months before the current one that are checked again
#: kinds the system drafts: here, from calls (B46) and from governance projects (B23); all others stay by hand (XD22)
DRAFTED_KINDS = frozenset(ONE_EACH.values()) | {
    "coordinated", "knowledge", "contact_unreported", "lead_unit_missing", "absence", "post_missing", "rule_missing",
    "roster", "unreachable_event", "governed_class",
}  # fmt: skip


class LedgerDrafts:
    """Drafts lines from a month's tickets and registers. `render` renders the notes (texts `draft.…`)."""

    def __init__(self, store: ScoringStore, office: OfficeCache, ledgers: Ledgers, render: Render) -> None:
        self._store, self._office, self._writer = store, office, DraftWriter(store, ledgers, render)
        self._tickets = TicketDrafts(store, self._writer)

    async def run_once(self) -> int:
        """Draft the current month and the one before; return how many drafts are new or changed."""
        month = f"{self._office.clock.now():%Y-%m}"
        return sum([await self.draft_month(shift_month(month, -back)) for back in range(MONTHS_BACK, -1, -1)])

    async def draft_month(self, name: str) -> int:
        """Draft from every source of one month; return how many are new or changed. Refused `bad_month`."""
        month = parse_month(name).name
        start, end = get_month_bounds(month, self._office.clock.zone)
        snapshot = await self._office.snapshot()
        now = self._office.clock.now()
        found = await self._tickets.draft(month, start, end, now, snapshot)
        if start <= now < end:
            found += await self._tickets.draft_unnamed(month, start, end, snapshot)
        found += await self._draft_knowledge(month, start, end)
        found += await self._draft_contacts(month, snapshot)
        found += await self._draft_occasions(month)
        return found + await self._draft_institutions(month, end, snapshot)

    async def _draft_knowledge(self, month: str, start: datetime, end: datetime) -> int:
        """Count records accepted (units) or reviewed (institutions): one line per unit and month, whose count grows."""
        units, found = (await self._office.snapshot()).config.units, 0
        for code, (made, reviewed) in (await self._store.count_knowledge(start, end)).items():
            unit = units.get(code)
            n = 0 if unit is None else reviewed if unit.kind is UnitKind.MANAGEMENT else made
            if n:
                found += await self._writer.write("knowledge", code, month, f"knowledge:{code}:{month}", count=n)
        return found

    async def _draft_contacts(self, month: str, snapshot: OfficeSnapshot) -> int:
        """Draft contact changes reported (报备) after `contact.report_within` (B45), in the month of the report."""
        zone, found = self._office.clock.zone, 0
        within = snapshot.settings.text("contact.report_within")
        for one in await self._store.list_register_entries("contact"):
            changed = datetime.combine(date.fromisoformat(one.on_date), datetime.min.time(), zone) + timedelta(hours=9)
            if one.at.astimezone(zone).strftime("%Y-%m") != month:
                continue
            if one.at > snapshot.add_limit(within, changed, one.unit):
                found += await self._writer.write(
                    "contact_unreported", one.unit, month, f"contact:{one.id}", text="contact", name=one.name,
                    changed=one.on_date, reported=f"{one.at.astimezone(zone):%Y-%m-%d}",
                )  # fmt: skip
        return found

    async def _draft_occasions(self, month: str) -> int:
        found = 0
        for one in await self._store.list_register_entries("occasion"):
            if one.on_date[:7] == month and one.facts.get("came") == "no" and one.ended_at is None:
                what = f"absence_{one.facts.get('what')}"
                found += await self._writer.write(
                    "absence", one.unit, month, f"occasion:{one.id}", text=what, name=one.name
                )
        return found

    async def _draft_institutions(self, month: str, end: datetime, snapshot: OfficeSnapshot) -> int:
        """Draft missing posts, rules and rosters, for institutions that keep the register at all."""
        found = 0
        last = (end - timedelta(days=1)).date().isoformat()
        units = [u for u in snapshot.config.units.values() if u.kind is UnitKind.MANAGEMENT and u.active]
        for kind, ledger in (("post", "post_missing"), ("rule", "rule_missing")):
            wanted = snapshot.settings.strings(f"scoring.required_{kind}s")
            rows = await self._store.list_register_entries(kind)
            for unit in units:
                mine = [r for r in rows if r.unit == unit.code]
                held = {r.name for r in mine if r.on_date <= last and (r.ended_at is None or r.ended_at >= end)}
                missing = [name for name in wanted if name not in held]
                if mine and missing:
                    found += await self._writer.write(
                        ledger, unit.code, month, f"{kind}:{unit.code}:{month}", count=len(missing), text=ledger,
                        names=self._writer.join(missing),
                    )  # fmt: skip
        rosters = await self._store.list_register_entries("roster")
        for unit in units:
            mine = [r for r in rosters if r.unit == unit.code]
            there = [r for r in mine if r.on_date[:7] == month and r.ended_at is None]
            level = (
                "missing" if mine and not there else "ok" if not there else str(there[0].facts.get("judgement", "ok"))
            )
            if level != "ok":
                found += await self._writer.write(
                    "roster", unit.code, month, f"roster:{unit.code}:{month}", level=level, text=f"roster_{level}"
                )
        return found
