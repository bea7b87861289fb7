"""The outbox: messages are claimed in batches under a lease, and settled only by id, owner and attempt."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    case,
    func,
    select,
    text,
    update,
)

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
from storage.delivery.claims import RELEASED, build_claim, build_renew, build_rescue
from storage.delivery.settle import Settler, hasten, insert_audit_notes, insert_messages
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import MAPPERS, decode_instant

M = t.outbox.c
MAPPER = MAPPERS[Message]
_MESSAGE = [M[name] for name in MAPPER.names]
_DELIVERY = [*_MESSAGE, M.sent_at, M.provider_id, M.address, M.error, M.cost]
PLANNED = ("quiet", "digest")  # a message waits for an hour of its own
ENDED = ("failed", "dead", "skipped")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
_LIST_KNOWN = select(M.kind, M.person, M.facts).where(
    M.ticket_id.is_not_distinct_from(bindparam("ticket")), M.kind.in_(bindparam("kinds", expanding=True))
)
_GET = select(*_DELIVERY).where(M.id == bindparam("message"))
_LIST_BY_TICKET = select(*_DELIVERY).where(M.ticket_id == bindparam("ticket")).order_by(M.id)
_LIST_BY_ASSIGNMENT = _LIST_BY_TICKET.where(M.assignment_id.is_not_distinct_from(bindparam("assignment")))
_FIND_NEXT_SEND = select(func.min(M.not_before)).where(
    M.state == "pending",
    M.kind == bindparam("kind"),
    M.channel == bindparam("channel"),
    M.person == bindparam("person"),
)
_LIST_WAITING = (
    select(M.id, M.kind, M.channel, M.person, M.urgent, M.ticket_id, M.assignment_id, M.deaths)
    .where(M.state == "pending", M.channel.in_(bindparam("channels", expanding=True)), M.not_before <= bindparam("now"))
    .order_by(M.urgent.desc(), M.not_before, M.id)
    .limit(bindparam("limit"))
)
_LIST_URGENT = _LIST_WAITING.where(M.urgent)
_POSTPONE = (
    update(t.outbox)
    .where(
        M.state == "pending",
        M.channel == bindparam("b_channel"),
        M.person.in_(bindparam("b_persons", expanding=True)),
        M.not_before < bindparam("b_until"),
        M.kind.not_in(bindparam("b_except", expanding=True)),
    )
    .values(not_before=bindparam("b_until"), waits_for=case((M.waits_for.in_(PLANNED), M.waits_for), else_="throttle"))
)
_GIVE_UP = (
    update(t.outbox)
    .where(M.id == bindparam("b_id"), M.state.not_in(ENDED))
    .values(state="failed", error=bindparam("b_error"), **RELEASED)
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
        self._claim, self._claim_ids = build_claim(db, False), build_claim(db, True)
        self._renew = build_renew(db)
        self._count_lost, self._take_lost, free = build_rescue(db)
        self._free_unasked = free.values({M.deaths: M.deaths + 1})
        self._free_doubtful = free.values({M.uncertain_sends: M.uncertain_sends + 1})

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
        known = {"ticket": ticket_id, "kinds": list({message.kind for message in messages})}

        def work(c: Connection) -> int:
            if c.dialect.name == "postgresql":  # SQLite has one writer anyway
                c.execute(_LOCK, {"name": f"outbox:{ticket_id}"})
            seen = {_identify(r.kind, r.person, json.loads(r.facts), same) for r in c.execute(_LIST_KNOWN, known)}
            new = [m for m in messages if _identify(m.kind, m.person, m.facts, same) not in seen]
            insert_messages(c, new)
            return len(new)

        return await self._db.write(work)

    async def get(self, message_id: int) -> MessageDelivery | None:
        found = await self._load_deliveries(_GET, {"message": message_id})
        return found[0] if found else None

    async def find_next_send(self, kind: str, channel: str, person: str) -> datetime | None:
        given = {"kind": kind, "channel": channel, "person": person}
        return decode_instant(await self._db.fetch_value(_FIND_NEXT_SEND, given))

    async def list_waiting(
        self, channels: Collection[str], now: datetime, limit: int, *, urgent: bool = False
    ) -> list[WaitingMessage]:
        """List due messages, urgent first, then by `not_before`."""
        return await self._db.fetch_all(
            _LIST_URGENT if urgent else _LIST_WAITING,
            lambda r: WaitingMessage(
                r.id, r.kind, r.channel, r.person, bool(r.urgent), r.ticket_id, r.assignment_id, r.deaths
            ),
            {"channels": list(channels), "now": to_micros(now), "limit": limit},
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
        given = {"ids": list(ids), "by": owner, "lease": to_span(lease)}
        return await self._db.write(lambda c: set(c.execute(self._renew, given | self._clock.parameters()).scalars()))

    async def settle(self, results: Sequence[SendResult | Ask]) -> list[bool]:
        """Write results and asks; False for each message no longer ours."""
        return await self._settler.settle(results)

    async def rescue(
        self, channels: Collection[str], now: datetime, *, may_repeat: bool = True, lease: timedelta = timedelta()
    ) -> Rescue:
        """Take back what dead owners held: one read, and a transaction only when there is something."""
        given = {"channels": list(channels), "now": to_micros(now), "lease": to_span(lease)}
        ((owners, lost),) = await self._db.fetch_rows(self._count_lost, given | self._clock.parameters())
        if not lost:
            return Rescue(owners=owners)

        def work(c: Connection) -> Rescue:
            rows = [_claimed(r) for r in c.execute(self._take_lost, given | self._clock.parameters())]
            unasked = [r.message.id for r in rows if not r.is_asked and r.deaths < SUSPECT_DEATHS]
            doubtful = [r.message.id for r in rows if r.is_asked and may_repeat and not r.uncertain_sends]
            for ids, free in ((unasked, self._free_unasked), (doubtful, self._free_doubtful)):
                if ids:
                    c.execute(free, given | self._clock.parameters() | {"ids": ids})
            return Rescue(tuple(r for r in rows if r.message.id not in {*unasked, *doubtful}), owners)

        return await self._db.write(work)

    async def postpone(
        self, channel: str, persons: Collection[str], until: datetime, except_kinds: Collection[str]
    ) -> None:
        given = {
            "b_channel": channel, "b_persons": list(persons), "b_until": to_micros(until),
            "b_except": list(except_kinds),
        }  # fmt: skip
        await self._db.execute(_POSTPONE, given)

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

        def work(c: Connection) -> bool:
            if c.execute(_GIVE_UP, {"b_id": message_id, "b_error": error}).rowcount != 1:
                return False
            insert_messages(c, messages)
            insert_audit_notes(c, notes, self._ids)
            if call_to_hasten is not None:
                hasten(c, *call_to_hasten)
            return True

        return await self._db.write(work)

    async def list_by_assignment(self, ticket_id: int, assignment_id: int | None) -> list[MessageDelivery]:
        given = {"ticket": ticket_id, "assignment": assignment_id}
        return await self._load_deliveries(_LIST_BY_ASSIGNMENT, given)

    async def list_by_ticket(self, ticket_id: int) -> list[MessageDelivery]:
        return await self._load_deliveries(_LIST_BY_TICKET, {"ticket": ticket_id})

    async def _load_deliveries(self, query: Select[object], given: Mapping[str, object]) -> list[MessageDelivery]:
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
            given,
        )


def _claimed(row: Any) -> ClaimedMessage:
    message: Message = MAPPER.read(row[: len(MAPPER.names)])
    is_asked = row.asked_at is not None
    return ClaimedMessage(message, row.owner or "", row.uncertain_sends, row.asks, is_asked, row.deaths)
