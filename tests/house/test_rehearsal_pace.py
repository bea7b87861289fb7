"""A rehearsal's own telephone exchange has lines enough; what the operator said of a carrier is kept."""

from pathlib import Path

import pytest

from backend.app.config import Config
from backend.app.drivers import REHEARSAL_CALLS_PER_SECOND, build_simulator


@pytest.mark.parametrize(
    ("said", "pace"),
    [
        ({}, REHEARSAL_CALLS_PER_SECOND),
        ({"twilio_calls_per_second": 1.0}, 1.0),
        ({"twilio_api_url": "http://127.0.0.1:9", "twilio_account_sid": "AC1", "twilio_auth_token": "t"}, 1.0),
    ],
    ids=["our own exchange", "a pace that was said", "somebody else's carrier"],
)
async def test_moving_the_clock_does_not_wait_for_a_carrier_that_is_ours(
    tmp_path: Path, said: dict[str, object], pace: float
) -> None:
    environment = Config(sandbox=True, data=tmp_path, **said)  # type: ignore[arg-type]
    assert build_simulator(environment) is not None
    assert environment.twilio_calls_per_second == pace
