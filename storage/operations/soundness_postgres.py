"""Checks of a PostgreSQL database's pages, and the row by which its machines tell each other of damage (XR4)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from backend.ports.operations import Damage
from storage.engine.postgres import connect, explain_error

MAX_FOUND = 100
FORBIDDEN = "42501"
ROW = "read_only"  # its name among single values
_TABLES = "SELECT oid, oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
_INDEXES = (
    "SELECT c.oid, c.oid::regclass::text FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_am a ON a.oid = c.relam "
    "WHERE a.amname = 'btree' AND i.indisvalid AND c.relnamespace = current_schema()::regnamespace"
)
_READ_ALL = "SELECT count(*) FROM {table} x WHERE x::text IS NULL"  # reads each page, and what is stored out of line
_TELL = "INSERT INTO key_values (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value "


class PostgresSoundness:
    """`Soundness` of a PostgreSQL database: all is read, so that checksums speak; `amcheck` checks indexes and tables.

    Without checksums (`jiesu doctor` asks for them) and without the extension it finds only what cannot be read.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def check_some(self, seconds: float, *, deep: bool = False, strict: bool = False) -> Sequence[str]:
        """Find nothing: the server itself compares checksums whenever it reads a page."""
        return []

    async def check_all(self) -> Sequence[str]:
        found: list[str] = []
        async with connect(self._url) as raw:
            checks = [_READ_ALL.replace("{table}", name) for _, name in await raw.fetch(_TABLES)]
            if await raw.fetchval("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"):
                checks += [f"SELECT bt_index_check({oid}::regclass)" for oid, _ in await raw.fetch(_INDEXES)]
                checks += [
                    f"SELECT blkno, msg FROM verify_heapam({oid}::regclass)" for oid, _ in await raw.fetch(_TABLES)
                ]
            for check in checks:
                found += await _run(raw, check)
                if len(found) >= MAX_FOUND:
                    break
        return found[:MAX_FOUND]


async def _run(raw: Any, check: str) -> list[str]:
    try:
        rows = await raw.fetch(check)
    except Exception as error:
        if getattr(error, "sqlstate", None) == FORBIDDEN:  # the extension is there, and not for us
            return []
        if explain_error(error) != "read_only":
            raise
        return [str(error)]
    return [f"{row['blkno']}: {row['msg']}" for row in rows if "msg" in row]


class PostgresSharedDamage:
    """`SharedDamage` in a row of single values; written by a connection of its own, as all others are refused."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def read(self) -> tuple[Damage, bool] | None:
        async with connect(self._url) as raw:
            return await _read(raw)

    async def tell(self, damage: Damage) -> Damage:
        async with connect(self._url) as raw, raw.transaction():
            await raw.execute("SELECT pg_advisory_xact_lock(hashtext($1))", ROW)
            found = await _read(raw)
            if found is not None and not found[1]:
                return found[0]
            told = replace(damage, number=max(damage.number, found[0].number if found else 0) + 1)
            await _write(raw, told, lifted=False)
            return told

    async def lift(self) -> None:
        async with connect(self._url) as raw, raw.transaction():
            await raw.execute("SELECT pg_advisory_xact_lock(hashtext($1))", ROW)
            found = await _read(raw)
            if found is not None:
                await _write(raw, found[0], lifted=True)


async def _read(raw: Any) -> tuple[Damage, bool] | None:
    value = await raw.fetchval("SELECT value FROM key_values WHERE name = $1", ROW)
    if value is None:
        return None
    content = json.loads(value)
    return Damage(**content["damage"]), bool(content["lifted"])


async def _write(raw: Any, damage: Damage, *, lifted: bool) -> None:
    await raw.execute(_TELL, ROW, json.dumps({"damage": asdict(damage), "lifted": lifted}))


async def list_missing_safeguards(url: str) -> list[str]:
    """List in codes what this server lacks: `checksums_off`, `amcheck_missing`."""
    async with connect(url) as raw:
        sums = await raw.fetchval("SHOW data_checksums") == "on"
        extension = await raw.fetchval("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'")
    return [*([] if sums else ["checksums_off"]), *([] if extension else ["amcheck_missing"])]
