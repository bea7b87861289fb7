"""The outbox: messages are claimed in batches under a lease, and settled only by id, owner and attempt."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, bindparam, case, func, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from backend.domain.instants import to_micros, to_span
from backend.domain.records import Message
from backend.ports.outbox import AuditNote, ClaimedMessage, MessageDelivery, SendResult, WaitingMessage
from storage import tables as t
from storage.delivery.settle import Settler, insert_audit_notes, insert_messages
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from storage.engine.mapping import MAPPERS, decode_instant

M = t.letters.c
MAPPER = MAPPERS[Message]
_MESSAGE = [M[name] for name in MAPPER.names]
_CLAIMED = [*_MESSAGE, M.owner, M.doubts]
_DELIVERY = [*_MESSAGE, M.sent_at, M.provider_id, M.address, M.error, M.cost]
RELEASED = {"owner": None, "lease_until": None}
ENDED = ("failed", "dead", "skipped")


def _claim(clock: LeaseClock, these: bool) -> ReturningUpdate[Any]:
    due = (
        select(M.id)
        .where(
            M.state == "pending",
            M.channel.in_(bindparam("channels", expanding=True)),
            M.not_before <= bindparam("now"),
        )
        .order_by(M.urgent.desc(), M.not_before, M.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    if these:
        due = due.where(M.id.in_(bindparam("ids", expanding=True)))
    chosen = due.cte("due")  # a CTE with locks is evaluated once; a plain subquery may exceed its limit
    return (
        update(t.letters)
        .where(M.id.in_(select(chosen.c.id)), M.state == "pending")
        .values(
            state="sending",
            owner=bindparam("by"),
            attempts=M.attempts + 1,
            lease_until=clock.now + bindparam("lease", type_=BigInteger),
        )
        .returning(*_CLAIMED)
    )


class SqlOutboxStore:
    """`OutboxStore` on either engine (FM5, FM7, FT17)."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids
        self._settler = Settler(db, ids)
        self._clock = db.lease_clock
        self._claim, self._claim_ids = _claim(self._clock, False), _claim(self._clock, True)

    async def add(self, messages: Sequence[Message], notes: Sequence[AuditNote] = ()) -> None:
        if not messages and not notes:
            return
        await self._ids.refill(len(notes) + 1)

        def work(c: Connection) -> None:
            insert_messages(c, messages)
            insert_audit_notes(c, notes, self._ids)

        await self._db.write(work)

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
            select(M.id, M.kind, M.channel, M.person, M.urgent, M.ticket_id, M.assignment_id)
            .where(M.state == "pending", M.channel.in_(list(channels)), M.not_before <= to_micros(now))
            .order_by(M.urgent.desc(), M.not_before, M.id)
            .limit(limit)
        )
        if urgent:
            query = query.where(M.urgent)

        return await self._db.fetch_all(
            query,
            lambda r: WaitingMessage(r.id, r.kind, r.channel, r.person, bool(r.urgent), r.ticket_id, r.assignment_id),
        )

    async def claim(
        self,
        owner: str,
        channels: Collection[str],
        now: datetime,
        limit: int,
        lease: timedelta,
        ids: Sequence[int] | None = None,
    ) -> list[ClaimedMessage]:
        given: dict[str, Any] = {
            "channels": list(channels), "now": to_micros(now), "most": limit, "by": owner, "lease": to_span(lease),
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

    async def renew(self, claimed: ClaimedMessage, lease: timedelta) -> bool:
        query = (
            update(t.letters)
            .where(
                M.id == claimed.message.id,
                M.owner == claimed.owner,
                M.attempts == claimed.message.attempts,
                M.state == "sending",
            )
            .values(lease_until=self._clock.after(lease))
        )
        return await self._db.execute(query, self._clock.parameters()) == 1

    async def settle(self, results: Sequence[SendResult]) -> list[bool]:
        """Write results; False for each message no longer ours."""
        return await self._settler.settle(results)

    async def release_expired(
        self, channels: Collection[str], now: datetime, max_attempts: int
    ) -> list[ClaimedMessage]:
        """Release messages whose lease expired, as possible copies; return those tried `most` times, now dead."""
        lost = (
            select(M.id)
            .where(M.state == "sending", M.lease_until < self._clock.now, M.channel.in_(list(channels)))
            .order_by(M.id)
            .with_for_update(skip_locked=True)
            .cte("lost")
        )
        worn = M.attempts >= max_attempts
        free = (
            update(t.letters)
            .where(M.id.in_(select(lost.c.id)), M.state == "sending", M.lease_until < self._clock.now)
            .values(
                state=case((worn, "dead"), else_="pending"),
                error="lease_expired",
                doubts=M.doubts + 1,
                not_before=case((M.not_before < to_micros(now), M.not_before), else_=to_micros(now)),
                **RELEASED,
            )
            .returning(*_CLAIMED, M.state.label("now_state"))
        )

        def work(c: Connection) -> list[ClaimedMessage]:
            return [_claimed(r) for r in c.execute(free, self._clock.parameters()) if r.now_state == "dead"]

        waiting = select(M.id).where(
            M.state == "sending", M.lease_until < self._clock.now, M.channel.in_(list(channels))
        )
        if not await self._db.fetch_rows(waiting.limit(1), self._clock.parameters()):
            return []
        return await self._db.write(work)

    async def postpone(
        self, channel: str, persons: Collection[str], until: datetime, except_kinds: Collection[str]
    ) -> None:
        query = (
            update(t.letters)
            .where(
                M.state == "pending",
                M.channel == channel,
                M.person.in_(list(persons)),
                M.not_before < to_micros(until),
                M.kind.not_in(list(except_kinds)),
            )
            .values(not_before=to_micros(until))
        )
        await self._db.execute(query)

    async def bring_forward(self, message_id: int, not_before: datetime) -> bool:
        query = update(t.letters).where(M.id == message_id, M.state == "pending")
        query = query.values(
            not_before=case((M.not_before > to_micros(not_before), to_micros(not_before)), else_=M.not_before)
        )
        return await self._db.execute(query) == 1

    async def give_up(
        self, message_id: int, error: str, messages: Sequence[Message], notes: Sequence[AuditNote]
    ) -> bool:
        await self._ids.refill(len(notes) + 1)
        end = (
            update(t.letters)
            .where(M.id == message_id, M.state.not_in(ENDED))
            .values(state="failed", error=error, **RELEASED)
        )

        def work(c: Connection) -> bool:
            if c.execute(end).rowcount != 1:
                return False
            insert_messages(c, messages)
            insert_audit_notes(c, notes, self._ids)
            return True

        return await self._db.write(work)

    async def list_by_assignment(self, ticket_id: int | None, assignment_id: int | None) -> list[MessageDelivery]:
        query = select(*_DELIVERY).where(M.ticket_id == ticket_id).order_by(M.id)
        return await self._load_deliveries(query.where(M.assignment_id.is_not_distinct_from(assignment_id)))

    async def list_by_ticket(self, ticket_id: int) -> list[MessageDelivery]:
        return await self._load_deliveries(select(*_DELIVERY).where(M.ticket_id == ticket_id).order_by(M.id))

    async def _load_deliveries(self, query: Select[Any]) -> list[MessageDelivery]:
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
    return ClaimedMessage(message, row.owner or "", row.doubts)
