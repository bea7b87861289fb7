"""Tells administrators when callbacks from outside keep failing: forged or unsigned, or errors of our own (operations §8)."""

from collections import deque
from collections.abc import Callable

from aiohttp import web

from backend.ports.operations import TellAlarm

PATHS = "/hooks/"
WINDOW_SECONDS = 300.0
MAX_SHARE = 0.05  # of failures in a window
LEAST_FAILURES = 3  # fewer say nothing
FORGED = (401, 403)


class HookMeter:
    """Counts the answers to callbacks of the last five minutes. `monotonic` in seconds."""

    def __init__(self, monotonic: Callable[[], float], tell_alarm: TellAlarm) -> None:
        self._monotonic = monotonic
        self._tell = tell_alarm
        self._answers: deque[tuple[float, bool]] = deque()
        self._failing_since: float | None = None

    def observe(self, path: str, status: int) -> None:
        """Count one answer; tell if too many have failed for five minutes."""
        if not path.startswith(PATHS):
            return
        now, answers = self._monotonic(), self._answers
        answers.append((now, status in FORGED or status >= 500))
        while answers[0][0] < now - WINDOW_SECONDS:
            answers.popleft()
        failed = sum(has_failed for _, has_failed in answers)
        if failed < LEAST_FAILURES or failed <= MAX_SHARE * len(answers):
            self._failing_since = None
            return
        self._failing_since = now if self._failing_since is None else self._failing_since
        if now - self._failing_since >= WINDOW_SECONDS:
            self._tell("hooks_failing", failed=failed, total=len(answers))


METER = web.AppKey("hook_meter", HookMeter)
