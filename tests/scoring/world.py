"""A small province on an empty database: units, desk, shelves and a hand on the clock; and random lives of tickets."""

import json
import random
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from backend.domain.acts import Act, Actor
from backend.domain.records import Unit
from backend.domain.ticket import Category, Grade, Obligation, Role, Source, UnitKind
from backend.importing.files.reader import open_import
from backend.importing.history import HistoryImport as HistoryRoom
from backend.office.cache import OfficeCache
from backend.scoring import Scoring
from backend.tickets.form_fields import FileContext
from backend.tickets.service import TicketService
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.importing.history import SqlHistoryStore
from storage.office.config import SqlConfigStore, bump_epoch
from storage.scoring.counts import SqlScoringStore
from storage.tickets.moves import create_move_store
from tests.time_and_chance import CHANCE, build_clock

ZONE = ZoneInfo("Asia/Shanghai")
UNITS = ("U01", "U02", "U03", "U04")
REGIONS = {"朝阳区": "M01", "南关区": "M02"}
PAPERS = {"note": "经核实", "evidence": "材料1"}  # what most ledger lines must carry
CLERK = Actor("C1", Role.SCORE_CLERK, "M01")
SECOND_CLERK = Actor("C2", Role.SCORE_CLERK, "M01")


class World:
    """Everything a test of marks needs."""

    def __init__(self, db: Database) -> None:
        self.at = datetime(2026, 11, 22, 9, tzinfo=ZONE)
        self.db, self.ids = db, IdSupply(db)
        self.config = SqlConfigStore(db, self.ids)
        self.office = OfficeCache(self.config, build_clock(lambda: self.at), "jilin")
        self.vault = Encryption("a secret of sixteen or more", CHANCE)
        self.store = SqlScoringStore(db)
        self.marks = Scoring(self.store, self.office, self.ids)
        self.histories = HistoryRoom(SqlHistoryStore(db, self.ids, self.vault), self.office)
        self.desk = TicketService(create_move_store(db), self.office, self.ids, self.vault.journal)

    async def open(self) -> "World":
        await self.config.save_units([
            *(Unit(code, f"{region}热线", UnitKind.MANAGEMENT, region) for region, code in REGIONS.items()),
            *(Unit(code, f"单位{code}", UnitKind.HANDLING, "朝阳区" if code < "U03" else "南关区") for code in UNITS),
        ])  # fmt: skip

        def staff(c):  # type: ignore[no-untyped-def]
            for unit in UNITS:
                c.execute(insert(t.people).values(code=f"H{unit}", name="甲", unit=unit, role="handler",
                                                  phone_sealed=b"x", active=True))  # fmt: skip
            bump_epoch(c)

        await self.db.write(staff)
        return self

    async def load(self, lives: list[dict[str, Any]]) -> list[Any]:
        """Write lives through the file reader, as an import would."""
        body = "\n".join(json.dumps(life, ensure_ascii=False) for life in lives).encode()
        rows = list(open_import("history", body, now=self.at, context=FileContext(ZONE, date(1899, 12, 30), ("CN",))))
        refused = [r for r in rows if not hasattr(r, "ticket_no")]
        assert not refused, refused[:3]
        return await self.histories.write(rows, "import")  # type: ignore[arg-type]

    async def ledger(self, rows: list[dict[str, Any]]) -> None:
        """Ledger lines entered by one clerk and accepted by another."""
        for row in rows:
            entered = await self.marks.enter_ledger({"unit": "U01", "month": "2026-10", **PAPERS, **row}, CLERK)
            await self.marks.review_ledger(entered["id"], True, SECOND_CLERK)

    async def lock(self, run_id: int) -> dict[str, Any]:
        """Check a run for its whole check period; another person than the starter (CLERK) locks it (XD4)."""
        checked = await self.marks.runs.check(run_id, CLERK)
        self.at = max(self.at, datetime.fromisoformat(checked["check_until"]))
        return await self.marks.lock_run(run_id, SECOND_CLERK)

    async def due(self):  # type: ignore[no-untyped-def]
        """The office's deadlines in the shape the independent count asks for."""
        snapshot = await self.office.snapshot()

        def answer(kind: str, grade: str, category: str, at: datetime) -> datetime:
            return snapshot.due(Obligation(kind), Grade(grade), Category(category), at, None)

        return answer

    async def act(self, verb: str, by: Actor, no: str, **words: object) -> None:
        """One act at the desk."""
        await self.desk.act(Act(verb, by, Source.API, ticket_no=no, arguments=words))


ANSWERS = ("satisfied", "basically_satisfied", "unsatisfied", "unsatisfied", "unclear", "no_reply", "unreached")


class Lives:
    """Random lives, odd ones included, from a seed."""

    def __init__(self, seed: int, first: datetime = datetime(2026, 8, 20, tzinfo=ZONE), days: int = 80) -> None:
        self.dice, self.first, self.days = random.Random(seed), first, days

    def make(self, count: int) -> list[dict[str, Any]]:
        return [self.one(f"T{n:06d}") for n in range(count)]

    def one(self, no: str) -> dict[str, Any]:
        dice = self.dice
        born = self.first + timedelta(minutes=dice.randrange(self.days * 1440))
        life: dict[str, Any] = {
            "ticket_no": no, "category": dice.choice([str(c) for c in Category]),
            "grade": dice.choice(["general", "general", "urgent"]), "channel": "phone",
            "region": dice.choice(list(REGIONS)), "generated_at": born.isoformat(),
            "requester": {"name": "王某", "phone": f"138{dice.randrange(10**8):08d}"}, "text": "路灯不亮",
        }  # fmt: skip
        if self.chance(10):
            return {**life, "direct_answer": True}
        if self.chance(3):
            return life
        if self.chance(12):
            life["mass_incident"] = True
        sent = born + self.span(1800)
        entries = []
        while self.chance(15) and len(entries) < 2:
            back = self.assignment(sent, lead=True)
            signed = datetime.fromisoformat(back.get("signed_at") or back["dispatched_at"])
            asked = signed + self.span(4000)
            decided = asked + self.span(3000)
            back["return"] = {
                "submitted_at": asked.isoformat(),
                "decision": "accepted",
                "decided_at": decided.isoformat(),
            }
            entries.append(back)
            sent = decided + self.span(300)
        if not entries or not self.chance(15):
            entries.append(self.lead(sent))
            if self.chance(12):
                entries.append(self.assignment(sent, lead=False))
        life["assignments"] = entries
        closed = [e["closed_at"] for e in entries if "closed_at" in e]
        if closed and self.chance(80):
            life["visits"] = self.visits(datetime.fromisoformat(closed[0]))
            if self.chance(25):
                decided = datetime.fromisoformat(life["visits"][-1]["at"]) + self.span(6000)
                word = dice.choice(["recognised", "recognised", "refused"])
                life["unreasonable"] = {"decision": word, "decided_at": decided.isoformat()}
        return life

    def assignment(self, sent: datetime, *, lead: bool) -> dict[str, Any]:
        one: dict[str, Any] = {"unit": self.dice.choice(UNITS[:3]), "lead": lead, "dispatched_at": sent.isoformat()}
        if not self.chance(8):
            one["signed_at"] = (sent + self.span(2500)).isoformat()
            if self.chance(12):
                one["signed"] = "auto"
        return one

    def lead(self, sent: datetime) -> dict[str, Any]:
        one, dice = self.assignment(sent, lead=True), self.dice
        due = sent + timedelta(days=dice.randrange(1, 12))
        if self.chance(60):
            one["close_due_at"] = due.isoformat()
        done = sent + timedelta(minutes=2501 + dice.randrange(20_000))
        if self.chance(15):
            asked = datetime.fromisoformat(one.get("signed_at") or one["dispatched_at"]) + self.span(60)
            decision = dice.choice(["refused", "withdrawn"])
            one["return"] = {"submitted_at": asked.isoformat(), "decision": decision,
                             "decided_at": (asked + self.span(600)).isoformat()}  # fmt: skip
        if self.chance(20):
            one["close_due_at"] = due.isoformat()
            one["extensions"] = []
            granted = sent
            for _ in range(dice.randrange(1, 3)):
                granted += self.span(1200)
                due += timedelta(days=dice.randrange(1, 8))
                one["extensions"].append({"granted_at": granted.isoformat(), "new_due_at": due.isoformat()})
        if not self.chance(18):
            one["closed_at"] = done.isoformat()
            if self.chance(5) and "close_due_at" in one:
                one["closed_at"] = max(done, due).isoformat()
        if self.chance(6):
            one["red_card"] = False
        return one

    def visits(self, closed: datetime) -> list[dict[str, Any]]:
        found, at = [], closed
        for n in range(self.dice.randrange(1, 5)):
            at += timedelta(minutes=self.dice.randrange(60, 6000))
            kind = "auto" if n == 0 or self.chance(30) else "manual"
            visit = {"kind": kind, "at": at.isoformat(), "answer": self.dice.choice(ANSWERS)}
            if self.chance(60):
                visit["contacted"] = self.dice.choice(["yes", "no", "unsure"])
            if self.chance(60):
                visit["resolved"] = self.dice.choice(["resolved", "partly_resolved", "unresolved"])
            found.append(visit)
        return found

    def chance(self, percent: int) -> bool:
        return self.dice.randrange(100) < percent

    def span(self, minutes: int) -> timedelta:
        return timedelta(minutes=self.dice.randrange(1, minutes))
