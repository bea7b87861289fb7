"""Fixtures for every test: a database of either engine, empty and its own; a browser."""

import asyncio
import gc
import itertools
import os
import shutil
import time
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
import structlog
from aiohttp import web_app
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from notify.chat.telegram.models import load_aiogram
from storage.engine import versions
from storage.engine.database import Database
from storage.engine.open import open_database
from tests import postgres
from tests.figures import FigureTable, figures
from tests.violations import ViolationListener

__all__ = ["figures"]

load_aiogram()  # before a test imports it in its slow way

# Examples have no time limit: on a busy machine a slow one says nothing about the code.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")
hypothesis.settings.register_profile(
    "soak", max_examples=int(os.environ.get("JIESU_SOAK_EXAMPLES", "5000")), deadline=None
)
# The processes tests start keep what they compile, as those of an office do; without, each compiles the product anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
ENGINES = ("sqlite", "postgresql")
STORIES = Path(__file__).parent / "stories"
_database_numbers = itertools.count(1)
_violations = ViolationListener()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--figures", action="store_true", help="print what was measured beside the bars; fail if one is missed"
    )
    parser.addoption("--both-engines", action="store_true", help="run every story on both engines, not turn about")
    parser.addoption("--drill", action="store_true", help="run each proof of a setting with it ignored: it must fail")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--figures"):
        config.pluginmanager.register(FigureTable(), "figures")
    if config.getoption("--drill"):
        from tests.drill import Drill

        config.pluginmanager.register(Drill(), "drill")


def skip_without(program: str, reason: str) -> None:
    """Skip a test whose program is missing; fail it where JIESU_TEST_REQUIRE says that this machine has it."""
    required = os.environ.get("JIESU_TEST_REQUIRE", "").replace(" ", "").split(",")
    if program in required:
        pytest.fail(f"{reason}, and JIESU_TEST_REQUIRE names {program}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome, for playwright's `executable_path`."""
    found = [p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))]
    if not found:
        skip_without("browser", "no Chromium is installed")
    return found[0]


@contextmanager
def open_own_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL cluster with all tables that a test may stop or kill."""
    if postgres.find_programs() is None:
        skip_without("postgres", "PostgreSQL's programs (initdb, postgres) are not installed")
    with postgres.open_cluster() as opened:
        versions.create_tables(opened.url + "postgres")
        yield opened


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    """The URL of a PostgreSQL cluster of this worker; it ends in `/`, to be followed by a database's name."""
    if postgres.find_programs() is None:
        skip_without("postgres", "PostgreSQL's programs (initdb, postgres) are not installed")
    with postgres.run_cluster() as url:
        yield url


def _run_in_cluster(cluster: str, statement: str) -> None:
    """Run one statement outside any transaction, whether or not an event loop is running here."""

    async def run() -> None:
        engine = create_async_engine(
            cluster.replace("postgresql://", "postgresql+asyncpg://") + "postgres",
            isolation_level="AUTOCOMMIT",
        )
        async with engine.connect() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result()


@contextmanager
def _open_database(cluster: str, name: str, template: str = "template1") -> Iterator[str]:
    """Create a database, yield its URL, and drop it again."""
    _run_in_cluster(cluster, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield cluster + name
    _run_in_cluster(cluster, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: str) -> Iterator[str]:
    """The name of a PostgreSQL database with all tables, to be copied."""
    with _open_database(postgres_cluster, "template_jiesu") as url:
        versions.create_tables(url)
        yield "template_jiesu"


@pytest.fixture
def postgres_url(postgres_cluster: str, postgres_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with all tables, used by nobody else."""
    with _open_database(postgres_cluster, f"t{next(_database_numbers)}", postgres_template) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "jiesu.db"
    versions.create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """The URL of an SQLite file with all tables, used by nobody else."""
    shutil.copy(sqlite_template, tmp_path / "jiesu.db")
    return f"sqlite:///{tmp_path / 'jiesu.db'}"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Run each test that uses this, or a database below, on both engines."""
    return str(request.param)


@pytest.fixture
def empty_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    cluster = str(request.getfixturevalue("postgres_cluster"))
    with _open_database(cluster, f"e{next(_database_numbers)}") as url:
        yield url


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> str:
    """The URL of a database with all tables, used by nobody else."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[engine]
    return str(request.getfixturevalue(name))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open, empty database of either engine."""
    db = open_database(database_url, time.monotonic)
    yield db
    await db.close()


@pytest.fixture(autouse=True)
def _no_violations(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which a request left that a provider does not know or refuses; marked `violates`, one in which none did.

    Set up before and asked after every other fixture, so that it hears their requests too.
    """
    yield
    heard = _violations.take()
    if request.node.get_closest_marker("violates"):
        assert heard, "marked `violates`, but every request was valid"
    else:
        assert not heard, "requests outside the providers' descriptions"


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Give each test a log of its own. Traces are plain: one drawn with colours and frames takes seconds."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _no_leftovers() -> Iterator[None]:
    """Forget the applications of a test: aiohttp remembers the last thousand with all they hold, by their handlers."""
    yield
    for one in vars(web_app).values():
        if hasattr(one, "cache_clear"):
            one.cache_clear()


def pytest_collection_finish() -> None:
    """Take what lives as long as the run out of the collector's way: it would be looked at again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run long stories first: with several workers none is then left alone at the end. Run stories on one engine each."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    if not config.getoption("--both-engines"):
        left_out = choose_left_out([item for item in items if item.path.is_relative_to(STORIES)])
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


def choose_left_out(stories: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Of each story collected on both engines, choose the one to leave out: turn about, by its name alone."""
    by_story = defaultdict[tuple[str, str], dict[str, pytest.Item]](dict)
    for item in stories:
        given = dict(item.callspec.params) if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if engine := given.pop("engine", None):
            by_story[item.nodeid.partition("[")[0], repr(sorted(given.items()))][engine] = item
    return {both[ENGINES[zlib.crc32("".join(name).encode()) % 2]] for name, both in by_story.items() if len(both) == 2}


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what reports a figure, so that `make soak` finds it."""
    if "figures" in getattr(item, "fixturenames", ()):
        item.add_marker("figure")
