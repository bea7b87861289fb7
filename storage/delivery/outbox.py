"""The outbox: messages are claimed in batches under a lease, and settled only by id, owner and attempt."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    distinct,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from backend.domain.instants import to_micros, to_span
from backend.domain.records import Message
from backend.ports.outbox import (
    SUSPECT_DEATHS,
    Ask,
    AuditNote,
    ClaimedMessage,
    MessageDelivery,
    Rescue,
    SendResult,
    WaitingMessage,
)
from storage import tables as t
from storage.delivery.settle import Settler, hasten, insert_audit_notes, insert_messages
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import MAPPERS, decode_instant

M = t.outbox.c
MAPPER = MAPPERS[Message]
_MESSAGE = [M[name] for name in MAPPER.names]
_CLAIMED = [*_MESSAGE, M.owner, M.uncertain_sends, M.asks, M.asked_at, M.deaths]
_DELIVERY = [*_MESSAGE, M.sent_at, M.provider_id, M.address, M.error, M.cost]
RELEASED = {"owner": None, "lease_until": None, "asked_at": None}
PLANNED = ("quiet", "digest")  # a message waits for an hour of its own
ENDED = ("failed", "dead", "skipped")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:name))")


def _claim(db: Database, these: bool) -> ReturningUpdate[object]:
    due = (
        select(M.id)
        .where(
            M.state == "pending",
            M.channel.in_(bindparam("channels", expanding=True)),
            M.not_before <= bindparam("now"),
            or_(M.deaths < SUSPECT_DEATHS, bindparam("alone", type_=Boolean)),
            db.gate.is_admitted("outbox"),
        )
        .order_by(M.urgent.desc(), M.not_before, M.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    if these:
        due = due.where(M.id.in_(bindparam("ids", expanding=True)))
    chosen = due.cte("due")  # a CTE with locks is evaluated once; a plain subquery may exceed its limit
    asked = and_(M.id.in_(bindparam("ask", expanding=True)), M.uncertain_sends == 0)
    return (
        update(t.outbox)
        .where(M.id.in_(select(chosen.c.id)), M.state == "pending")
        .values(
            state="sending",
            owner=bindparam("by"),
            attempts=M.attempts + 1,
            lease_until=db.lease_clock.now + bindparam("lease", type_=BigInteger),
            asked_at=case((asked, bindparam("now", type_=BigInteger)), else_=null()),
            asks=M.asks + case((asked, 1), else_=0),
        )
        .returning(*_CLAIMED)
    )


def _identify(kind: str, person: str, facts: Mapping[str, Any], same: Sequence[str]) -> tuple[object, ...]:
    return (kind, person, *(facts.get(name) for name in same))


class SqlOutboxStore:
    """`OutboxStore` on either engine (FM5, FM7, FT17)."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids
        self._settler = Settler(db, ids)
        self._clock = db.lease_clock
        self._claim, self._claim_ids = _claim(db, False), _claim(db, True)

    async def add(self, messages: Sequence[Message], notes: Sequence[AuditNote] = ()) -> None:
        if not messages and not notes:
            return
        await self._ids.refill(len(notes) + 1)

        def work(c: Connection) -> None:
            insert_messages(c, messages)
            insert_audit_notes(c, notes, self._ids)

        await self._db.write(work)

    async def add_once(self, messages: Sequence[Message], same: Sequence[str]) -> int:
        if not messages:
            return 0
        ticket_id = messages[0].ticket_id
        known = select(M.kind, M.person, M.facts).where(M.ticket_id.is_not_distinct_from(ticket_id))
        known = known.where(M.kind.in_({message.kind for message in messages}))

        def work(c: Connection) -> int:
            if c.dialect.name == "postgresql":  # SQLite has one writer anyway
                c.execute(_LOCK, {"name": f"outbox:{ticket_id}"})
            seen = {_identify(r.kind, r.person, json.loads(r.facts), same) for r in c.execute(known)}
            new = [m for m in messages if _identify(m.kind, m.person, m.facts, same) not in seen]
            insert_messages(c, new)
            return len(new)

        return await self._db.write(work)

    async def get(self, message_id: int) -> MessageDelivery | None:
        found = await self._load_deliveries(select(*_DELIVERY).where(M.id == message_id))
        return found[0] if found else None

    async def find_next_send(self, kind: str, channel: str, person: str) -> datetime | None:
        mine = (M.kind == kind) & (M.channel == channel) & (M.person == person)
        query = select(func.min(M.not_before)).where(M.state == "pending", mine)
        found = await self._db.fetch_value(query)
        return decode_instant(found)

    async def list_waiting(
        self, channels: Collection[str], now: datetime, limit: int, *, urgent: bool = False
    ) -> list[WaitingMessage]:
        """List due messages, urgent first, then by `not_before`."""
        query = (
            select(M.id, M.kind, M.channel, M.person, M.urgent, M.ticket_id, M.assignment_id, M.deaths)
            .where(M.state == "pending", M.channel.in_(list(channels)), M.not_before <= to_micros(now))
            .order_by(M.urgent.desc(), M.not_before, M.id)
            .limit(limit)
        )
        if urgent:
            query = query.where(M.urgent)

        return await self._db.fetch_all(
            query,
            lambda r: WaitingMessage(
                r.id, r.kind, r.channel, r.person, bool(r.urgent), r.ticket_id, r.assignment_id, r.deaths
            ),
        )

    async def claim(
        self,
        owner: str,
        channels: Collection[str],
        now: datetime,
        limit: int,
        lease: timedelta,
        ids: Sequence[int] | None = None,
        *,
        ask: Collection[int] = (),
        alone: bool = False,
    ) -> list[ClaimedMessage]:
        given: dict[str, object] = {
            "channels": list(channels), "now": to_micros(now), "most": limit, "by": owner, "lease": to_span(lease),
            "ask": list(ask), "alone": alone,
        }  # fmt: skip
        if ids is not None:
            given["ids"] = list(ids)
        take = self._claim if ids is None else self._claim_ids

        def work(c: Connection) -> list[ClaimedMessage]:
            rows = sorted(
                c.execute(take, given | self._clock.parameters()).all(),
                key=lambda r: (not r.urgent, r.not_before, r.id),
            )
            return [_claimed(r) for r in rows]

        return await self._db.write(work)

    async def renew(self, owner: str, ids: Collection[int], lease: timedelta) -> Collection[int]:
        mine = update(t.outbox).where(M.id.in_(list(ids)), M.owner == owner, M.state == "sending")
        query = mine.values(lease_until=self._clock.after(lease)).returning(M.id)
        return await self._db.write(lambda c: set(c.execute(query, self._clock.parameters()).scalars()))

    async def settle(self, results: Sequence[SendResult | Ask]) -> list[bool]:
        """Write results and asks; False for each message no longer ours."""
        return await self._settler.settle(results)

    async def rescue(
        self, channels: Collection[str], now: datetime, *, may_repeat: bool = True, lease: timedelta = timedelta()
    ) -> Rescue:
        """Take back what dead owners held: one read, and a transaction only when there is something."""
        held = (M.state == "sending", M.channel.in_(list(channels)), self._db.gate.is_admitted("outbox"))
        is_lost = and_(M.lease_until < self._clock.now, self._clock.has_served(lease))
        look = select(
            func.count(distinct(case((~is_lost, M.owner)))), func.coalesce(func.sum(case((is_lost, 1), else_=0)), 0)
        ).where(*held)
        ((owners, lost),) = await self._db.fetch_rows(look, self._clock.parameters())
        if not lost:
            return Rescue(owners=owners)
        query = select(*_CLAIMED).where(*held, is_lost).order_by(M.id).with_for_update(skip_locked=True)

        def work(c: Connection) -> Rescue:
            rows = [_claimed(r) for r in c.execute(query, self._clock.parameters())]
            unasked = [r.message.id for r in rows if not r.is_asked and r.deaths < SUSPECT_DEATHS]
            doubtful = [r.message.id for r in rows if r.is_asked and may_repeat and not r.uncertain_sends]
            free = (
                update(t.outbox)
                .where(M.id.in_(bindparam("ids", expanding=True)), M.state == "sending", is_lost)
                .values(
                    state="pending", error="lease_expired", **RELEASED,
                    not_before=case((M.not_before < to_micros(now), M.not_before), else_=to_micros(now)),
                )
            )  # fmt: skip
            for ids, counter in ((unasked, M.deaths), (doubtful, M.uncertain_sends)):
                if ids:
                    c.execute(free.values({counter: counter + 1}), {"ids": ids, **self._clock.parameters()})
            return Rescue(tuple(r for r in rows if r.message.id not in {*unasked, *doubtful}), owners)

        return await self._db.write(work)

    async def postpone(
        self, channel: str, persons: Collection[str], until: datetime, except_kinds: Collection[str]
    ) -> None:
        waiting = (M.state == "pending", M.channel == channel, M.person.in_(list(persons)))
        earlier = (M.not_before < to_micros(until), M.kind.not_in(list(except_kinds)))
        why = case((M.waits_for.in_(PLANNED), M.waits_for), else_="throttle")
        query = update(t.outbox).where(*waiting, *earlier)
        await self._db.execute(query.values(not_before=to_micros(until), waits_for=why))

    async def bring_forward(self, message_id: int, not_before: datetime) -> bool:
        return await self._db.write(lambda c: hasten(c, message_id, not_before))

    async def give_up(
        self,
        message_id: int,
        error: str,
        messages: Sequence[Message],
        notes: Sequence[AuditNote],
        call_to_hasten: tuple[int, datetime] | None = None,
    ) -> bool:
        await self._ids.refill(len(notes) + 1)
        end = (
            update(t.outbox)
            .where(M.id == message_id, M.state.not_in(ENDED))
            .values(state="failed", error=error, **RELEASED)
        )

        def work(c: Connection) -> bool:
            if c.execute(end).rowcount != 1:
                return False
            insert_messages(c, messages)
            insert_audit_notes(c, notes, self._ids)
            if call_to_hasten is not None:
                hasten(c, *call_to_hasten)
            return True

        return await self._db.write(work)

    async def list_by_assignment(self, ticket_id: int | None, assignment_id: int | None) -> list[MessageDelivery]:
        query = select(*_DELIVERY).where(M.ticket_id == ticket_id).order_by(M.id)
        return await self._load_deliveries(query.where(M.assignment_id.is_not_distinct_from(assignment_id)))

    async def list_by_ticket(self, ticket_id: int) -> list[MessageDelivery]:
        return await self._load_deliveries(select(*_DELIVERY).where(M.ticket_id == ticket_id).order_by(M.id))

    async def _load_deliveries(self, query: Select[object]) -> list[MessageDelivery]:
        return await self._db.fetch_all(
            query,
            lambda r: MessageDelivery(
                MAPPER.read(r[: len(MAPPER.names)]),
                decode_instant(r.sent_at),
                r.provider_id,
                r.address,
                r.error,
                r.cost,
            ),
        )


def _claimed(row: Any) -> ClaimedMessage:
    message: Message = MAPPER.read(row[: len(MAPPER.names)])
    is_asked = row.asked_at is not None
    return ClaimedMessage(message, row.owner or "", row.uncertain_sends, row.asks, is_asked, row.deaths)
