"""P7: importing a file (read, checked, sealed) against the bare driver writing the same rows."""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.engine import make_url

from backend.app.build_services import Built, open_services
from backend.app.config import Config
from backend.domain.acts import OPERATOR
from backend.rehearsal import city
from bench.harness import Figure, compute_ratios, format_rates, judge, measure
from bench.office import list_engines, open_office
from storage import tables as t
from storage.engine.postgres import PostgresDatabase
from storage.engine.sqlite import SqliteDatabase

#: Tables that an import fills; emptied between the turns.
FILLED = (t.tickets, t.journal, t.duties, t.assignments, t.requests, t.visits)
MIN_RATIO = 0.35
Rows = Mapping[Table, Sequence[tuple[Any, ...]]]


def run(small: bool) -> Iterable[Figure]:
    """Measure demands and complete histories, on both engines."""
    count = 4_000 if small else 20_000
    for engine in list_engines():
        yield from asyncio.run(_measure_engine(engine, count))


async def _measure_engine(engine: str, count: int) -> list[Figure]:
    figures = []
    async with open_office(engine) as office:
        db = office.db
        url = f"sqlite:///{db.path}" if isinstance(db, SqliteDatabase) else _get_url(db)
        with tempfile.TemporaryDirectory() as home:
            config = Config(database_url=url, data=Path(home), sandbox=True, secret_key="a secret of the bench")  # type: ignore[arg-type]
            async with open_services(config) as built:
                await city.load_sample(built.services.imports, "units", "people")
                for kind, make in (("history", make_histories), ("tickets", make_demands)):
                    figures.append(await _measure_kind(built, engine, kind, make(count), count))
    return figures


def _get_url(db: Any) -> str:
    assert isinstance(db, PostgresDatabase)
    return db.url


async def _measure_kind(built: Built, engine: str, kind: str, content: bytes, count: int) -> Figure:
    core, stored_rows = built.core, list[Rows]()

    async def ours() -> float:
        await core.db.write(_empty)
        began = time.perf_counter()
        report = await built.services.imports.import_file(kind, kind, content, OPERATOR)
        took = time.perf_counter() - began
        assert report["imported"] == count, report["refused"][:1]
        if not stored_rows:
            stored_rows.append(await core.db.read(_read_rows))
        return count / took

    async def theirs() -> float:
        await core.db.write(_empty)
        write: Callable[[Rows], Any] = _build_copy(core.db) if engine == "postgresql" else _build_executemany(core.db)
        began = time.perf_counter()
        await write(stored_rows[0])
        return count / (time.perf_counter() - began)

    taken = await measure(ours, theirs)
    what = f"{kind}: {count:,} lines imported, {engine}"
    baseline = "COPY of the same rows" if engine == "postgresql" else "executemany of the same rows, one transaction"
    return judge("P7", what, baseline, compute_ratios(taken), least=MIN_RATIO, note=format_rates(taken, " lines/s"))


def _empty(c: Connection) -> None:
    for table in FILLED:
        c.execute(delete(table))


def _read_rows(c: Connection) -> Rows:
    return {table: [tuple(row) for row in c.execute(select(table))] for table in FILLED}


def _build_executemany(db: Any) -> Callable[[Rows], Any]:
    def work(rows: Rows) -> None:
        raw = sqlite3.connect(db.path, isolation_level=None)
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("BEGIN IMMEDIATE")
        for table, lines in rows.items():
            if lines:
                marks = ", ".join("?" * len(table.columns))
                raw.executemany(f"INSERT INTO {table.name} VALUES ({marks})", lines)
        raw.execute("COMMIT")
        raw.close()

    return lambda rows: asyncio.to_thread(work, rows)


def _build_copy(db: Any) -> Callable[[Rows], Any]:
    async def work(rows: Rows) -> None:
        raw = await asyncpg.connect(make_url(db.url).set(drivername="postgresql").render_as_string(False))
        async with raw.transaction():
            for table, lines in rows.items():
                if lines:
                    names = [column.name for column in table.columns]
                    await raw.copy_records_to_table(table.name, records=lines, columns=names)
        await raw.close()

    return work


def make_demands(count: int) -> bytes:
    """Build a file of demands."""
    head = "ticket_no,category,grade,channel,title,text,place,region,requester_name,requester_phone\n"
    rows = (
        f"T{n},help,general,phone,Title {n},Demand number {n} of the bench,Road {n},,Name {n},{13800000000 + n}\n"
        for n in range(count)
    )
    return (head + "".join(rows)).encode()


def make_histories(count: int) -> bytes:
    """Build a file of complete histories."""
    return "\n".join(json.dumps(_make_history(n)) for n in range(count)).encode()


def _make_history(n: int) -> dict[str, Any]:
    day = f"2026-09-{n % 25 + 1:02d}"
    return {
        "ticket_no": f"L{n}", "category": "help", "grade": "general", "channel": "phone",
        "generated_at": f"{day}T09:00:00+08:00", "text": f"Demand number {n} of the bench",
        "requester": {"name": f"Name {n}", "phone": str(13800000000 + n)},
        "assignments": [{
            "unit": f"U0{n % 6 + 1}", "lead": True, "dispatched_at": f"{day}T10:00:00+08:00",
            "signed_at": f"{day}T11:00:00+08:00", "signed": "manual", "closed_at": f"{day}T16:00:00+08:00",
        }],
        "visits": [{"kind": "auto", "at": f"{day}T18:00:00+08:00", "answer": "satisfied"}],
    }  # fmt: skip
