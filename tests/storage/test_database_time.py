"""Office time on PostgreSQL is the database's, whatever the hosts say; it never trembles, and a step is seen (FD22)."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.ports.availability import Unavailable
from storage.engine.database import Database
from storage.engine.database_time import DatabaseTime
from storage.engine.lease_clock import LeaseClock
from storage.engine.postgres import PostgresDatabase

BEGAN = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


class FakeDatabase:
    """Answers with its time after a while; `seconds` is the true time since BEGAN, by which all clocks go."""

    lease_clock = LeaseClock()

    def __init__(self) -> None:
        self.seconds = 0.0
        self.ahead = timedelta()
        self.there, self.back = 0.01, 0.01
        self.is_away = False

    async def fetch_value(self, _query: Any) -> int:
        if self.is_away:
            raise Unavailable("away")
        self.seconds += self.there
        answer = BEGAN + timedelta(seconds=self.seconds) + self.ahead
        self.seconds += self.back
        return int(answer.timestamp() * 1_000_000)

    def time(self, host_ahead: timedelta = timedelta()) -> DatabaseTime:
        """The time as a process knows it whose host is ahead."""
        host: Callable[[], datetime] = lambda: BEGAN + timedelta(seconds=self.seconds) + host_ahead  # noqa: E731
        return DatabaseTime(self, lambda: self.seconds, host)  # type: ignore[arg-type]


@pytest.mark.parametrize("minutes", [-5, 0, 5, 60])
async def test_hosts_apart_show_one_time_and_know_how_far_they_are_off_FD22(minutes: int) -> None:
    database = FakeDatabase()
    told = database.time(minutes * MINUTES)
    await told.sample()
    database.seconds += 600
    true = BEGAN + timedelta(seconds=database.seconds)
    assert abs(told.now() - true) < timedelta(seconds=0.1)
    assert abs(told.skew - minutes * MINUTES) < timedelta(seconds=0.1)


async def test_it_runs_on_while_the_database_is_away_and_sees_a_step_with_the_next_sample_FS3() -> None:
    database = FakeDatabase()
    told = database.time()
    await told.sample()
    database.is_away = True
    with pytest.raises(Unavailable):
        await told.sample()
    database.seconds += 60
    assert abs(told.now() - BEGAN - MINUTES) < timedelta(seconds=0.1)
    database.is_away, database.ahead = False, timedelta(hours=-1)
    await told.sample()
    assert abs(told.now() - BEGAN - MINUTES + timedelta(hours=1)) < timedelta(seconds=0.2)


@given(st.lists(st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)), min_size=1, max_size=20))
async def test_however_slow_the_answers_are_it_never_goes_back_nor_leaves_the_true_time_by_more_than_they_took_FD22(
    ways: list[tuple[float, float]],
) -> None:
    database = FakeDatabase()
    told = database.time()
    before = told.now()
    for database.there, database.back in ways:
        await told.sample()
        true = BEGAN + timedelta(seconds=database.seconds)
        slowest = max(there + back for there, back in ways)
        assert before - timedelta(milliseconds=1) <= told.now()
        assert abs(told.now() - true) <= timedelta(seconds=slowest + 0.001)
        before = told.now()
        database.seconds += 1


async def test_it_is_postgresql_s_own_clock_XR1(postgres_url: str) -> None:
    database: Database = PostgresDatabase(postgres_url)
    told = DatabaseTime(database, time.monotonic, lambda: datetime.now(UTC) + 5 * MINUTES)
    assert told.now() > datetime.now(UTC) + 4 * MINUTES, "before the first sample it is the host's"
    await told.sample()
    assert abs(told.now() - datetime.now(UTC)) < timedelta(seconds=1), "in a test both are one machine"
    assert abs(told.skew - 5 * MINUTES) < timedelta(seconds=1)
    await database.close()
