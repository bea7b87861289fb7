"""The version gate: which code may work on a database, asked inside every claim, ask and act (XR2; FD12, FM9)."""

from collections.abc import Mapping
from functools import cache

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    TextClause,
    bindparam,
    insert,
    literal_column,
    select,
    text,
    update,
)

from backend.ports.availability import Unavailable
from storage import tables as t

Numbers = Mapping[str, int]  # part → number of the code for it
#: Part → the migration since which its rows mean what this code takes them for. Raise one together with a migration
#: that older code would misread; `schema` is the newest migration of all.
MEANINGS: Numbers = {"acts": 1, "outbox": 1, "inbox": 1, "calls": 1, "deadlines": 1}
CLOSED, HELD = "version_gate", "held"  # why somebody is not admitted: codes of refusals

_READ_ROWS = select(t.gate.c.part, t.gate.c.format, t.gate.c.least)
_INSERT_ROWS = insert(t.gate)
_RAISE = update(t.gate).where(t.gate.c.part == bindparam("b_part"))


@cache
def _build_question(scalar: str) -> TextClause:
    return text(f"SELECT {scalar}")


class Gate:
    """The gate for code with these numbers: admitted while `least <= own <= format` of the parts and nothing is held.

    The condition is evaluated by the database within the statement that claims, asks or acts, so that no code works
    on what has become newer meanwhile. `schema` is asked with every part.
    """

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers

    def obstacle(self, *parts: str) -> str:
        """Return SQL for a scalar: the code of what stands against work on these parts, '' for nothing."""
        wanted = dict.fromkeys(("schema", *parts))
        fits = " OR ".join(
            f"(part = '{part}' AND least <= {self.numbers[part]:d} AND format >= {self.numbers[part]:d})"
            for part in wanted
        )
        return (
            f"(SELECT CASE WHEN count(*) < {len(wanted)} THEN '{CLOSED}'"
            f" WHEN sum(CASE WHEN held THEN 1 ELSE 0 END) > 0 THEN '{HELD}' ELSE '' END FROM gate WHERE {fits})"
        )

    def admits(self, *parts: str) -> str:
        """Return the SQL condition that this code may work on these parts now."""
        return f"{self.obstacle(*parts)} = ''"

    def is_admitted(self, *parts: str) -> ColumnElement[bool]:
        """Return the same for statements that are built."""
        return literal_column(f"({self.admits(*parts)})", Boolean)

    def find_obstacle(self, c: Connection, *parts: str) -> str:
        """Ask on its own, after a statement that changed nothing; '' if these parts are open."""
        return str(c.execute(_build_question(self.obstacle(*parts))).scalar_one())

    def refuse_closed(self, c: Connection, *parts: str) -> None:
        """Raise Unavailable unless these parts are open; for transactions that write much and are seldom."""
        if obstacle := self.find_obstacle(c, *parts):
            raise Unavailable(obstacle)

    def list_closed(self, rows: Mapping[str, tuple[int, int]]) -> list[str]:
        """List the parts that rows of part → (format, least) close to this code."""
        return [part for part, own in self.numbers.items() if part not in rows or not _fits(own, *rows[part])]


def _fits(own: int, newest: int, least: int) -> bool:
    return least <= own <= newest


def read_rows(c: Connection) -> dict[str, tuple[int, int]]:
    """Return part → (format, least); empty in a database that is older than the gate."""
    if not c.dialect.has_table(c, t.gate.name):
        return {}
    return {r.part: (r.format, r.least) for r in c.execute(_READ_ROWS)}


def raise_numbers(c: Connection, numbers: Numbers, least: Numbers) -> None:
    """Open the gate to code of these numbers, and close it to code below `least`; no number is ever lowered."""
    rows = read_rows(c)
    if new := [{"part": part, "format": 0, "least": 0} for part in numbers if part not in rows]:
        c.execute(_INSERT_ROWS, new)
    for part, own in numbers.items():
        newest, lowest = rows.get(part, (0, 0))
        raised = {"format": max(newest, own), "least": max(lowest, least.get(part, 0))}
        c.execute(_RAISE, {"b_part": part, **raised})
