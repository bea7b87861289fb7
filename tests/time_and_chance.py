"""The time and chance that tests hand in: office time is each test's own, the rest is real unless a test says so."""

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


def build_clock(
    office_time: Callable[[], datetime],
    real_time: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> Clock:
    """A clock whose office time a test moves."""
    return Clock(office_time, ZONE, real_time, monotonic)
