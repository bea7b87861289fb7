"""Processes of one rehearsal reach its simulated networks with the same keys; another rehearsal has others."""

from pathlib import Path

from backend.app.build_rehearsal import point_at_simulator
from backend.app.config import Config


def list_keys(data: Path) -> list[str]:
    config = Config(data=data, sandbox=True)
    point_at_simulator(config)
    chat, line = config.drivers["telegram"], config.drivers["twilio"]
    platform = config.platform_secret.get_secret_value()
    return [line["account_sid"], line["auth_token"], chat["token"], chat["secret"], platform]


def test_processes_of_one_rehearsal_share_its_keys_and_no_two_rehearsals_do(tmp_path: Path) -> None:
    first, again, other = (list_keys(tmp_path / name) for name in ("a", "a", "b"))
    assert first == again and not set(first) & set(other) and len(set(first)) == 5
