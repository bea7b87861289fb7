"""The inbox: an update is stored before it is answered, and marked done in the transaction of its effect."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, Update, bindparam, delete, select, text, update

from backend.domain.instants import from_micros, to_micros, to_span
from backend.ports.availability import Unavailable
from backend.ports.chat import InboxItem, Kept
from storage import tables as t
from storage.delivery.leases import SqlLeases
from storage.engine.compiled import Compiled
from storage.engine.database import Database
from storage.engine.ids import IdSupply

MAX_ATTEMPTS = 6
LEASE = timedelta(seconds=12)  # renewed while the handler runs; a killed process's updates wait no longer than this
PUT_BACK = timedelta(seconds=1)  # for an update that the database could not serve
YIELD_AFTER = 3  # after so many attempts an update no longer blocks its chat
MAX_UNREADABLE = 65_536  # characters kept of an unreadable update
MAX_ERROR = 500

_RECEIVE = """
INSERT INTO inbox (id, source, external_id, conversation, body, received_at, state, attempts, error)
SELECT CAST(:id AS bigint), CAST(:source AS text), CAST(:external_id AS text), CAST(:conversation AS text), CAST(:body AS text), {at},
  CAST(:state AS text), 0, CAST(:error AS text)
WHERE {is_open} ON CONFLICT (source, external_id) DO NOTHING RETURNING id
"""
K = t.inbox.c
_DONE = Compiled(
    text("UPDATE inbox SET state = 'done', owner = NULL, lease_until = NULL WHERE id = :id AND state = 'new'")
)
_CLAIM = """
UPDATE inbox SET owner = :owner, lease_until = {now} + :lease, attempts = attempts + 1 WHERE {is_open} AND id IN (
  SELECT i.id FROM inbox i
  WHERE i.state = 'new' AND i.source = :source AND (i.not_before IS NULL OR i.not_before <= {now})
    AND (i.lease_until IS NULL OR i.lease_until <= {now})
    AND NOT EXISTS (
      SELECT 1 FROM inbox e WHERE e.state = 'new' AND e.source = i.source AND e.conversation = i.conversation
      AND (e.received_at, e.id) < (i.received_at, i.id) AND (e.attempts < :aside OR e.lease_until > {now}))
  ORDER BY i.received_at, i.id LIMIT :limit {skip})
RETURNING id, source, external_id, conversation, body, received_at, attempts
"""

_SETTLE = (
    update(t.inbox)
    .where(K.id.in_(bindparam("b_ids", expanding=True)), K.state == "new")
    .values(owner=None, lease_until=None)
)
_FIND = select(K.id).where(K.source == bindparam("source"), K.external_id == bindparam("event"))
_READ_ANSWER = select(K.answer).where(K.id == bindparam("id"))
_ANSWER = update(t.inbox).where(K.id == bindparam("b_id"), K.answer.is_(None)).values(answer=bindparam("b_answer"))
_READ_ATTEMPTS = select(K.attempts).where(K.id == bindparam("id"), K.state == "new")
_DELETE_DONE = delete(t.inbox).where(K.state == "done", K.received_at < bindparam("before"))


def _build_takes(db: Database) -> tuple[Compiled, Compiled]:
    """Build what depends on the database's clock and gate: receiving, in the order of arrival at any host, and claiming."""
    postgres = db.dialect == "postgresql"
    skip, now = "FOR UPDATE SKIP LOCKED" if postgres else "", db.lease_clock.sql
    is_open = db.gate.admits("inbox")
    return (
        Compiled(text(_RECEIVE.format(at=now if postgres else ":at", is_open=is_open))),
        Compiled(text(_CLAIM.format(skip=skip, now=now, is_open=is_open))),
    )


def _build_renewals(db: Database) -> tuple[Update, Update, Update]:
    """Build what depends on the database's clock: renewing leases, trying one again later, putting one back."""
    until = db.lease_clock.now + bindparam("b_span", type_=BigInteger)
    later = update(t.inbox).where(K.id == bindparam("b_id"), K.state == "new")
    later = later.values(owner=None, lease_until=None, not_before=until)
    return (
        update(t.inbox).where(K.state == "new", K.owner == bindparam("b_owner")).values(lease_until=until),
        later,
        later.where(K.attempts > 0).values(attempts=K.attempts - 1),
    )


#: source and body of an update → its own id, and whose order is kept. Raises ValueError (FT7)
Identify = Callable[[str, bytes], tuple[str, str]]


class SqlInboxStore(SqlLeases):
    """`InboxStore` on either engine (FT3, FT8, FT30)."""

    def __init__(self, db: Database, ids: IdSupply, real_now: Callable[[], datetime], identify: Identify) -> None:
        super().__init__(db)
        self._ids = ids
        self._real_now = real_now
        self._identify = identify
        self._clock = db.lease_clock
        self._receive, self._claim = _build_takes(db)
        self._renew, self._retry, self._put_back = _build_renewals(db)

    async def receive(self, source: str, body: bytes) -> Kept:
        await self._ids.refill(1)
        number = self._ids.take()
        row: dict[str, object] = {
            "id": number,
            "source": source,
            "at": to_micros(self._real_now()),
            "state": "new",
            "error": None,
            **self._clock.parameters(),
        }
        try:
            event, chat = self._identify(source, body)
            row |= {"external_id": event, "conversation": chat, "body": body.decode("utf-8-sig")}
        except ValueError as error:
            shown = body[:MAX_UNREADABLE].decode("utf-8", "backslashreplace").replace("\0", "\\0")[:MAX_UNREADABLE]
            row |= {"external_id": "sha256:" + hashlib.sha256(body).hexdigest(), "conversation": "", "body": shown,
                    "state": "unreadable", "error": str(error)[:MAX_ERROR].replace("\0", "\\0")}  # fmt: skip
        if await self._receive.write(self._db, row):
            return Kept(number, is_new=True)
        if obstacle := await self._db.read(lambda c: self._db.gate.find_obstacle(c, "inbox")):
            raise Unavailable(obstacle)
        known = {"source": source, "event": row["external_id"]}
        return Kept(await self._db.read(lambda c: int(c.execute(_FIND, known).scalar_one())), is_new=False)

    async def claim(self, source: str, owner: str, limit: int) -> Sequence[InboxItem]:
        facts = {"source": source, "owner": owner, "limit": limit, "lease": to_span(LEASE), "aside": YIELD_AFTER,
                 **self._clock.parameters()}  # fmt: skip
        taken = [
            InboxItem(id, where, event, chat, body, from_micros(at), attempts)
            for id, where, event, chat, body, at, attempts in await self._claim.write(self._db, facts)
        ]
        worn = [h.id for h in taken if h.attempts > MAX_ATTEMPTS]  # its handler died every time (FM7)
        if worn:
            await self._db.execute(_SETTLE, {"b_ids": worn, "state": "dead", "error": "nobody survived it"})
        alive = [h for h in taken if h.attempts <= MAX_ATTEMPTS]
        return sorted(alive, key=lambda h: (h.received_at, h.id))

    async def renew(self, owner: str) -> None:
        """Extend the leases of this owner."""
        given = {"b_owner": owner, "b_span": to_span(LEASE)}
        await self._db.execute(self._renew, given | self._clock.parameters())

    async def mark_done(self, ids: Collection[int]) -> None:
        for id in ids:
            await _DONE.write(self._db, {"id": id})

    async def mark_unreadable(self, item_id: int, error: str) -> None:
        await self._db.execute(_SETTLE, {"b_ids": [item_id], "state": "unreadable", "error": _cut(error)})

    async def record_failure(self, item_id: int, error: str) -> bool:
        def work(c: Connection) -> bool:
            found = c.execute(_READ_ATTEMPTS, {"id": item_id}).scalar()
            if found is None:
                return False
            if found >= MAX_ATTEMPTS:
                c.execute(_SETTLE, {"b_ids": [item_id], "state": "dead", "error": _cut(error)})
                return True
            later = {"b_id": item_id, "b_span": to_span(timedelta(seconds=4 ** (found - 1))), "error": _cut(error)}
            c.execute(self._retry, later | self._clock.parameters())
            return False

        return await self._db.write(work)

    async def put_back(self, item_id: int) -> None:
        given = {"b_id": item_id, "b_span": to_span(PUT_BACK)}
        await self._db.execute(self._put_back, given | self._clock.parameters())

    async def answer(self, item_id: int, text: str) -> bool:
        return bool(await self._db.execute(_ANSWER, {"b_id": item_id, "b_answer": text.replace("\0", "\\0")}))

    async def find_answer(self, item_id: int) -> str | None:
        return await self._db.read(lambda c: c.execute(_READ_ANSWER, {"id": item_id}).scalar())

    async def delete_done(self, before: datetime) -> int:
        return await self._db.execute(_DELETE_DONE, {"before": to_micros(before)})


def _cut(error: str) -> str:
    return error[:MAX_ERROR].replace("\0", "\\0")
