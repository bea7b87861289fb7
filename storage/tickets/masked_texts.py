"""Keeps the masked texts that stand beside a ticket's own, and finds those that are outdated."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, or_, select, update

from backend.domain.masked_texts import COLUMNS, SHOW
from backend.ports.tickets import UnmaskedTexts
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption

_K = t.tickets.c
#: Below or above, not "other than": an index answers it.
_OUTDATED = or_(_K.mask_version < bindparam("version"), _K.mask_version > bindparam("version"))
_LIST_OUTDATED = select(_K.id, _K.name_sealed, *(_K[name] for name in SHOW)).where(_OUTDATED).limit(bindparam("most"))
_SAVE = (
    update(t.tickets)
    .where(_K.id == bindparam("ticket_id"))
    .values({name: bindparam(f"new_{name}") for name in COLUMNS})
)


class SqlMaskedTextStore:
    """`MaskedTextStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db, self._vault = db, vault

    async def list_outdated(self, version: str, limit: int) -> Sequence[UnmaskedTexts]:
        rows = await self._db.read(lambda c: c.execute(_LIST_OUTDATED, {"version": version, "most": limit}).all())
        return [
            UnmaskedTexts(id_, dict(zip(SHOW, texts, strict=True)), self._vault.open("tickets", id_, "name", sealed))
            for id_, sealed, *texts in rows
        ]

    async def save(self, masked: Mapping[int, Mapping[str, str]]) -> None:
        rows = [
            {"ticket_id": ticket_id, **{f"new_{name}": text for name, text in columns.items()}}
            for ticket_id, columns in masked.items()
        ]

        def work(c: Connection) -> None:
            c.execute(_SAVE, rows)

        await self._db.write(work)
