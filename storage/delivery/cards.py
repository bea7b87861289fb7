"""The messages people hold: recorded when sent, found when answered, claimed when stale."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Executable, Update, bindparam, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from backend.domain.instants import to_micros, to_span
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

_LEASE = bindparam("b_lease", type_=BigInteger)

_NAME = Compiled(select(t.tickets.c.name_sealed).where(t.tickets.c.id == bindparam("ticket", type_=BigInteger)))
#: no move may happen between reading a ticket's version and inserting its card; SQLite has one writer anyway
_LOCK_VERSIONS = (
    select(t.tickets.c.id, t.tickets.c.version)
    .where(t.tickets.c.id.in_(bindparam("tickets", expanding=True)))
    .order_by(t.tickets.c.id)
    .with_for_update(read=True)
)
_UPDATE_EARLIER = (
    update(t.chat_cards)
    .where(
        C.person == bindparam("b_person"),
        C.kind == bindparam("b_kind"),
        or_(
            C.channel != bindparam("b_channel"),
            C.address != bindparam("b_address"),
            C.message_id != bindparam("b_message"),
        ),
        C.state == "live",
    )
    .values(shown_version=NEVER_SHOWN)
)
_UPDATE_EARLIER_OF_ASSIGNMENT = _UPDATE_EARLIER.where(C.assignment_id == bindparam("b_assignment"))
_UPDATE_EARLIER_OF_NONE = _UPDATE_EARLIER.where(C.assignment_id.is_(None))
_FIND = select(*_COLUMNS).where(
    C.channel == bindparam("channel"), C.address == bindparam("address"), C.message_id == bindparam("message")
)
_LIST_BY_ASSIGNMENT = (
    select(*_COLUMNS).where(C.assignment_id == bindparam("assignment"), C.state == "live").order_by(C.id)
)
_RELEASE = (
    update(t.chat_cards)
    .where(C.id == bindparam("b_id"), C.owner == bindparam("b_owner"))
    .values(owner=None, lease_until=None)
)
_MARK_GONE = update(t.chat_cards).where(C.id == bindparam("b_id")).values(state="gone", owner=None, lease_until=None)
_MARK_ADDRESS_GONE = (
    update(t.chat_cards)
    .where(C.channel == bindparam("b_channel"), C.address == bindparam("b_old"))
    .values(state="gone")
)
_REPLACE_ADDRESS = (
    update(t.bindings)
    .where(
        t.bindings.c.channel == bindparam("b_channel"),
        t.bindings.c.address == bindparam("b_old"),
        t.bindings.c.state == "live",
    )
    .values(address=bindparam("b_new"))
)


def _build_claims(db: Database) -> tuple[Executable, ReturningUpdate[object], Update]:
    """Build what depends on the database's clock and gate: listing stale cards, claiming and renewing them."""
    stale = (
        C.target_version > C.shown_version,
        C.state == "live",
        or_(C.lease_until.is_(None), C.lease_until < db.lease_clock.now),
    )
    these = C.id.in_(bindparam("b_ids", expanding=True))
    until = db.lease_clock.now + _LEASE
    return (
        select(*_COLUMNS)
        .where(
            *stale,
            C.channel.in_(bindparam("channels", expanding=True)),
            or_(C.not_before.is_(None), C.not_before <= bindparam("now")),
        )
        .order_by(C.id)
        .limit(bindparam("limit")),
        update(t.chat_cards)
        .where(*stale, these, db.gate.is_admitted("outbox"))
        .values(owner=bindparam("b_owner"), lease_until=until, attempts=C.attempts + 1)
        .returning(*_COLUMNS),
        update(t.chat_cards).where(these, C.owner == bindparam("b_owner")).values(lease_until=until),
    )


def insert_cards(c: Connection, cards: Sequence[NewCard], ids: IdSupply) -> None:
    """Insert messages; one whose ticket changed while it was being sent is stale at once. Ids must be available."""
    if not cards:
        return
    tickets = sorted({card.ticket_id for card in cards})
    versions = {r.id: r.version for r in c.execute(_LOCK_VERSIONS, {"tickets": tickets})}
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
            given = {"b_person": card.person, "b_kind": card.kind, "b_channel": card.channel,
                     "b_address": card.address, "b_message": card.message_id}  # fmt: skip
            if card.assignment_id is None:
                c.execute(_UPDATE_EARLIER_OF_NONE, given)
            else:
                c.execute(_UPDATE_EARLIER_OF_ASSIGNMENT, given | {"b_assignment": card.assignment_id})


class SqlCardStore:
    """`CardStore` on either engine (FT21, FT22)."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db = db
        self._ids = ids
        self._vault = vault
        self._clock = db.lease_clock
        self._list_stale, self._claim, self._renew = _build_claims(db)

    async def record(self, cards: Sequence[NewCard]) -> None:
        if not cards:
            return
        await self._ids.refill(len(cards))
        await self._db.write(lambda c: insert_cards(c, cards, self._ids))

    async def find(self, channel: str, address: str, message_id: str) -> HeldCard | None:
        given = {"channel": channel, "address": address, "message": message_id}
        return await self._db.fetch_one(_FIND, _CARD.read, given)

    async def list_by_assignment(self, assignment_id: int) -> list[HeldCard]:
        return await self._db.fetch_all(_LIST_BY_ASSIGNMENT, _CARD.read, {"assignment": assignment_id})

    async def list_stale(self, channels: Sequence[str], now: datetime, limit: int) -> list[HeldCard]:
        given = {"channels": list(channels), "now": to_micros(now), "limit": limit, **self._clock.parameters()}
        return await self._db.fetch_all(self._list_stale, _CARD.read, given)

    async def claim(self, owner: str, ids: Sequence[int], lease: timedelta) -> list[HeldCard]:
        given = {"b_ids": list(ids), "b_owner": owner, "b_lease": to_span(lease)}
        return await self._db.write(
            lambda c: [_CARD.read(r) for r in c.execute(self._claim, given | self._clock.parameters())]
        )

    async def renew(self, owner: str, ids: Sequence[int], lease: timedelta) -> None:
        given = {"b_ids": list(ids), "b_owner": owner, "b_lease": to_span(lease)}
        await self._db.execute(self._renew, given | self._clock.parameters())

    async def mark_shown(self, card_id: int, owner: str, version: int) -> bool:
        return await self._release(card_id, owner, {"shown_version": version, "attempts": 0, "not_before": None})

    async def postpone(self, card_id: int, owner: str, not_before: datetime) -> bool:
        return await self._release(card_id, owner, {"not_before": to_micros(not_before)})

    async def _release(self, card_id: int, owner: str, values: dict[str, Any]) -> bool:
        return await self._db.execute(_RELEASE, {"b_id": card_id, "b_owner": owner, **values}) == 1

    async def mark_gone(self, card_id: int) -> None:
        await self._db.execute(_MARK_GONE, {"b_id": card_id})

    async def replace_address(self, channel: str, old: str, new: str) -> None:
        given = {"b_channel": channel, "b_old": old}

        def work(c: Connection) -> None:
            c.execute(_REPLACE_ADDRESS, given | {"b_new": new})
            c.execute(_MARK_ADDRESS_GONE, given)
            bump_epoch(c)

        await self._db.write(work)

    async def get_requester_name(self, ticket_id: int) -> str | None:
        found = await _NAME.read(self._db, {"ticket": ticket_id})
        return self._vault.open("tickets", ticket_id, "name", found[0].name_sealed) if found else None
