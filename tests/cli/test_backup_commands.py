"""`jiesu backup` and `jiesu restore` as an operator types them (XR3)."""

import json
from pathlib import Path

from backend.app.runfile import lock_database
from tests.cli.conftest import Jiesu


def test_an_operator_backs_up_proves_and_restores_XR3(jiesu: Jiesu, data: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "one.backup")
    assert jiesu("db", "upgrade").status == 0
    with lock_database(data):  # a server is running
        made = jiesu("backup", file, "--json")
        assert made.status == 0 and made.json["rows"]["gate"] == 6 and made.json["sha256"], made.err
        assert jiesu("backup", "--verify", file).status == 0
        refused = jiesu("restore", file, "--replace", "--json")
        assert refused.status == 1 and refused.json["error"]["code"] == "in_use"
    assert jiesu("backup", file, "--json").json["error"]["code"] == "backup_exists"
    assert jiesu("backup", "--mark").json["rows"] == made.json["rows"]
    assert jiesu("restore", file, "--json").json["error"]["code"] == "target_full"
    restored = jiesu("restore", file, "--replace", "--json")
    assert restored.status == 0 and Path(restored.json["saved"]).exists() and not restored.json["behind"]
    assert jiesu("verify").status == 0
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere' / 'jiesu.db'}"
    assert jiesu("restore", file, "--into", elsewhere).status == 0
    for wrong in (("backup",), ("backup", file, "--mark"), ("backup", "--verify"), ("restore", file, "--into", "x")):
        assert jiesu(*wrong).status == 2, wrong
    assert json.loads(jiesu("backup", "--mark").out)["keys"]
