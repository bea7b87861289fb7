"""Which tickets a month's scores count follows the settings of the office: another value changes each count."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from backend.domain.records import Unit
from backend.domain.scoring.measures import Measure
from backend.domain.ticket_enums import UnitKind
from backend.importing.files.reader import open_import
from backend.importing.history import HistoryImport
from backend.office.cache import OfficeCache
from backend.scoring.documents import build_query
from backend.tickets.form_fields import FileContext
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.open import open_database
from storage.importing.history import SqlHistoryStore
from storage.office.config import SqlConfigStore
from storage.scoring.counts import SqlScoringStore
from tests.settings.world import ZONE
from tests.time_and_chance import CHANCE, build_clock

NOW = datetime(2026, 11, 22, 9, tzinfo=ZONE)
SENT = "2026-10-12T09:00:00+08:00"
IN_OCTOBER, DUE, LATE = "2026-10-16T09:00:00+08:00", "2026-10-20T17:00:00+08:00", "2026-11-05T09:00:00+08:00"
LAST_DAY, NEXT = "2026-10-30T15:00:00+08:00", "2026-11-02T15:00:00+08:00"


@dataclass(frozen=True)
class Case:
    """One unit's one ticket, and what October counts of it by default and under another value (None: nothing)."""

    value: str
    measure: Measure
    before: tuple[int, int] | None
    after: tuple[int, int] | None
    assignment: dict[str, Any] | None
    ticket: dict[str, Any]


def case(
    value: str, measure: Measure, before: tuple[int, int] | None, after: tuple[int, int] | None,
    ticket: dict[str, Any] | None = None, **assignment: Any,
) -> Case:  # fmt: skip
    """A ticket signed at once and due on 20 October, unless something else is said."""
    told = {"lead": True, "dispatched_at": SENT, "signed_at": SENT, "close_due_at": DUE, **assignment}
    return Case(value, measure, before, after, told, ticket or {})


def visited(*visits: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    """A ticket visited so: kind, when, answer."""
    return {"visits": [{"kind": kind, "at": at, "answer": answer} for kind, at, answer in visits], **more}


def asked_back(decision: str, submitted: str, decided: str) -> dict[str, str]:
    """A return and how it was decided."""
    return {"submitted_at": submitted, "decision": decision, "decided_at": decided}


CASES = {
    "scoring.closure_basis": case("due", Measure.ON_TIME, None, (0, 1), closed_at=LATE),
    "scoring.return_basis": case("submitted", Measure.RETURN, None, (1, 1), **{"return": asked_back("refused", SENT, SENT)}),
    "scoring.unreasonable_mode": case(
        "remove_both", Measure.SATISFACTION, (1, 1), None,
        visited(("manual", DUE, "unsatisfied"), unreasonable={"decision": "recognised", "decided_at": LATE}),
        closed_at=IN_OCTOBER,
    ),
    "scoring.second_visit_unreached": case(
        "keep_first", Measure.SATISFACTION, (1, 1), (0, 1),
        visited(("auto", DUE, "unsatisfied"), ("manual", LAST_DAY, "unreached")), closed_at=IN_OCTOBER,
    ),
    "scoring.sign_month": case("due", Measure.SIGN, (1, 1), None, dispatched_at=LAST_DAY, signed_at=LAST_DAY, close_due_at=LATE),
    "scoring.return_month": case(
        "decided", Measure.RETURN, (1, 1), None,
        dispatched_at=LAST_DAY, signed_at=LAST_DAY, close_due_at=LATE, **{"return": asked_back("accepted", LAST_DAY, NEXT)},
    ),
    "scoring.extension_month": case("due", Measure.EXTENSION, (0, 1), None, closed_at=IN_OCTOBER, close_due_at=LATE),
    "scoring.satisfaction_month": case(
        "visited", Measure.SATISFACTION, (1, 1), None, visited(("auto", LATE, "satisfied")), closed_at=IN_OCTOBER
    ),
    "scoring.red_card_month": case("closed", Measure.RED_CARD, (1, 1), (0, 1), closed_at=LATE),
    "scoring.red_card_basis": case(
        "dispatched", Measure.RED_CARD, (0, 1), None,
        dispatched_at="2026-09-28T09:00:00+08:00", signed_at="2026-09-28T10:00:00+08:00", closed_at=IN_OCTOBER,
    ),
    "scoring.sign_returned": case("leave_out", Measure.SIGN, (1, 1), None, **{"return": asked_back("accepted", SENT, SENT)}),
    "scoring.assisting": case("none", Measure.SIGN, (1, 1), None, lead=False),
    "scoring.response_basis": case(
        "said", Measure.RESPONSE, (1, 1), (0, 1),
        {"visits": [{"kind": "manual", "at": LAST_DAY, "answer": "satisfied", "contacted": "unsure"}]},
        closed_at=IN_OCTOBER, contacted_at=SENT,
    ),
    "scoring.merged": case("each", Measure.ON_TIME, (1, 1), (2, 2), closed_at=IN_OCTOBER),
    "scoring.dispatch_month": case(
        "due", Measure.DISPATCH, (1, 1), None, {"generated_at": "2026-10-31T20:00:00+08:00"},
        dispatched_at="2026-10-31T21:00:00+08:00", signed_at=LATE, close_due_at=LATE,
    ),
    "scoring.dispatch_basis": Case("dispatched", Measure.DISPATCH, (0, 1), None, None, {}),
}  # fmt: skip
REPEATED = list(CASES).index("scoring.merged")


def unit_of(key: str) -> str:
    """The unit whose only ticket this setting is about: handling units, or institutions for dispatching."""
    return f"{'M' if 'dispatch_' in key else 'U'}{list(CASES).index(key):02}"


def list_tickets() -> Iterator[dict[str, Any]]:
    """The tickets of all cases, and a repeat of one of them."""
    for number, one in enumerate(CASES.values()):
        ticket = {"ticket_no": f"T{number}", "category": "help", "grade": "general", "region": f"{number}市",
                  "generated_at": SENT, "assignments": [], **one.ticket}  # fmt: skip
        if one.assignment is not None:
            ticket["generated_at"] = one.ticket.get("generated_at", one.assignment["dispatched_at"])
            ticket["assignments"] = [{"unit": f"U{number:02}", **one.assignment}]
        yield ticket
    yield {**ticket, "ticket_no": "REPEAT", "region": f"{REPEATED}市", "assignments": []}


def open_office(database: Database) -> OfficeCache:
    """The office in a database."""
    return OfficeCache(SqlConfigStore(database, IdSupply(database)), build_clock(lambda: NOW), "jilin")


async def fill(url: str) -> None:
    """Import the tickets into an empty database, and merge the repeat."""
    database = open_database(url, time.monotonic)
    ids = IdSupply(database)
    await SqlConfigStore(database, ids).save_units([
        Unit(f"{letter}{number:02}", f"{letter}{number:02}", kind, f"{number}市")
        for number in range(len(CASES)) for letter, kind in (("M", UnitKind.MANAGEMENT), ("U", UnitKind.HANDLING))
    ], "admin", NOW)  # fmt: skip
    body = "\n".join(json.dumps(ticket, ensure_ascii=False) for ticket in list_tickets()).encode()
    rows: Any = list(open_import("history", body, now=NOW, context=FileContext(ZONE, date(1899, 12, 30), ("CN",))))
    store = SqlHistoryStore(database, ids, Encryption("a secret of sixteen or more", CHANCE))
    assert await HistoryImport(store, open_office(database)).write(rows, "import") == [True] * len(rows)
    find_id = select(t.tickets.c.id).where(t.tickets.c.ticket_no == f"T{REPEATED}").scalar_subquery()
    merged = t.tickets.update().where(t.tickets.c.ticket_no == "REPEAT").values(merged_into=find_id, state="merged")
    verb = text(
        "UPDATE journal SET verb = 'merge' WHERE ticket_id = (SELECT id FROM tickets WHERE ticket_no = 'REPEAT')"
    )
    await database.execute(merged)
    await database.execute(verb)
    await database.close()


@pytest.fixture(scope="module")
def filled_url(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> str:
    """The URL of an SQLite file with the tickets of all cases; nobody changes it."""
    path = tmp_path_factory.mktemp("counting") / "jiesu.db"
    shutil.copy(sqlite_template, path)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(fill(f"sqlite:///{path}"))).result()
    return f"sqlite:///{path}"


@pytest.mark.proves
@pytest.mark.parametrize(("key", "one"), CASES.items(), ids=list(CASES))
async def test_a_setting_changes_what_october_counts(filled_url: str, key: str, one: Case) -> None:
    database = open_database(filled_url, time.monotonic)
    snapshot = await open_office(database).snapshot()

    async def count(changes: dict[str, str]) -> tuple[int, int] | None:
        query = build_query("2026-10", snapshot, snapshot.settings.with_changes(changes), NOW, unit_of(key))
        rows = (await SqlScoringStore(database).count([one.measure], query))[one.measure]
        return next(((row.numerator, row.denominator) for row in rows if row.unit == unit_of(key)), None)

    assert await count({}) == one.before
    assert await count({key: one.value}) == one.after
    await database.close()
