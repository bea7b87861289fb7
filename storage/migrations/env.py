"""Run by Alembic: applies migrations on the connection that storage/engine/versions.py opened, in one transaction."""

from alembic import context
from sqlalchemy import Connection

from storage.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite changes a column by rebuilding its table
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_given = context.config.attributes.get("connection")
if _given is None:
    raise RuntimeError("use `jiesu db upgrade` or `python -m storage.engine.versions`, not the alembic command")
_run(_given)
