"""`jiesu check` and `jiesu doctor` on sick storage: they say what is wrong, and a clean check lifts read-only mode (XR4)."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Jiesu
from tests.operations.flipped_pages import find_root, flip, make_pages_small


def checked(jiesu: Jiesu) -> dict[str, str]:
    return {c["check"]: c["health"] for c in jiesu("doctor", "--json").json}


def test_a_damaged_database_is_read_only_for_commands_too_until_the_check_is_clean_FD16(
    jiesu: Jiesu, data: Path
) -> None:
    assert jiesu("db", "upgrade").status == 0
    result = jiesu("check", "--json")
    assert (result.status, result.json) == (0, {"found": [], "was_read_only": False, "read_only": False})
    file = data / "jiesu.db"
    make_pages_small(file)
    root = find_root(file, "journal_seals")
    flip(file, root, 1)
    result = jiesu("check", "--json")
    assert result.status == 1 and result.json["found"] and result.json["read_only"]
    assert (data / "state" / "read_only.json").exists() and checked(jiesu)["storage"] == "broken"
    refused = jiesu("set", "calls.daily_budget", "5")
    assert refused.status == 1 and "只读" in refused.err
    flip(file, root, 1)
    assert jiesu("set", "calls.daily_budget", "5").status == 1, "until a check"
    result = jiesu("check")
    assert result.status == 0 and "已恢复" in result.err
    assert checked(jiesu)["storage"] != "broken" and jiesu("set", "calls.daily_budget", "5").status == 0


def test_a_database_that_cannot_be_read_at_all_is_told_in_words_XR4(jiesu: Jiesu, data: Path) -> None:
    data.mkdir()
    (data / "jiesu.db").write_bytes(b"no database" * 1000)
    for command in (("verify",), ("settings",), ("db", "upgrade"), ("serve",)):
        refused = jiesu(*command)
        assert refused.status == 1 and "数据库损坏" in refused.err, command
    assert jiesu("check").status == 1 and checked(jiesu)["storage"] == "broken"


@pytest.mark.parametrize("ends", [("-wal",), ()])
def test_the_doctor_names_a_missing_wal_FD14(jiesu: Jiesu, data: Path, ends: tuple[str, ...]) -> None:
    assert jiesu("db", "upgrade").status == 0
    with closing(sqlite3.connect(data / "jiesu.db")) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
    for end in ("-shm", *ends):
        (data / f"jiesu.db{end}").touch()
    message = next(c["message"] for c in jiesu("doctor", "--json").json if c["check"] == "storage")
    assert ("-wal" in message) == (not ends)
