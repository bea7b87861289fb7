"""Which of many values exist already: more may be asked for than one query of either engine takes."""

from sqlalchemy import insert

from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import MAX_VALUES, find_existing
from storage.engine.ids import IdSupply
from storage.importing.imports import SqlImportStore
from storage.triage.governance_projects import SqlGovernanceStore

MANY = 40_000  # more than the 32,767 parameters that asyncpg takes


async def test_a_file_of_any_length_is_compared_with_the_ledger(database: Database) -> None:
    row = {"id": 1, "kind": "exposure", "unit": "U01", "month": "2026-11", "count": 1, "note": "", "evidence": "",
            "facts": "{}", "entered_by": "C", "entered_at": 0, "state": "entered", "fingerprint": "00039999"}  # fmt: skip
    await database.execute(insert(t.ledger_lines).values(**row))
    store = SqlImportStore(database, IdSupply(database))
    assert await store.find_existing_lines([f"{n:08}" for n in range(MANY)]) == {"00039999"}


async def test_a_project_may_name_any_number_of_tickets(database: Database) -> None:
    assert await SqlGovernanceStore(database).find_existing_numbers([f"{n:08}" for n in range(MANY)]) == frozenset()


async def test_the_last_value_of_each_query_is_found(database: Database) -> None:
    names = [f"{n:08}" for n in (0, MAX_VALUES - 1, MAX_VALUES, 2 * MAX_VALUES)]
    for name in names:
        await database.execute(insert(t.key_values).values(name=name, value=""))
    wanted = [f"{n:08}" for n in range(2 * MAX_VALUES + 1)]
    assert await database.read(lambda c: find_existing(c, t.key_values.c.name, [*wanted, *wanted])) == set(names)
