"""A small province whose tickets are scored, and random tickets with their whole history."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from backend.domain.acts import Actor
from backend.domain.records import Unit
from backend.domain.ticket_enums import Category, Grade, Obligation, Role, UnitKind
from backend.importing.files.reader import open_import
from backend.importing.history import HistoryImport
from backend.ports.office import SettingVersion
from backend.tickets.form_fields import FileContext
from storage.engine.database import Database
from storage.importing.history import SqlHistoryStore
from storage.scoring.counts import SqlScoringStore
from tests.domain.scoring.month_e1 import E1_LEDGER, build_month_e1
from tests.scoring_service import build_scoring
from tests.tickets.world import ZONE
from tests.tickets.world import World as TicketWorld

UNITS = ("U01", "U02", "U03", "U04")
REGIONS = {"朝阳区": "M01", "南关区": "M02"}
OCT, NOV = "2026-10", "2026-11"
CARRIED = {"note": "经核实", "evidence": "材料1"}  # what most ledger lines must carry
CLERK = Actor("C1", Role.SCORE_CLERK, "M01")
SECOND_CLERK = Actor("C2", Role.SCORE_CLERK, "M01")
AGENT = Actor("V1", Role.REVISIT_AGENT, "M01")
HANDLER = Actor("HU01", Role.HANDLER, "U01")
LIAISON = Actor("LU01", Role.LIAISON, "U01")

Record = dict[str, Any]  # a ticket with its history, as a line of a history file
Sheet = Mapping[str, Any]


class World(TicketWorld):
    """Two institutions, four units, and the scoring of what they do."""

    start: ClassVar[datetime] = datetime(2026, 11, 22, 9, tzinfo=ZONE)
    region: ClassVar[str] = "朝阳区"
    units: ClassVar[Sequence[Unit]] = (
        *(Unit(code, f"{region}热线", UnitKind.MANAGEMENT, region) for region, code in REGIONS.items()),
        *(Unit(code, f"单位{code}", UnitKind.HANDLING, "朝阳区" if code < "U03" else "南关区") for code in UNITS),
    )
    handlers: ClassVar[Sequence[tuple[str, str]]] = tuple((f"H{unit}", unit) for unit in UNITS)

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.store = SqlScoringStore(db)
        self.scoring = build_scoring(db, self.ids, self.office, self.store)
        self.history = HistoryImport(SqlHistoryStore(db, self.ids, self.encryption), self.office)

    async def import_history(self, records: Sequence[Record]) -> list[Any]:
        """Write tickets through the file reader, as an import would; return the answer to each."""
        body = "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()
        rows = list(open_import("history", body, now=self.at, context=FileContext(ZONE, date(1899, 12, 30), ("CN",))))
        refused = [row for row in rows if not hasattr(row, "ticket_no")]
        assert not refused, refused[:3]
        return await self.history.write(rows, "import")

    async def load_e1(self) -> None:
        """Import the month of example E1, with its ledger."""
        records = [{**record, "ticket_no": f"E{n}"} for n, record in enumerate(build_month_e1())]
        for record in records:
            record["assignments"][0].setdefault("sign_due_at", None)
        assert await self.import_history(records) == [True] * len(records)
        await self.add_ledger(E1_LEDGER)

    async def add_ledger(self, rows: Sequence[Record]) -> None:
        """Enter ledger lines as one clerk and accept them as another."""
        for row in rows:
            entered = await self.scoring.enter_ledger({"unit": "U01", "month": OCT, **CARRIED, **row}, CLERK)
            await self.scoring.review_ledger(entered["id"], True, SECOND_CLERK)

    async def lock(self, run_id: int) -> dict[str, Any]:
        """Check a run for its whole check period; another person than the starter (CLERK) locks it (XD4)."""
        checked = await self.scoring.runs.check(run_id, CLERK)
        self.at = max(self.at, datetime.fromisoformat(str(checked["check_until"])))
        return await self.scoring.lock_run(run_id, SECOND_CLERK)

    async def change_setting(self, key: str, value: str) -> None:
        """Change a setting of the office from now on."""
        now = self.office.clock.now()
        await self.config.add_version(SettingVersion(key, None, value, now, "A1", now))
        self.office.invalidate()

    async def load_due_times(self) -> Callable[[str, str, str, datetime], datetime]:
        """Return the office's deadlines in the shape the independent count asks for."""
        snapshot = await self.office.snapshot()

        def due(kind: str, grade: str, category: str, at: datetime) -> datetime:
            return snapshot.due(Obligation(kind), Grade(grade), Category(category), at, None)

        return due


def find_line(sheet: Sheet, item: str) -> Any:
    """Return the line of an item."""
    return next(line for line in sheet["lines"] if line["item"] == item)


def find_unit(result: Mapping[str, Any], unit: str) -> Any:
    """Return the sheet of a unit."""
    return next(sheet for sheet in result["units"] if sheet["unit"] == unit)


ANSWERS = ("satisfied", "basically_satisfied", "unsatisfied", "unsatisfied", "unclear", "no_reply", "unreached")


class RandomTickets:
    """Random tickets with their history, odd ones included; the same seed gives the same tickets."""

    def __init__(self, seed: int, first: datetime = datetime(2026, 8, 20, tzinfo=ZONE), days: int = 80) -> None:
        self.random, self.first, self.days = random.Random(seed), first, days

    def make(self, count: int) -> list[Record]:
        """Return tickets T000000, T000001, …"""
        return [self.make_one(f"T{n:06d}") for n in range(count)]

    def make_one(self, no: str) -> Record:
        """Return one ticket, from its demand to its visits."""
        generated = self.first + timedelta(minutes=self.random.randrange(self.days * 1440))
        record: Record = {
            "ticket_no": no, "category": self.random.choice([str(c) for c in Category]),
            "grade": self.random.choice(["general", "general", "urgent"]), "channel": "phone",
            "region": self.random.choice(list(REGIONS)), "generated_at": generated.isoformat(),
            "requester": {"name": "王某", "phone": f"138{self.random.randrange(10**8):08d}"}, "text": "路灯不亮",
        }  # fmt: skip
        if self.chance(10):
            return {**record, "direct_answer": True}
        if self.chance(3):
            return record
        if self.chance(12):
            record["mass_incident"] = True
        dispatched = generated + self.span(1800)
        assignments = []
        while self.chance(15) and len(assignments) < 2:
            returned = self.assignment(dispatched, lead=True)
            signed = datetime.fromisoformat(returned.get("signed_at") or returned["dispatched_at"])
            submitted = signed + self.span(4000)
            decided = submitted + self.span(3000)
            returned["return"] = {
                "submitted_at": submitted.isoformat(),
                "decision": "accepted",
                "decided_at": decided.isoformat(),
            }
            assignments.append(returned)
            dispatched = decided + self.span(300)
        if not assignments or not self.chance(15):
            assignments.append(self.lead(dispatched))
            if self.chance(12):
                assignments.append(self.assignment(dispatched, lead=False))
        record["assignments"] = assignments
        closed = [a["closed_at"] for a in assignments if "closed_at" in a]
        if closed and self.chance(80):
            record["visits"] = self.visits(datetime.fromisoformat(closed[0]))
            if self.chance(25):
                decided = datetime.fromisoformat(record["visits"][-1]["at"]) + self.span(6000)
                decision = self.random.choice(["recognised", "recognised", "refused"])
                record["unreasonable"] = {"decision": decision, "decided_at": decided.isoformat()}
        return record

    def assignment(self, dispatched: datetime, *, lead: bool) -> Record:
        """Return an assignment that was signed, by itself or by a person, or not."""
        unit = self.random.choice(UNITS[:3])
        assignment: Record = {"unit": unit, "lead": lead, "dispatched_at": dispatched.isoformat()}
        if not self.chance(8):
            assignment["signed_at"] = (dispatched + self.span(2500)).isoformat()
            if self.chance(12):
                assignment["signed"] = "auto"
        return assignment

    def lead(self, dispatched: datetime) -> Record:
        """Return a lead assignment with its return, extensions and closing, where it has any."""
        assignment = self.assignment(dispatched, lead=True)
        due = dispatched + timedelta(days=self.random.randrange(1, 12))
        if self.chance(60):
            assignment["close_due_at"] = due.isoformat()
        closed = dispatched + timedelta(minutes=2501 + self.random.randrange(20_000))
        if self.chance(15):
            submitted = datetime.fromisoformat(assignment.get("signed_at") or assignment["dispatched_at"])
            submitted += self.span(60)
            decision = self.random.choice(["refused", "withdrawn"])
            assignment["return"] = {"submitted_at": submitted.isoformat(), "decision": decision,
                                    "decided_at": (submitted + self.span(600)).isoformat()}  # fmt: skip
        if self.chance(20):
            assignment["close_due_at"] = due.isoformat()
            assignment["extensions"] = []
            granted = dispatched
            for _ in range(self.random.randrange(1, 3)):
                granted += self.span(1200)
                due += timedelta(days=self.random.randrange(1, 8))
                extension = {"granted_at": granted.isoformat(), "new_due_at": due.isoformat()}
                assignment["extensions"].append(extension)
        if not self.chance(18):
            assignment["closed_at"] = closed.isoformat()
            if self.chance(5) and "close_due_at" in assignment:
                assignment["closed_at"] = max(closed, due).isoformat()
        if self.chance(6):
            assignment["red_card"] = False
        if self.chance(40):
            assignment["contacted_at"] = (dispatched + self.span(3000)).isoformat()
        return assignment

    def visits(self, closed: datetime) -> list[Record]:
        """Return one to four visits after the closing."""
        visits, at = [], closed
        for n in range(self.random.randrange(1, 5)):
            at += timedelta(minutes=self.random.randrange(60, 6000))
            kind = "auto" if n == 0 or self.chance(30) else "manual"
            visit = {"kind": kind, "at": at.isoformat(), "answer": self.random.choice(ANSWERS)}
            if self.chance(60):
                visit["contacted"] = self.random.choice(["yes", "no", "unsure"])
            if self.chance(60):
                visit["resolved"] = self.random.choice(["resolved", "partly_resolved", "unresolved"])
            visits.append(visit)
        return visits

    def chance(self, percent: int) -> bool:
        """Return True with this probability."""
        return self.random.randrange(100) < percent

    def span(self, minutes: int) -> timedelta:
        """Return at least one minute, and less than `minutes`."""
        return timedelta(minutes=self.random.randrange(1, minutes))
