"""PostgreSQL is killed under a running office and comes back: doors say so, one voice speaks of it, work goes on at once."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.domain.records import Message
from storage.delivery.outbox import SqlOutboxStore
from tests import postgres
from tests.conftest import open_own_cluster
from tests.figures import Figures
from tests.stories.office import Office, open_office

PATIENCE = 60.0  # G29 says five; how long it took is judged by its bar
LINES_A_MINUTE = 5  # G29


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A cluster of these stories alone, which they stop."""
    with open_own_cluster() as opened:
        yield opened


async def knock(office: Office, method: str, path: str, **more: Any) -> tuple[int, str | None, float]:
    began = time.monotonic()
    async with office.http.request(method, office.url + path, **more) as answer:
        await answer.read()
        return answer.status, answer.headers.get("Retry-After"), time.monotonic() - began


async def check_doors(office: Office, seconds: float) -> None:
    """Ask every door again and again for so long; each answers quickly and says when to come again."""
    until = time.monotonic() + seconds
    secret = office.config.drivers["telegram"]["secret"]
    while time.monotonic() < until:
        for method, path, more in (
            (
                "POST",
                "/hooks/telegram",
                {"json": {"update_id": 7}, "headers": {"X-Telegram-Bot-Api-Secret-Token": secret}},
            ),
            ("GET", "/api/v1/tickets", {"headers": {"Authorization": "Bearer nobody"}}),
            ("GET", "/", {"headers": {"Accept": "text/html", "Cookie": "jiesu_session=x"}}),
            ("GET", "/readyz", {}),
        ):
            status, retry_after, took = await knock(office, method, path, **more)
            assert (status, retry_after) == (503, "5") and took < 3, (path, status, took)
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(200)])])
async def test_the_first_message_leaves_within_five_seconds_of_the_return_and_the_log_stays_short_XR6_FD7_FD8_G29(
    cluster: postgres.Cluster, tmp_path: Path, figures: Figures, seconds: int
) -> None:
    async with open_office(tmp_path, cluster.url + "postgres") as office:
        handler = await office.bind("H101")
        await office.dispatch_ticket("JS0001")
        await handler.expect("【新工单】JS0001")
        await office.settle()
        core, office_time = office.application.core, office.now
        await core.ids.refill(1)
        await SqlOutboxStore(core.db, core.ids).add([
            Message(core.ids.take(), "daily_digest", "telegram", "H101", None, None, 0, False, office_time + timedelta(seconds=1),
                    office_time, {"snoozed": True})
        ])  # fmt: skip
        told = len(handler.messages)
        office.log.clear()
        await asyncio.to_thread(cluster.stop)
        await check_doors(office, seconds)
        assert len(handler.messages) == told, "nothing is sent without a claim (FD8)"
        lines_away = len(office.log)
        assert [line["event"] for line in office.log if line.get("trace")] == ["database_unavailable"]
        await asyncio.to_thread(cluster.start)
        returned = time.monotonic()
        while len(handler.messages) == told:  # no tick is near, and nobody acts: only the watch can wake the worker
            await asyncio.sleep(0.05)
            assert time.monotonic() - returned < PATIENCE
        back = time.monotonic() - returned
        figures.report("G29", away_seconds=seconds, lines_a_minute=lines_away / max(1, seconds / 60), back_seconds=back)
        assert (await knock(office, "GET", "/readyz"))[0] == 200
        lines = [line["event"] for line in office.log]
        assert lines.count("database_serves_again") == 1 and len(lines) <= LINES_A_MINUTE * max(1, seconds / 60) + 1, (
            lines
        )
        assert await office.state("JS0001") == "dispatched"
        await office.settle()
        office.log[:] = [line for line in office.log if line["event"] != "database_unavailable"]
        await office.assert_in_order()
