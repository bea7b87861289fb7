"""The time and chance that tests hand in: the rules' time is each test's own, the rest is real."""

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.chance import Chance
from backend.office.clock import Clock

ZONE = ZoneInfo("Asia/Shanghai")
CHANCE = Chance(secrets.token_bytes)
#: What a simulator is given beside `now`.
REAL: Mapping[str, Any] = {
    "real_time": time.time, "monotonic": time.monotonic, "random_bytes": secrets.token_bytes,
}  # fmt: skip


def build_clock(rule_time: Callable[[], datetime], real_time: Callable[[], float] = time.time) -> Clock:
    """A clock of which a test moves the time the rules go by."""
    return Clock(rule_time, ZONE, real_time, time.monotonic)
