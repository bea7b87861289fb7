"""Calls per second in a rehearsal: the simulated carrier is fast; a rate set by the operator is kept."""

from pathlib import Path

import pytest

from backend.app.build_rehearsal import REHEARSAL_CALLS_PER_SECOND, point_at_simulator
from backend.app.config import Config


@pytest.mark.parametrize(
    ("chosen", "calls_per_second"),
    [
        ({}, REHEARSAL_CALLS_PER_SECOND),
        ({"calls_per_second": "1.0"}, 1.0),
        ({"api_url": "http://127.0.0.1:9", "account_sid": "AC1", "auth_token": "t"}, None),
    ],
    ids=["the simulated carrier", "a rate that was set", "a carrier with its own URL"],
)
def test_only_the_simulated_carrier_is_called_faster_than_the_default(
    tmp_path: Path, chosen: dict[str, str], calls_per_second: float | None
) -> None:
    config = Config(sandbox=True, data=tmp_path, drivers={"twilio": chosen})
    point_at_simulator(config)
    assert config.drivers["twilio"].get("calls_per_second") == (calls_per_second and str(calls_per_second))
