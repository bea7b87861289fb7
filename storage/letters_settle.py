"""Settles the results of many messages in one transaction; each late one is refused alone."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, text, update

from backend.domain.instants import to_micros
from backend.domain.records import Message
from backend.ports.letters import Note, Settlement
from storage import tables as t
from storage.cards import write_cards
from storage.db import Database
from storage.ids import Ids
from storage.rows import SHAPES

L = t.letters.c
_SENT = text(  # settles all plainly sent messages of a batch in one statement
    "UPDATE letters l SET state = 'sent', sent_at = x.at, provider_id = x.provider, address = x.address, "
    "cost = x.cost, error = NULL, owner = NULL, lease_until = NULL "
    "FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS integer[]), CAST(:owners AS text[]), "
    "CAST(:ats AS bigint[]), CAST(:providers AS text[]), CAST(:addresses AS text[]), CAST(:costs AS text[])) "
    "AS x(id, attempt, owner, at, provider, address, cost) "
    "WHERE l.id = x.id AND l.owner = x.owner AND l.attempts = x.attempt AND l.state = 'sending' RETURNING l.id"
)
_ONE = "UPDATE letters SET {sets} WHERE id = ? AND owner = ? AND attempts = ? AND state = 'sending'"


def write_letters(c: Connection, messages: Sequence[Message]) -> None:
    """Insert messages."""
    shape = SHAPES[Message]
    if messages:
        c.execute(insert(t.letters), [dict(zip(shape.names, shape.write(x), strict=True)) for x in messages])


def write_notes(c: Connection, notes: Sequence[Note], ids: Ids) -> None:
    """Insert audit rows; enough ids must be available."""
    if notes:
        c.execute(insert(t.audit), [
            {"id": ids.take(), "at": to_micros(n.at), "who": n.who, "what": n.what, "about": n.about,
             "facts": json.dumps(n.facts, ensure_ascii=False, default=str)} for n in notes
        ])  # fmt: skip


def _values(s: Settlement) -> dict[str, Any]:
    values: dict[str, Any] = {"state": s.state, "error": s.error, "owner": None, "lease_until": None}
    if s.state in ("sent", "ambiguous"):
        values |= {"sent_at": to_micros(s.at), "provider_id": s.provider_id, "cost": s.cost}
    if s.address is not None:
        values["address"] = s.address
    if s.not_before is not None:
        values["not_before"] = to_micros(s.not_before)
    return values


class Settler:
    """Writes results; late ones are refused, the others are kept."""

    def __init__(self, db: Database, ids: Ids) -> None:
        self._db = db
        self._ids = ids

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        """Write results with their cards, messages and notes; True for each message that was still ours."""
        if not settlements:
            return []
        await self._ids.refill(sum(1 + len(s.notes) for s in settlements))
        postgres = self._db.dialect == "postgresql"

        def work(c: Connection) -> list[bool]:
            kept = self._many(c, settlements) if postgres else [_one(c, s) for s in settlements]
            ours = [s for s, ok in zip(settlements, kept, strict=True) if ok]
            write_cards(c, [s.card for s in ours if s.card is not None], self._ids, lock=postgres)
            write_letters(c, [message for s in ours for message in s.letters])
            write_notes(c, [note for s in ours for note in s.notes], self._ids)
            return kept

        return await self._db.write(work)

    @staticmethod
    def _many(c: Connection, settlements: Sequence[Settlement]) -> list[bool]:
        plain = [s for s in settlements if s.state == "sent" and not s.doubt]
        done: set[int] = set()
        if plain:
            given = {
                "ids": [s.id for s in plain], "attempts": [s.attempt for s in plain],
                "owners": [s.owner for s in plain], "ats": [to_micros(s.at) for s in plain],
                "providers": [s.provider_id for s in plain], "addresses": [s.address for s in plain],
                "costs": [s.cost for s in plain],
            }  # fmt: skip
            done = {int(r[0]) for r in c.execute(_SENT, given)}
        return [s.id in done if s.state == "sent" and not s.doubt else _one(c, s) for s in settlements]


def _one(c: Connection, s: Settlement) -> bool:
    values = _values(s)
    if c.dialect.name == "sqlite" and not s.doubt:
        raw: Any = c.connection.driver_connection
        sets = ", ".join(f"{name} = ?" for name in values)
        done = raw.execute(_ONE.format(sets=sets), (*values.values(), s.id, s.owner, s.attempt))
        return bool(done.rowcount == 1)
    if s.doubt:
        values["doubts"] = L.doubts + 1
    query = update(t.letters).where(L.id == s.id, L.owner == s.owner, L.attempts == s.attempt, L.state == "sending")
    return c.execute(query.values(**values)).rowcount == 1
