"""What every test may ask for: a database of either engine, empty and its own."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from storage.db import Database, open_database
from storage.tables import metadata
from tests import postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    """A PostgreSQL cluster for this worker; skipped with the reason where its programs are missing."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL's programs (initdb, postgres) are not installed")
    with postgres.cluster() as url:
        yield url


async def _postgres_database(url: str, name: str, template: str | None) -> str:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://") + "postgres",
                                 isolation_level="AUTOCOMMIT")  # fmt: skip
    async with engine.connect() as connection:
        await connection.execute(
            text(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        )
    await engine.dispose()
    return url + name


@pytest.fixture
async def postgres_url(postgres_cluster: str) -> str:
    """The URL of a PostgreSQL database with all tables, used by nobody else."""
    number = next(_numbers)
    if number == 1 or not _template_made:
        made = await _postgres_database(postgres_cluster, "template_jiesu", None)
        engine = create_async_engine(made.replace("postgresql://", "postgresql+asyncpg://"))
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await engine.dispose()
        _template_made.append(made)
    return await _postgres_database(postgres_cluster, f"t{number}", "template_jiesu")


_template_made: list[str] = []


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file with all tables, used by nobody else."""
    url = f"sqlite:///{tmp_path / 'jiesu.db'}"
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each test that asks for this is run on both engines."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(name))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open, empty database of either engine."""
    db = open_database(database_url)
    yield db
    await db.close()
