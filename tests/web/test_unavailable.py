"""A database that is locked, full or busy: every door says 503 within eight seconds, and opens again by itself."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from typing import Any

import pytest

from storage.engine.database import WAIT_SECONDS, Database
from storage.engine.postgres import MOVE_CONNECTIONS, PostgresDatabase
from storage.engine.sqlite import SqliteDatabase
from tests.stories.office import capture_log
from tests.web.browser import build_form
from tests.web.world import SECRET, World

DOOR_SECONDS = 8.0  # FD4, G7
BODY = {"category": "help", "grade": "general", "channel": "phone", "text": "路灯不亮"}
SECRETS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
IMPATIENT = 1.0 + DOOR_SECONDS - WAIT_SECONDS  # where the database waits one second instead of five
DOORS = ("REST", "REST, once only", "console", "webhook")
OPEN = {"REST": 201, "REST, once only": 201, "console": 401, "webhook": 200}


@contextmanager
def lock_file(url: str) -> Iterator[None]:
    """Another process holds the file."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=9)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        yield
        foreign.execute("ROLLBACK")


async def knock(world: World, door: str) -> tuple[int, float, str | None]:
    """A request that writes at one of the doors; its status, seconds, and when to come again."""
    key = {"Authorization": f"Bearer {world.keys['D1']}"}
    path, sent = {
        "REST": ("/api/v1/tickets", {"json": BODY, "headers": key}),
        "REST, once only": ("/api/v1/tickets", {"json": BODY, "headers": key | {"Idempotency-Key": "k"}}),
        "console": (
            "/sign-in",
            {"data": build_form(name="D1", password="a word that is no password"), "headers": {"Accept": "text/html"}},
        ),
        "webhook": ("/hooks/telegram", {"json": {"update_id": time.monotonic_ns()}, "headers": SECRETS}),
    }[door]
    began = time.monotonic()
    async with world.client.post(path, allow_redirects=False, **sent) as answer:  # type: ignore[arg-type]
        await answer.read()
        return answer.status, time.monotonic() - began, answer.headers.get("Retry-After")


async def knock_everywhere(world: World) -> Mapping[str, tuple[int, float, str | None]]:
    return dict(zip(DOORS, await asyncio.gather(*(knock(world, door) for door in DOORS)), strict=True))


def check_closed(answers: Mapping[str, tuple[int, float, str | None]], seconds: float = DOOR_SECONDS) -> None:
    """Every door was closed, in time, and said when to come again."""
    for door, (status, took, retry_after) in answers.items():
        assert (status, retry_after) == (503, "5") and took < seconds, (door, answers)


async def test_every_door_answers_in_time_while_another_process_holds_the_file_and_serves_afterwards_XR15_FD4(
    sqlite_world: World, sqlite_url: str
) -> None:
    await sqlite_world.create_ticket("T0")
    with capture_log() as log, lock_file(sqlite_url):
        check_closed(await knock_everywhere(sqlite_world))
        check_closed(await knock_everywhere(sqlite_world), 2.0)  # known by now: nobody waits five seconds, nor twice
        assert (await sqlite_world.request("A1", "GET", "/tickets"))[0] == 200, "what only reads goes on"
    assert log == [], "of an outage the watch speaks, not every door"
    assert {door: answer[0] for door, answer in (await knock_everywhere(sqlite_world)).items()} == OPEN
    assert len((await sqlite_world.request("A1", "GET", "/tickets"))[1]["items"]) == 3, "nothing is left of the others"


async def test_a_request_that_has_begun_when_the_file_is_locked_is_answered_in_time_too_XR15(
    sqlite_url: str,
) -> None:
    """It writes twice more in vain: its work, and the release of its key."""
    database = SqliteDatabase(sqlite_url, time.monotonic, wait_seconds=1.0)
    world, lock = await World(database).open(), lock_file(sqlite_url)
    store = world.services.idempotency
    claim = store.claim

    async def claim_then_lock(*arguments: Any) -> Any:
        claimed = await claim(*arguments)
        lock.__enter__()
        return claimed

    store.claim = claim_then_lock  # type: ignore[method-assign]
    check_closed({"REST, once only": await knock(world, "REST, once only")}, IMPATIENT)
    lock.__exit__(None, None, None)
    await world.close()
    await database.close()


@asynccontextmanager
async def take_all(database: PostgresDatabase, *, hot: bool) -> AsyncIterator[None]:
    """Slow reports take every connection of the pool they use, and, if `hot`, something takes those of the hot path."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(database.connect_autocommit())
        for _ in range(MOVE_CONNECTIONS if hot else 0):
            await stack.enter_async_context(database.acquire_raw(writing=False))
        yield


@pytest.fixture
async def narrow_world(postgres_url: str) -> AsyncIterator[World]:
    """An office whose reports have one connection, for which it waits a second."""
    database: Database = PostgresDatabase(postgres_url, pool_size=1, overflow=0, wait_seconds=1.0)
    world = await World(database).open()
    yield world
    await world.close()
    await database.close()


async def test_full_pools_close_every_door_in_time_and_slow_reports_leave_the_webhook_open_XR13_FD9(
    narrow_world: World,
) -> None:
    database = narrow_world.services.queries._db
    told: list[str] = []
    database.on_unavailable = lambda trouble: told.append(trouble.cause)
    assert {door: answer[0] for door, answer in (await knock_everywhere(narrow_world)).items()} == OPEN
    with capture_log() as log:
        async with take_all(database, hot=False):
            answers = dict(await knock_everywhere(narrow_world))
            assert answers.pop("webhook")[0] == 200
            check_closed(answers, IMPATIENT)
        async with take_all(database, hot=True):
            check_closed(await knock_everywhere(narrow_world), IMPATIENT)
    assert log == [] and set(told) == {"pool"} and len(told) >= 7
    assert {door: answer[0] for door, answer in (await knock_everywhere(narrow_world)).items()} == OPEN


async def test_a_table_another_session_has_locked_closes_the_doors_in_time_on_postgresql_XR15(
    postgres_url: str,
) -> None:
    database = PostgresDatabase(postgres_url, wait_seconds=1.0)
    world, foreign = await World(database).open(), PostgresDatabase(postgres_url, pool_size=1)
    async with foreign.acquire_raw(writing=True) as raw, raw.transaction():
        await raw.execute("LOCK TABLE tickets, inbox, idempotency, audit_log IN ACCESS EXCLUSIVE MODE")
        check_closed(await knock_everywhere(world), IMPATIENT)
    assert {door: answer[0] for door, answer in (await knock_everywhere(world)).items()} == OPEN
    for opened in (world, foreign, database):
        await opened.close()
