"""Named single values that must survive a restart."""

from sqlalchemy import Text, bindparam, delete, func, insert, select, text, update

from storage import tables as t
from storage.engine.database import Database

K = t.key_values.c
FIND_VALUE = select(K.value).where(K.name == bindparam("name"))
LOCK_VALUE = FIND_VALUE.with_for_update()
INSERT_VALUE = insert(t.key_values)
UPDATE_VALUE = update(t.key_values).where(K.name == bindparam("b_name")).values(value=bindparam("b_value"))
DELETE_VALUE = delete(t.key_values).where(K.name == bindparam("name"))
_PREFIX = bindparam("prefix", type_=Text)
_LIST_BY_PREFIX = select(K.name, K.value).where(func.substr(K.name, 1, func.length(_PREFIX)) == _PREFIX)
_PUT = text(
    "INSERT INTO key_values (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class SqlKeyValueStore:
    """Named values on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, name: str) -> str | None:
        """Return a stored value, or None."""
        return await self._db.fetch_value(FIND_VALUE, {"name": name})

    async def list_by_prefix(self, prefix: str) -> dict[str, str]:
        """Return all values whose names start with a prefix."""
        return {row.name: row.value for row in await self._db.fetch_rows(_LIST_BY_PREFIX, {"prefix": prefix})}

    async def put(self, name: str, value: str) -> None:
        """Store a value under a name, replacing any earlier one."""
        await self._db.execute(_PUT, {"name": name, "value": value})
