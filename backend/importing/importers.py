"""Import each kind of row: one small class per kind, each returning a result per row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from backend.domain.acts import Act, Actor, Snapshot
from backend.domain.calendar import build_year
from backend.domain.codes import check_code
from backend.domain.duty_roster import Shift
from backend.domain.institutions import is_circular
from backend.domain.records import Person, Unit
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Answer, Role, Source
from backend.importing.connect_counts import ConnectImporter
from backend.importing.files import records
from backend.importing.importer_base import Importer, ImportServices, NewOrRefused
from backend.importing.ledger_lines import LedgerImporter
from backend.office.duty_roster import WHOLE_DAY, parse_shift
from backend.office.people import PersonForm
from backend.office.unit_finder import UnitFinder
from backend.ports.tickets import TicketRef
from backend.ports.triage import NewCatalogueEntry
from backend.triage.dispatching import build_entry


class UnitImporter(Importer):
    """Units; a parent may appear anywhere in the same file. A blank cell leaves what is known of a unit."""

    chunk_size = None

    async def process(self, rows: Sequence[records.UnitRow]) -> list[NewOrRefused]:
        known = (await self.services.office.snapshot(fresh=True)).config.units
        named = {r.code: Unit(r.code, r.name, r.kind) for r in rows}
        finder = UnitFinder({**known, **named}.values())
        found: list[Unit | Refused] = []
        for row in rows:
            old = known.get(row.code)
            try:
                check_code(row.code)
                parent = finder.find(row.parent, "parent").code if row.parent else old.parent if old else None
            except Refused as no:
                found.append(no)
                continue
            department = old is not None and old.province_department
            found.append(Unit(
                row.code, row.name, row.kind, row.region or (old.region if old else ""), parent,
                department if row.province_department is None else row.province_department,
                old.active if old else True, old.chat_enabled if old else True,
            ))  # fmt: skip
        tree = {**known, **{u.code: u for u in found if isinstance(u, Unit)}}
        found = [self._check_parent(u, tree) if isinstance(u, Unit) else u for u in found]
        good = [u for u in found if isinstance(u, Unit)]
        kept = [known.get(u.code) != u for u in good] if self.dry_run else await self._put(good)
        fresh = iter(kept)
        return [u if isinstance(u, Refused) else next(fresh) for u in found]

    @staticmethod
    def _check_parent(unit: Unit, tree: Mapping[str, Unit]) -> Unit | Refused:
        if unit.parent and unit.parent not in tree:
            return Refused("unknown_unit", unit=unit.parent, field="parent")
        return Refused("unit_circle", unit=unit.name, field="parent") if is_circular(tree, unit.code) else unit

    async def _put(self, units: Sequence[Unit]) -> list[bool]:
        return await self.services.people.save_units(units, self.by.code) if units else []


class PersonImporter(Importer):
    """People; their unit by code or name. What a file does not tell of a person, as whether they are active, stays."""

    async def process(self, rows: Sequence[records.PersonRow]) -> list[NewOrRefused]:
        finder = await self.load_finder()
        forms: list[PersonForm | Refused] = []
        for row in rows:
            try:
                check_code(row.code or "")
                forms.append(PersonForm(
                    name=row.name, unit=finder.find(row.unit).code, role=row.role, code=row.code, phone=row.phone,
                    key_name=row.key_name, key_authorised=row.key_authorised, active=None,
                ))  # fmt: skip
            except Refused as no:
                forms.append(no)
        good = [f for f in forms if isinstance(f, PersonForm)]
        answers = iter(await self.services.people.put_people_each(good, self.by.code, dry_run=self.dry_run))
        return [f if isinstance(f, Refused) else next(answers) for f in forms]


class TicketImporter(Importer):
    """Demands."""

    async def process(self, rows: Sequence[records.TicketRow]) -> list[NewOrRefused]:
        intake = self.services.intake
        answers = await (intake.check(rows) if self.dry_run else intake.receive_many(rows, self.by, Source.IMPORT))
        return [a if isinstance(a, Refused) else True for a in answers]


class HistoryImporter(Importer):
    """Complete histories of tickets from an older platform."""

    async def process(self, rows: Sequence[records.HistoryRow]) -> list[NewOrRefused]:
        histories, finder = self.services.histories, await self.load_finder()
        results = await (histories.check(rows) if self.dry_run else histories.write(rows, self.by.code))
        return [finder.suggest(r) if isinstance(r, Refused) and r.code == "unknown_unit" else r for r in results]


class CalendarImporter(Importer):
    """Calendar days. A full year's notice (New Year's Day and 1 October both closed) sets its other days by weekday."""

    chunk_size = None

    async def process(self, rows: Sequence[records.CalendarRow]) -> list[NewOrRefused]:
        office = self.services.office
        calendar = (await office.snapshot(fresh=True)).calendar
        days = {row.day: row.working for row in rows}
        fresh = [not calendar.covers(d) or calendar.is_workday(d) is not days[d] for d in (r.day for r in rows)]
        if self.dry_run:
            return list(fresh)
        by_name: dict[str, dict[date, bool]] = {}
        for row in rows:
            by_name.setdefault(row.name or "", {})[row.day] = row.working
        for year in sorted({d.year for d in days}):
            if calendar.covers(date(year, 12, 31)) or days.get(date(year, 1, 1)) or days.get(date(year, 10, 1)):
                continue
            if date(year, 1, 1) in days and date(year, 10, 1) in days:
                rest = {d: w for d, w in build_year(year, (), ()).items() if d not in days}
                by_name.setdefault("", {}).update(rest)
        now = office.clock.now()
        for name, some in by_name.items():
            await office.store.set_days(some, name, self.by.code, now)
        office.invalidate()
        return list(fresh)


class VisitImporter(Importer):
    """Return visits made elsewhere (A34): performed as acts of a revisit agent, at the time they were made."""

    chunk_size = 100

    async def process(self, rows: Sequence[records.VisitRow]) -> list[NewOrRefused]:
        done = {row.row: await self._import_one(row) for row in sorted(rows, key=lambda r: r.at)}
        return [done[row.row] for row in rows]

    async def _import_one(self, row: records.VisitRow) -> NewOrRefused:
        snap = await self.services.tickets.moves.load(TicketRef(ticket_no=row.ticket_no))
        if snap is None:
            return Refused("not_found", ticket=row.ticket_no, field="ticket_no")
        if _has_visit(snap, row):
            return False
        arguments = {
            "kind": str(row.kind), "at": row.at, "contacted": row.contacted, "resolved": row.resolved,
            "answer": row.answer or Answer.NO_REPLY, "note": row.note or "",
        }  # fmt: skip
        if row.at > self.services.office.clock.now() or row.at < snap.ticket.generated_at:
            return Refused("bad_field", field="at")
        if self.dry_run:
            return True
        agent = self.by.with_role(Role.REVISIT_AGENT)
        try:
            await self.services.tickets.act(
                Act(
                    "visit",
                    agent,
                    Source.IMPORT,
                    ticket_no=row.ticket_no,
                    arguments={k: v for k, v in arguments.items() if v},
                )
            )
        except Refused as no:
            return no
        return True


def _has_visit(snap: Snapshot, row: records.VisitRow) -> bool:
    return any(v.kind == row.kind and v.at == row.at for v in snap.visits)


class RosterImporter(Importer):
    """Shifts of duty rosters; a person by code, or by name within the unit. A blank deputy leaves the one who is known."""

    async def process(self, rows: Sequence[records.RosterRow]) -> list[NewOrRefused]:
        finder, office = await self.load_finder(), self.services.office
        config = (await office.snapshot(fresh=True)).config
        people, known = config.people, {(s.unit, s.person, s.from_at): s.deputy for s in config.shifts}
        shifts: list[Shift | Refused] = []
        for row in rows:
            try:
                unit = finder.find(row.unit).code
                person = self._find_person(row.person, unit, people, "person")
                deputy = self._find_person(row.deputy, unit, people, "deputy") if row.deputy else None
                if row.begin is not None and row.end is not None:
                    shifts.append(Shift(0, unit, row.begin, row.end, person, deputy))
                elif row.day is not None:
                    shifts.append(parse_shift(unit, row.day, row.hours or WHOLE_DAY, person, deputy, office.clock.zone))
            except Refused as no:
                shifts.append(no)
        good = [
            replace(s, deputy=s.deputy or known.get((s.unit, s.person, s.from_at)))
            for s in shifts
            if isinstance(s, Shift)
        ]
        rosters = self.services.rosters
        done: Sequence[bool | Refused]
        done = (
            [no or True for no in await rosters.check_shifts(good, self.by)]
            if self.dry_run
            else await rosters.save_shifts(good, self.by)
        )
        answers = iter(done)
        return [s if isinstance(s, Refused) else next(answers) for s in shifts]

    @staticmethod
    def _find_person(written: str, unit: str, people: Sequence[Person], field: str) -> str:
        named = [p.code for p in people if p.code == written or (p.unit == unit and p.name == written)]
        if len(set(named)) != 1:
            raise Refused("unknown_person", person=written, field=field)
        return named[0]


class CatalogueImporter(Importer):
    """Rows of the dispatch catalogue; their unit by code or name."""

    async def process(self, rows: Sequence[records.CatalogueRow]) -> list[NewOrRefused]:
        finder = await self.load_finder()
        entries: list[NewCatalogueEntry | Refused] = []
        for row in rows:
            try:
                entries.append(build_entry(
                    finder, row.unit, category=row.category, keywords=row.keywords or "", region=row.region or "",
                    basis=row.basis or "", valid_from=row.valid_from, valid_to=row.valid_to,
                ))  # fmt: skip
            except Refused as no:
                entries.append(no)
        good = [e for e in entries if isinstance(e, NewCatalogueEntry)]
        kept = iter(await self.services.suggestions.import_rows(good, self.by.code, dry=self.dry_run))
        return [e if isinstance(e, Refused) else next(kept) for e in entries]


IMPORTERS: Mapping[str, type[Importer]] = {
    "units": UnitImporter, "people": PersonImporter, "tickets": TicketImporter, "history": HistoryImporter,
    "ledger": LedgerImporter, "calendar": CalendarImporter, "visits": VisitImporter, "roster": RosterImporter,
    "catalogue": CatalogueImporter, "connect": ConnectImporter,
}  # fmt: skip


def create_importer(kind: str, services: ImportServices, texts: Texts, by: Actor, dry_run: bool) -> Importer:
    """Create the importer of this kind for one file."""
    return IMPORTERS[kind](services, texts, by, dry_run)
