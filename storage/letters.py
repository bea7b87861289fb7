"""The outbox: messages are claimed in batches under a lease, and settled only by id, owner and attempt."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from backend.domain.instants import from_micros, to_micros
from backend.domain.records import Message
from backend.ports.letters import Claimed, Delivery, Note, Settlement, Waiting
from storage import tables as t
from storage.db import Database
from storage.ids import Ids
from storage.letters_settle import Settler, write_letters, write_notes
from storage.rows import SHAPES

L = t.letters.c
SHAPE = SHAPES[Message]
_LETTER = [L[name] for name in SHAPE.names]
_HELD = [*_LETTER, L.owner, L.lease_until, L.doubts]
_DELIVERY = [*_LETTER, L.sent_at, L.provider_id, L.address, L.error, L.cost]
FREE = {"owner": None, "lease_until": None}
ENDED = ("failed", "dead", "skipped")


def _claim(these: bool) -> ReturningUpdate[Any]:
    due = (
        select(L.id)
        .where(
            L.state == "pending",
            L.channel.in_(bindparam("channels", expanding=True)),
            L.not_before <= bindparam("now"),
        )
        .order_by(L.urgent.desc(), L.not_before, L.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    if these:
        due = due.where(L.id.in_(bindparam("ids", expanding=True)))
    chosen = due.cte("due")  # a CTE with locks is evaluated once; a plain subquery may exceed its limit
    return (
        update(t.letters)
        .where(L.id.in_(select(chosen.c.id)), L.state == "pending")
        .values(state="sending", owner=bindparam("by"), attempts=L.attempts + 1, lease_until=bindparam("until"))
        .returning(*_HELD)
    )


_CLAIM, _CLAIM_THESE = _claim(False), _claim(True)


class Letters:
    """`OutboxStore` on either engine (FM5, FM7, FT17)."""

    def __init__(self, db: Database, ids: Ids) -> None:
        self._db = db
        self._ids = ids
        self._settler = Settler(db, ids)

    async def add(self, messages: Sequence[Message], notes: Sequence[Note] = ()) -> None:
        if not messages and not notes:
            return
        await self._ids.refill(len(notes) + 1)

        def work(c: Connection) -> None:
            write_letters(c, messages)
            write_notes(c, notes, self._ids)

        await self._db.write(work)

    async def get(self, message_id: int) -> Delivery | None:
        found = await self._deliveries(select(*_DELIVERY).where(L.id == message_id))
        return found[0] if found else None

    async def planned(self, kind: str, channel: str, person: str) -> datetime | None:
        mine = (L.kind == kind) & (L.channel == channel) & (L.person == person)
        query = select(func.min(L.not_before)).where(L.state == "pending", mine)
        found = await self._db.read(lambda c: c.execute(query).scalar())
        return None if found is None else from_micros(found)

    async def waiting(
        self, channels: Collection[str], now: datetime, limit: int, *, urgent: bool = False
    ) -> list[Waiting]:
        """List due messages, urgent first, then by `not_before`."""
        query = (
            select(L.id, L.kind, L.channel, L.person, L.urgent, L.ticket_id, L.assignment_id)
            .where(L.state == "pending", L.channel.in_(list(channels)), L.not_before <= to_micros(now))
            .order_by(L.urgent.desc(), L.not_before, L.id)
            .limit(limit)
        )
        if urgent:
            query = query.where(L.urgent)

        def work(c: Connection) -> list[Waiting]:
            return [
                Waiting(r.id, r.kind, r.channel, r.person, bool(r.urgent), r.ticket_id, r.assignment_id)
                for r in c.execute(query)
            ]

        return await self._db.read(work)

    async def claim(
        self,
        owner: str,
        channels: Collection[str],
        now: datetime,
        limit: int,
        lease_until: datetime,
        ids: Sequence[int] | None = None,
    ) -> list[Claimed]:
        given: dict[str, Any] = {
            "channels": list(channels), "now": to_micros(now), "most": limit, "by": owner, "until": to_micros(lease_until),
        }  # fmt: skip
        if ids is not None:
            given["ids"] = list(ids)
        take = _CLAIM if ids is None else _CLAIM_THESE

        def work(c: Connection) -> list[Claimed]:
            rows = sorted(c.execute(take, given).all(), key=lambda r: (not r.urgent, r.not_before, r.id))
            return [_claimed(r) for r in rows]

        return await self._db.write(work)

    async def renew(self, claimed: Claimed, lease_until: datetime) -> bool:
        query = (
            update(t.letters)
            .where(
                L.id == claimed.letter.id,
                L.owner == claimed.owner,
                L.attempts == claimed.letter.attempts,
                L.state == "sending",
            )
            .values(lease_until=to_micros(lease_until))
        )
        return await self._db.write(lambda c: c.execute(query).rowcount == 1)

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        """Write results; False for each message no longer ours."""
        return await self._settler.settle(settlements)

    async def rescue(self, channels: Collection[str], real: datetime, now: datetime, most: int) -> list[Claimed]:
        """Release messages whose lease expired, as possible copies; return those tried `most` times, now dead."""
        lost = (
            select(L.id)
            .where(L.state == "sending", L.lease_until < to_micros(real), L.channel.in_(list(channels)))
            .order_by(L.id)
            .with_for_update(skip_locked=True)
            .cte("lost")
        )
        worn = L.attempts >= most
        free = (
            update(t.letters)
            .where(L.id.in_(select(lost.c.id)), L.state == "sending", L.lease_until < to_micros(real))
            .values(
                state=case((worn, "dead"), else_="pending"),
                error="lease_expired",
                doubts=L.doubts + 1,
                not_before=case((L.not_before < to_micros(now), L.not_before), else_=to_micros(now)),
                **FREE,
            )
            .returning(*_HELD, L.state.label("now_state"))
        )

        def work(c: Connection) -> list[Claimed]:
            return [_claimed(r) for r in c.execute(free).all() if r.now_state == "dead"]

        waiting = select(L.id).where(
            L.state == "sending", L.lease_until < to_micros(real), L.channel.in_(list(channels))
        )
        if await self._db.read(lambda c: c.execute(waiting.limit(1)).first()) is None:
            return []
        return await self._db.write(work)

    async def hold(self, channel: str, persons: Collection[str], until: datetime, spare: Collection[str]) -> None:
        query = (
            update(t.letters)
            .where(
                L.state == "pending",
                L.channel == channel,
                L.person.in_(list(persons)),
                L.not_before < to_micros(until),
                L.kind.not_in(list(spare)),
            )
            .values(not_before=to_micros(until))
        )
        await self._db.write(lambda c: c.execute(query) and None)

    async def hasten(self, message_id: int, not_before: datetime) -> bool:
        query = update(t.letters).where(L.id == message_id, L.state == "pending")
        query = query.values(
            not_before=case((L.not_before > to_micros(not_before), to_micros(not_before)), else_=L.not_before)
        )
        return await self._db.write(lambda c: c.execute(query).rowcount == 1)

    async def give_up(self, message_id: int, error: str, messages: Sequence[Message], notes: Sequence[Note]) -> bool:
        await self._ids.refill(len(notes) + 1)
        end = (
            update(t.letters)
            .where(L.id == message_id, L.state.not_in(ENDED))
            .values(state="failed", error=error, **FREE)
        )

        def work(c: Connection) -> bool:
            if c.execute(end).rowcount != 1:
                return False
            write_letters(c, messages)
            write_notes(c, notes, self._ids)
            return True

        return await self._db.write(work)

    async def family(self, ticket_id: int | None, assignment_id: int | None) -> list[Delivery]:
        query = select(*_DELIVERY).where(L.ticket_id == ticket_id).order_by(L.id)
        return await self._deliveries(query.where(L.assignment_id.is_not_distinct_from(assignment_id)))

    async def of_ticket(self, ticket_id: int) -> list[Delivery]:
        return await self._deliveries(select(*_DELIVERY).where(L.ticket_id == ticket_id).order_by(L.id))

    async def _deliveries(self, query: Select[Any]) -> list[Delivery]:
        def work(c: Connection) -> list[Delivery]:
            return [
                Delivery(
                    SHAPE.read(r[: len(SHAPE.names)]),
                    None if r.sent_at is None else from_micros(r.sent_at),
                    r.provider_id,
                    r.address,
                    r.error,
                    r.cost,
                )  # fmt: skip
                for r in c.execute(query)
            ]

        return await self._db.read(work)


def _claimed(row: Any) -> Claimed:
    message: Message = SHAPE.read(row[: len(SHAPE.names)])
    until = from_micros(row.lease_until) if row.lease_until is not None else message.created_at
    return Claimed(message, row.owner or "", until, row.doubts)
