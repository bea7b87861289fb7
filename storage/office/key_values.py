"""Named single values that must survive a restart."""

from sqlalchemy import select, text

from storage import tables as t
from storage.engine.database import Database

_PUT = text(
    "INSERT INTO key_values (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class SqlKeyValueStore:
    """Named values on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, name: str) -> str | None:
        """Return a stored value, or None."""
        query = select(t.key_values.c.value).where(t.key_values.c.name == name)
        return await self._db.fetch_value(query)

    async def list_by_prefix(self, prefix: str) -> dict[str, str]:
        """Return all values whose names start with a prefix."""
        query = select(t.key_values.c.name, t.key_values.c.value).where(
            t.key_values.c.name.startswith(prefix, autoescape=True)
        )
        return await self._db.read(lambda c: {row.name: row.value for row in c.execute(query)})

    async def put(self, name: str, value: str) -> None:
        """Store a value under a name, replacing any earlier one."""
        await self._db.execute(_PUT, {"name": name, "value": value})
