"""`jiesu db upgrade` as an operator types it: a backup first, former programs beside it until the contraction (XR2)."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.app.runfile import lock_database
from storage.engine.versions import get_own_numbers
from tests.cli.conftest import Jiesu

OWN = get_own_numbers()


def write(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "jiesu.db")) as raw, raw:
        raw.execute(statement)


def check_database(jiesu: Jiesu) -> str:
    return str(next(c["health"] for c in jiesu("doctor", "--json").json if c["check"] == "database"))


@pytest.fixture
def former(jiesu: Jiesu, data: Path) -> Path:
    """A database that a former program made and used."""
    assert jiesu("db", "upgrade").status == 0 and check_database(jiesu) == "ok"
    write(data, "UPDATE gate SET format = 0, least = 0")
    return data


def test_an_upgrade_makes_a_backup_and_leaves_former_programs_in_until_the_contraction_XR2(
    jiesu: Jiesu, former: Path
) -> None:
    assert check_database(jiesu) == "broken"
    with lock_database(former):  # a server is running
        assert "另一个程序" in jiesu("db", "upgrade").err
    done = jiesu("db", "upgrade")
    (made,) = former.glob("before-*.backup")
    assert done.status == 0 and made.name in done.err and "--contract" in done.err
    assert jiesu("backup", "--verify", str(made)).status == 0
    assert check_database(jiesu) == "notice"
    again = jiesu("db", "upgrade")
    assert again.status == 0 and len(list(former.glob("before-*.backup"))) == 1, "nothing is to be done"
    ended = jiesu("db", "upgrade", "--contract", "--backup", str(former / "mine.backup"))
    assert ended.status == 0 and (former / "mine.backup").exists() and "--contract" not in ended.err
    assert check_database(jiesu) == "ok"


def test_who_backs_up_in_another_way_needs_none_XR2(jiesu: Jiesu, former: Path) -> None:
    assert jiesu("db", "upgrade", "--no-backup").status == 0
    assert not list(former.glob("*.backup"))


def test_an_upgrade_without_room_for_its_backup_changes_nothing_XR2(jiesu: Jiesu, former: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.backup"
    taken.write_text("mine")
    assert jiesu("db", "upgrade", "--backup", str(taken)).status == 1
    assert check_database(jiesu) == "broken" and taken.read_text() == "mine"


@pytest.mark.parametrize("command", [("db", "upgrade"), ("db", "upgrade", "--contract"), ("verify",), ("serve",)])
@pytest.mark.parametrize("part", ["schema", "acts", "deadlines"])
def test_a_program_older_than_the_database_starts_nothing_FD12(
    jiesu: Jiesu, data: Path, command: tuple[str, ...], part: str
) -> None:
    assert jiesu("db", "upgrade").status == 0
    write(data, f"UPDATE gate SET format = {OWN[part] + 1}, least = {OWN[part] + 1} WHERE part = '{part}'")
    refused: Any = jiesu(*command)
    assert refused.status == 1 and "请先更新程序" in refused.err and "Traceback" not in refused.err
    assert check_database(jiesu) == "broken"


@pytest.mark.parametrize(
    "command",
    [
        ("serve",),
        ("db", "upgrade"),
        ("db", "upgrade", "--contract"),
        ("verify",),
        ("backup", "now.backup"),
        ("settings",),
    ],
)
def test_data_of_before_the_first_release_are_refused_with_what_to_do(
    jiesu: Jiesu, data: Path, command: tuple[str, ...]
) -> None:
    data.mkdir()
    with closing(sqlite3.connect(data / "jiesu.db")) as raw, raw:
        raw.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('0019');"
            "CREATE TABLE letters (id INTEGER)"
        )
    refused: Any = jiesu(*command)
    assert refused.status == 1 and "移走或删除" in refused.err and "Traceback" not in refused.err
    assert check_database(jiesu) == "broken"


def test_another_programs_database_is_refused_everywhere_and_not_written_into(jiesu: Jiesu, data: Path) -> None:
    data.mkdir()
    with closing(sqlite3.connect(data / "jiesu.db")) as other:
        other.executescript("CREATE TABLE orders (id INTEGER); CREATE TABLE staff (id INTEGER)")
    before = (data / "jiesu.db").read_bytes()
    for command in (["serve"], ["doctor"], ["settings"], ["db", "upgrade"]):
        result = jiesu(*command)
        assert result.status == 1 and "不是本系统的数据库" in result.out + result.err, command
    assert (data / "jiesu.db").read_bytes() == before


def test_the_doctor_says_that_a_file_is_no_database(jiesu: Jiesu, data: Path) -> None:
    data.mkdir()
    (data / "jiesu.db").write_text("姓名,电话\n" * 100, "utf-8")
    assert "文件不是数据库" in jiesu("doctor").out
