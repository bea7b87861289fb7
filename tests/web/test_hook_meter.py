"""Callbacks that keep failing are told, a few forged ones are not (FS6)."""

import pytest

from backend.web.hook_meter import METER, HookMeter
from tests.web.world import World

CASES = [  # (share of failing answers, minutes, path, status) → told
    (1.0, 6, "/hooks/x", 403, True), (0.2, 7, "/hooks/x", 500, True), (1.0, 4, "/hooks/x", 403, False),
    (0.04, 30, "/hooks/x", 503, False), (1.0, 30, "/api/v1/tickets", 500, False), (1.0, 30, "/hooks/x", 404, False),
]  # fmt: skip


@pytest.mark.parametrize(("share", "minutes", "path", "status", "told"), CASES)
def test_too_many_failures_for_five_minutes_are_told_FS6(
    share: float, minutes: int, path: str, status: int, told: bool
) -> None:
    seconds, causes, failures = 0.0, [], 0.0
    meter = HookMeter(lambda: seconds, lambda cause, **facts: causes.append((cause, facts)))
    for _ in range(minutes * 12):
        seconds += 5
        failures += share
        fails = failures >= 1
        failures -= fails
        meter.observe(path, status if fails else 200)
    assert bool(causes) is told
    assert all(cause == "hooks_failing" and 0 < facts["failed"] <= facts["total"] <= 61 for cause, facts in causes)


def test_a_few_forged_callbacks_and_those_that_stop_are_told_to_nobody_FS6() -> None:
    seconds, causes = 0.0, []
    meter = HookMeter(lambda: seconds, lambda cause, **_: causes.append(cause))
    for at, status in [
        (0, 403),
        (200, 403),
        (1000, 403),
        (1001, 403),
        (1002, 403),
        (1400, 200),
        (1401, 403),
        (1402, 200),
    ]:
        seconds = float(at)
        meter.observe("/hooks/x", status)
    assert causes == []


async def test_every_answer_to_a_callback_is_counted_FS6(sqlite_world: World) -> None:
    told: list[str] = []
    meter = sqlite_world.client.server.app[METER]  # type: ignore[attr-defined]
    meter._tell = lambda cause, **_: told.append(cause)
    for seconds in (0, 100, 200, 400, 500, 600):
        sqlite_world.seconds = seconds
        status, _ = await sqlite_world.request(
            None, "POST", "/hooks/telegram", {}, headers={"X-Telegram-Bot-Api-Secret-Token": "no"}
        )
        assert status in (401, 403)
    assert set(told) == {"hooks_failing"}
