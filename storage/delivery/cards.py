"""The messages people hold: recorded when sent, found when answered, claimed when stale."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, bindparam, or_, select, update

from backend.domain.instants import to_micros
from backend.ports.chat import HeldCard, NewCard
from storage import tables as t
from storage.engine.compiled import Compiled
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper, encode
from storage.office.config import bump_epoch

C = t.chat_cards.c
_CARD = RowMapper(HeldCard)
NEVER_SHOWN = -1  # the version shown by a message that must be updated whatever the ticket does
_COLUMNS = [C.id, C.channel, C.address, C.message_id, C.person, C.ticket_id, C.assignment_id, C.kind,
            C.shown_version, C.target_version, C.facts, C.sent_at, C.state, C.attempts]  # fmt: skip

_NAME = Compiled(select(t.tickets.c.name_sealed).where(t.tickets.c.id == bindparam("ticket", type_=BigInteger)))


def insert_cards(c: Connection, cards: Sequence[NewCard], ids: IdSupply, *, lock: bool) -> None:
    """Insert messages; one whose ticket changed while it was being sent is stale at once. Ids must be available.

    `lock`: no move may happen between reading the ticket's version and inserting the card.
    """
    if not cards:
        return
    query = (
        select(t.tickets.c.id, t.tickets.c.version)
        .where(t.tickets.c.id.in_(sorted({card.ticket_id for card in cards})))
        .order_by(t.tickets.c.id)
    )
    versions = {r.id: r.version for r in c.execute(query.with_for_update(read=True) if lock else query)}
    rows = [
        {
            "id": ids.take(), "channel": card.channel, "address": card.address, "message_id": card.message_id,
            "person": card.person, "ticket_id": card.ticket_id, "assignment_id": card.assignment_id,
            "kind": card.kind, "shown_version": card.shown_version, "target_version": max(card.shown_version, versions.get(card.ticket_id, 0)),
            "facts": encode(card.facts), "sent_at": to_micros(card.sent_at), "state": "live",
        }
        for card in cards
    ]  # fmt: skip
    c.execute(insert_new(c.dialect.name, t.chat_cards), rows)
    for card in cards:
        if card.replaces:
            earlier = (C.assignment_id == card.assignment_id, C.person == card.person, C.kind == card.kind,
                       C.message_id != card.message_id, C.state == "live")  # fmt: skip
            c.execute(update(t.chat_cards).where(*earlier).values(shown_version=NEVER_SHOWN))


class SqlCardStore:
    """`CardStore` on either engine (FT21, FT22)."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db = db
        self._ids = ids
        self._vault = vault
        self._clock = db.lease_clock
        self._is_free = or_(C.lease_until.is_(None), C.lease_until < self._clock.now)

    async def record(self, cards: Sequence[NewCard]) -> None:
        if not cards:
            return
        await self._ids.refill(len(cards))
        lock = self._db.dialect == "postgresql"
        await self._db.write(lambda c: insert_cards(c, cards, self._ids, lock=lock))

    async def find(self, channel: str, address: str, message_id: str) -> HeldCard | None:
        query = select(*_COLUMNS).where(C.channel == channel, C.address == address, C.message_id == message_id)
        found = await self._load(query)
        return found[0] if found else None

    async def list_by_assignment(self, assignment_id: int) -> list[HeldCard]:
        query = select(*_COLUMNS).where(C.assignment_id == assignment_id, C.state == "live")
        return await self._load(query.order_by(C.id))

    async def list_stale(self, channels: Sequence[str], now: datetime, limit: int) -> list[HeldCard]:
        query = (
            select(*_COLUMNS)
            .where(
                C.target_version > C.shown_version,
                C.state == "live",
                C.channel.in_(list(channels)),
                or_(C.not_before.is_(None), C.not_before <= to_micros(now)),
                self._is_free,
            )
            .order_by(C.id)
            .limit(limit)
        )
        return await self._load(query, self._clock.parameters())

    async def claim(self, owner: str, ids: Sequence[int], lease: timedelta) -> list[HeldCard]:
        query = (
            update(t.chat_cards)
            .where(
                C.id.in_(list(ids)),
                C.target_version > C.shown_version,
                C.state == "live",
                self._is_free,
                self._db.gate.is_admitted("outbox"),
            )
            .values(owner=owner, lease_until=self._clock.after(lease), attempts=C.attempts + 1)
            .returning(*_COLUMNS)
        )
        return await self._db.write(lambda c: [_CARD.read(r) for r in c.execute(query, self._clock.parameters())])

    async def renew(self, owner: str, ids: Sequence[int], lease: timedelta) -> None:
        mine = update(t.chat_cards).where(C.id.in_(list(ids)), C.owner == owner)
        await self._db.execute(mine.values(lease_until=self._clock.after(lease)), self._clock.parameters())

    async def mark_shown(self, card_id: int, owner: str, version: int) -> bool:
        return await self._release(card_id, owner, {"shown_version": version, "attempts": 0, "not_before": None})

    async def postpone(self, card_id: int, owner: str, not_before: datetime) -> bool:
        return await self._release(card_id, owner, {"not_before": to_micros(not_before)})

    async def _release(self, card_id: int, owner: str, values: dict[str, Any]) -> bool:
        query = update(t.chat_cards).where(C.id == card_id, C.owner == owner)
        query = query.values(owner=None, lease_until=None, **values)
        return await self._db.execute(query) == 1

    async def mark_gone(self, card_id: int) -> None:
        query = update(t.chat_cards).where(C.id == card_id).values(state="gone", owner=None, lease_until=None)
        await self._db.execute(query)

    async def replace_address(self, channel: str, old: str, new: str) -> None:
        b = t.bindings.c

        def work(c: Connection) -> None:
            live = (b.channel == channel, b.address == old, b.state == "live")
            c.execute(update(t.bindings).where(*live).values(address=new))
            c.execute(update(t.chat_cards).where(C.channel == channel, C.address == old).values(state="gone"))
            bump_epoch(c)

        await self._db.write(work)

    async def get_requester_name(self, ticket_id: int) -> str | None:
        found = await _NAME.read(self._db, {"ticket": ticket_id})
        return self._vault.open("tickets", ticket_id, "name", found[0].name_sealed) if found else None

    async def _load(self, query: Select[Any], parameters: Mapping[str, int] | None = None) -> list[HeldCard]:
        return [_CARD.read(row) for row in await self._db.fetch_rows(query, parameters)]
