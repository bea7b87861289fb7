"""Settles the results of many messages, then puts the next asks on record, in one transaction; late ones are refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Update, bindparam, case, insert, text, update

from backend.domain.instants import to_micros
from backend.domain.records import Message
from backend.ports.outbox import Ask, AuditNote, SendResult
from storage import tables as t
from storage.delivery.cards import insert_cards
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from storage.engine.mapping import MAPPERS
from storage.integrity.audit import build_audit_row

M = t.outbox.c
_SETTLE_SENT = text(  # settles all plainly sent messages of a batch in one statement
    "UPDATE outbox l SET state = 'sent', sent_at = x.at, provider_id = x.provider, address = x.address, "
    "cost = x.cost, error = NULL, owner = NULL, lease_until = NULL, asked_at = NULL "
    "FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS integer[]), CAST(:owners AS text[]), "
    "CAST(:ats AS bigint[]), CAST(:providers AS text[]), CAST(:addresses AS text[]), CAST(:costs AS text[])) "
    "AS x(id, attempt, owner, at, provider, address, cost) "
    "WHERE l.id = x.id AND l.owner = x.owner AND l.attempts = x.attempt AND l.state = 'sending' RETURNING l.id"
)
_SETTLE_ONE = "UPDATE outbox SET {sets} WHERE id = ? AND owner = ? AND attempts = ? AND state = 'sending'"
#: a message as it was claimed
_HELD = update(t.outbox).where(
    M.id == bindparam("b_id"),
    M.owner == bindparam("b_owner"),
    M.attempts == bindparam("b_attempt"),
    M.state == "sending",
)
_INSERT_MESSAGES, _INSERT_NOTES = insert(t.outbox), insert(t.audit_log)
_AT = bindparam("b_at", type_=BigInteger)
_HASTEN = (
    update(t.outbox)
    .where(M.id == bindparam("b_id"), M.state == "pending")
    .values(
        not_before=case((M.not_before > _AT, _AT), else_=M.not_before),
        waits_for=case((M.not_before > _AT, ""), else_=M.waits_for),
    )
)


def _build_ask(db: Database) -> Update:
    return _HELD.where(M.asked_at.is_(None), M.lease_until >= db.lease_clock.now, db.gate.is_admitted("outbox")).values(
        asked_at=_AT, asks=M.asks + 1
    )


def _build_settle(s: SendResult, clock: LeaseClock) -> Update:
    """Build what settles a message: the rest is set by the names of its parameters."""
    query = _HELD
    if s.is_uncertain:
        query = query.values(uncertain_sends=M.uncertain_sends + 1)
    if not s.was_asked:
        query = query.values(asks=M.asks - case((M.asked_at.is_(None), 0), else_=1))
    return query.where(M.lease_until < clock.now) if s.is_rescue else query


def insert_messages(c: Connection, messages: Sequence[Message]) -> None:
    """Insert messages."""
    shape = MAPPERS[Message]
    if messages:
        c.execute(_INSERT_MESSAGES, [dict(zip(shape.names, shape.write(x), strict=True)) for x in messages])


def hasten(c: Connection, message_id: int, not_before: datetime) -> bool:
    """Make a waiting message due earlier, never later; False if it no longer waits."""
    return c.execute(_HASTEN, {"b_id": message_id, "b_at": to_micros(not_before)}).rowcount == 1


def insert_audit_notes(c: Connection, notes: Sequence[AuditNote], ids: IdSupply) -> None:
    """Insert audit rows; enough ids must be available."""
    if notes:
        c.execute(_INSERT_NOTES, [build_audit_row(ids, n.at, n.actor, n.event, n.subject, n.facts) for n in notes])


def _build_values(s: SendResult) -> dict[str, Any]:
    values: dict[str, Any] = {"state": s.state, "error": s.error, "owner": None, "lease_until": None, "asked_at": None}
    if s.state in ("sent", "ambiguous"):
        values |= {"sent_at": to_micros(s.at), "provider_id": s.provider_id, "cost": s.cost}
    if s.address is not None:
        values["address"] = s.address
    if s.not_before is not None:
        values |= {"not_before": to_micros(s.not_before), "waits_for": s.waits_for}
    return values


class Settler:
    """Writes results; late ones are refused, the others are kept."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids
        self._clock = db.lease_clock
        self._ask = _build_ask(db)

    async def settle(self, items: Sequence[SendResult | Ask]) -> list[bool]:
        """Write results with what follows them, then asks; True for each message that was still ours."""
        settlements = [s for s in items if isinstance(s, SendResult)]
        asks = [a for a in items if isinstance(a, Ask)]
        if not items:
            return []
        await self._ids.refill(sum(1 + len(s.notes) for s in settlements))
        postgres = self._db.dialect == "postgresql"

        def work(c: Connection) -> list[bool]:
            kept = self._settle_many(c, settlements) if postgres else [self._settle_one(c, s) for s in settlements]
            ours = [s for s, ok in zip(settlements, kept, strict=True) if ok]
            insert_cards(c, [s.card for s in ours if s.card is not None], self._ids)
            insert_messages(c, [message for s in ours for message in s.messages])
            insert_audit_notes(c, [note for s in ours for note in s.notes], self._ids)
            for s in ours:
                if s.call_to_hasten is not None:
                    hasten(c, *s.call_to_hasten)
            settled, asked = iter(kept), iter([self._put_on_record(c, a) for a in asks])
            return [next(settled) if isinstance(item, SendResult) else next(asked) for item in items]

        return await self._db.write(work)

    def _put_on_record(self, c: Connection, a: Ask) -> bool:
        given = {"b_id": a.id, "b_owner": a.owner, "b_attempt": a.attempt, "b_at": to_micros(a.at)}
        return c.execute(self._ask, given | self._clock.parameters()).rowcount == 1

    def _settle_many(self, c: Connection, settlements: Sequence[SendResult]) -> list[bool]:
        plain = [s for s in settlements if s.state == "sent" and not s.is_uncertain]
        done: set[int] = set()
        if plain:
            given = {
                "ids": [s.id for s in plain], "attempts": [s.attempt for s in plain],
                "owners": [s.owner for s in plain], "ats": [to_micros(s.at) for s in plain],
                "providers": [s.provider_id for s in plain], "addresses": [s.address for s in plain],
                "costs": [s.cost for s in plain],
            }  # fmt: skip
            done = {int(r[0]) for r in c.execute(_SETTLE_SENT, given)}
        return [
            s.id in done if s.state == "sent" and not s.is_uncertain else self._settle_one(c, s) for s in settlements
        ]

    def _settle_one(self, c: Connection, s: SendResult) -> bool:
        values = _build_values(s)
        if c.dialect.name == "sqlite" and not s.is_uncertain and s.was_asked and not s.is_rescue:
            raw: Any = c.connection.driver_connection
            sets = ", ".join(f"{name} = ?" for name in values)
            done = raw.execute(_SETTLE_ONE.format(sets=sets), (*values.values(), s.id, s.owner, s.attempt))
            return bool(done.rowcount == 1)
        given = {"b_id": s.id, "b_owner": s.owner, "b_attempt": s.attempt, **values, **self._clock.parameters()}
        return c.execute(_build_settle(s, self._clock), given).rowcount == 1
