"""What a database holds, read on any connection: counts of rows, the journal's end, the keys it needs (XR3)."""

from collections.abc import Sequence

from sqlalchemy import Column, Connection, Executable, Select, delete, func, insert, select, union, update

from backend.ports.backups import Checkpoint, Contents, Hold
from storage import tables as t
from storage.engine.encryption import KEY_HEAD, read_header
from storage.engine.gate import read_rows
from storage.engine.versions import read_known_version
from storage.operations.hold import HELD_PARTS, HOLD, INCARNATION, NAMES, encode_value, read_standing

#: Every encrypted value is bound to its table, row and column; its own name lacks the ending.
_SEALED = "_sealed"
SEALED_COLUMNS = tuple(
    (table, next(iter(table.primary_key)), column)
    for table in t.metadata.sorted_tables
    for column in table.columns
    if column.name.endswith(_SEALED)
)

J, S = t.journal.c, t.journal_seals.c
_COUNTS = {
    table.name: select(func.count()).select_from(table)
    for table in sorted(t.metadata.tables.values(), key=lambda table: table.name)
}
_FIND_LAST_SEAL = select(S.id, S.hash).order_by(S.id.desc()).limit(1)
_FIND_LAST_LINE = select(J.hash, J.recorded_at).order_by(J.recorded_at.desc(), J.id.desc()).limit(1)
_LIST_JOURNAL_KEYS = union(select(J.key_name), select(S.key_name))


def _build_samples(key: Column[str | int], column: Column[bytes]) -> Select[str | int, bytes]:
    begins = func.substr(column, 1, KEY_HEAD)
    first = select(func.min(key).label("key")).where(column.is_not(None)).group_by(begins)
    return select(key, column).where(key.in_(first))


_SAMPLES = [(table.name, column.name, _build_samples(key, column)) for table, key, column in SEALED_COLUMNS]


def read_contents(c: Connection) -> Contents:
    """Read them; the connection's transaction must be one snapshot. Refused `database_of_old_layout`."""
    version = read_known_version(c)
    standing = read_standing(c)
    present = set(c.dialect.get_table_names(c))
    return Contents(
        engine=c.dialect.name,
        schema=version or "",
        gate=dict(sorted(read_rows(c).items())),
        incarnation=standing.incarnation,
        mark=standing.mark,
        checkpoint=_read_checkpoint(c),
        rows={table: int(c.execute(query).scalar_one()) for table, query in _COUNTS.items() if table in present},
        keys=tuple(sorted({*_list_value_keys(c), *_list_journal_keys(c)})),
    )


def _read_checkpoint(c: Connection) -> Checkpoint:
    seal = c.execute(_FIND_LAST_SEAL).first()
    line = c.execute(_FIND_LAST_LINE).first()
    lines = int(c.execute(_COUNTS[t.journal.name]).scalar_one())
    return Checkpoint(
        seal.id if seal else 0, seal.hash if seal else "", lines, line.hash if line else "",
        line.recorded_at if line else None,
    )  # fmt: skip


def _list_value_keys(c: Connection) -> list[str]:
    return [read_header(sealed)[0].key_name for _, _, _, sealed in read_sealed_samples(c)]


def _list_journal_keys(c: Connection) -> Sequence[str]:
    return c.execute(_LIST_JOURNAL_KEYS).scalars().all()


def read_sealed_samples(c: Connection) -> Sequence[tuple[str, str | int, str, bytes]]:
    """Return the first value of each key in each column: table, row, column, value."""
    found = []
    present = set(c.dialect.get_table_names(c))
    for table, column, query in _SAMPLES:
        if table in present:
            found += [(table, row[0], column.removesuffix(_SEALED), bytes(row[1])) for row in c.execute(query)]
    return found


def build_hold_statements(incarnation: str, hold: Hold) -> Sequence[Executable]:
    """Build what makes of a database that was put back another one than it was copied from, and holds it.

    Without parameters: `psql` takes none.
    """
    values = {INCARNATION: incarnation, HOLD: encode_value(hold)}
    return [
        delete(t.key_values).where(t.key_values.c.name.in_(NAMES)),
        *(insert(t.key_values).values(name=name, value=value) for name, value in values.items()),
        update(t.gate).where(t.gate.c.part.in_(HELD_PARTS)).values(held=True),
        delete(t.beats),
    ]
