"""`jiesu backup`, `jiesu restore` and `jiesu release` as an operator types them (XR3)."""

import json
import re
from pathlib import Path

import pytest

from backend.app.config import Config
from backend.app.runfile import lock_database
from backend.cli.doctor import _check_state
from tests.cli.conftest import Jiesu


def test_an_operator_backs_up_proves_and_restores_XR3(jiesu: Jiesu, data: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "one.backup")
    assert jiesu("db", "upgrade").status == 0
    with lock_database(data):  # a server is running
        made = jiesu("backup", file, "--json")
        assert made.status == 0 and made.json["rows"]["gate"] == 6 and made.json["sha256"], made.err
        proven = jiesu("backup", "--verify", file)
        assert proven.status == 0 and re.search(r"备份于 \d{4}-\d\d-\d\d \d\d:\d\d。", proven.err)
        refused = jiesu("restore", file, "--replace", "--json")
        assert refused.status == 1 and refused.json["error"]["code"] == "in_use"
    assert jiesu("backup", file, "--json").json["error"]["code"] == "backup_exists"
    misspelt = jiesu("backup", str(tmp_path / "bakcups" / "one.backup"), "--json")
    assert misspelt.json["error"]["code"] == "folder_missing" and not (tmp_path / "bakcups").exists()
    assert str(tmp_path / "bakcups") in misspelt.json["error"]["message"]
    assert jiesu("backup", "--mark").json["rows"] == made.json["rows"]
    assert jiesu("restore", file, "--json").json["error"]["code"] == "target_full"
    restored = jiesu("restore", file, "--replace", "--json")
    assert restored.status == 0 and Path(restored.json["saved"]).exists() and not restored.json["behind"]
    assert jiesu("verify").status == 0
    assert jiesu("release", "--all", "--only", "urgent").status == jiesu("release", "--drop-before", "x").status == 2
    assert jiesu("release", "--drop-before", "2026-11-09 09:00", "--only", "urgent", "--json").json == {"dropped": 0}
    assert jiesu("release", "--json").json["error"]["code"] == "not_held"
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere' / 'jiesu.db'}"
    assert jiesu("restore", file, "--into", elsewhere).status == 0
    for wrong in (("backup",), ("backup", file, "--mark"), ("backup", "--verify"), ("restore", file, "--into", "x")):
        assert jiesu(*wrong).status == 2, wrong
    assert json.loads(jiesu("backup", "--mark").out)["keys"] == []  # nothing is stored that needs one


@pytest.mark.parametrize(
    ("state", "sandbox", "warned"),
    [(None, False, True), ("var/marks", False, True), ("elsewhere", False, False), (None, True, False)],
)
def test_marks_beside_the_data_are_warned_of_FD13(
    data: Path, tmp_path: Path, state: str | None, sandbox: bool, warned: bool
) -> None:
    given = {} if state is None else {"state": tmp_path / state}
    found = [check.what for check in _check_state(Config(data=data, sandbox=sandbox, **given))]
    assert found == ["state_beside_data"] * warned
