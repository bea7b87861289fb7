"""Each command does what contract §3 says: its exit status, one JSON document on stdout, sentences on stderr."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from backend.app.runfile import (
    LOCK_FILE,
    RUN_FILE,
    delete_run_file,
    lock_database,
    read_run_file,
    write_run_file,
)
from backend.cli import COMMANDS
from tests.cli.conftest import FakeServer, Jiesu

TICKETS = "ticket_no,category,grade,channel,text,requester_phone\nT1,help,general,phone,路灯不亮,13800002001\n"


def test_help_is_quick_and_loads_no_framework_P10() -> None:
    code = (
        "import sys, time\nfrom backend.cli import run\nstatus = run(['--help'])\n"
        "heavy = {'sqlalchemy', 'aiohttp', 'aiogram', 'pydantic', 'alembic', 'twilio', 'openpyxl'} & set(sys.modules)\n"
        "print(status, sorted(heavy), time.process_time() < 2, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.strip() == "0 [] True"
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "score"])
def test_every_command_explains_itself(jiesu: Jiesu, name: str) -> None:
    assert jiesu(name, "--help").status == 0


@pytest.mark.parametrize("command", [
    ["nonsense"], ["import", "tickets"], ["import", "pigeons", "x"], ["due", "--kind", "sign"], ["import", "tickets", "/no"],
    ["key", "create", "--name", "x"], ["due", "--kind", "sign", "--grade", "general", "--at", "yesterday"],
    ["serve", "--roles", "cook"], ["set", "only_a_key"],
])  # fmt: skip
def test_a_wrongly_written_command_exits_with_2_and_says_so(jiesu: Jiesu, command: list[str]) -> None:
    result = jiesu(*command)
    assert result.status == 2
    assert result.out == "" and "命令写法有误" in result.err and "Traceback" not in result.err


def test_tickets_are_imported_and_reported_and_never_twice(jiesu: Jiesu, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(TICKETS + "T2,bad,general,phone,x,\n", "utf-8")
    first, again = [jiesu("import", "tickets", str(file), "--json") for _ in range(2)]
    assert (first.status, first.json["imported"], first.json["refused"][0]["row"]) == (1, 1, 3)
    assert first.json["refused"][0].keys() == {"row", "field", "code", "message"}
    assert (again.json["imported"], again.json["already"]) == (0, 1)
    assert "第 3 行" in again.err


def test_missing_columns_can_be_given_and_a_dry_run_writes_nothing(jiesu: Jiesu, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("ticket_no,text\nT1,停水\n", "utf-8")
    command = ["import", "tickets", str(file), "--set", "category=help", "--set", "phone=13800002001", "--json"]
    assert jiesu(*command, "--dry-run").json["imported"] == 1
    assert jiesu(*command).json == {"read": 1, "imported": 1, "already": 0, "refused": [], "ignored": []}
    assert jiesu("import", "tickets", str(file), "--set", "colour=red").status == 1


def test_a_file_whose_content_is_not_what_its_name_says_is_refused_FF5(jiesu: Jiesu, tmp_path: Path) -> None:
    file = tmp_path / "tickets.xlsx"
    file.write_bytes(b"%PDF-1.7 and so on")
    result = jiesu("import", "tickets", str(file), "--json")
    assert (result.status, result.json["error"]["code"]) == (1, "file_wrong_kind")
    assert "XLSX" in result.err and "Traceback" not in result.err


def test_a_deadline_is_computed_by_the_settings_in_force(jiesu: Jiesu) -> None:
    command = ["due", "--kind", "dispatch", "--grade", "general", "--at", "2026-10-08T09:00:00+08:00"]
    assert jiesu(*command, "--json").json == {"due_at": "2026-10-08T21:00:00+08:00"}
    changed = jiesu("set", "dispatch.general.limit", "6h", "--json").json
    assert changed == {"key": "dispatch.general.limit", "value": "6h"}
    assert jiesu(*command).out == "2026-10-08T15:00:00+08:00\n"
    assert jiesu("settings", "--json").json["dispatch.general.limit"] == "6h"


def test_a_deadline_past_the_calendar_is_refused(jiesu: Jiesu) -> None:
    due = ["due", "--kind", "close", "--grade", "general", "--category", "help", "--at", "2031-10-08T09:00:00+08:00"]
    assert jiesu(*due).status == 1


@pytest.mark.parametrize("command", [["set", "no.such", "1"], ["set", "sign.general.limit", "soon"],
                                   ["binding", "open", "X1"], ["key", "create", "--person", "X1", "--name", "n"],
                                   ["sandbox", "advance", "1h"]])  # fmt: skip
def test_a_refusal_is_a_sentence_and_exits_with_1(jiesu: Jiesu, command: list[str]) -> None:
    result = jiesu(*command)
    assert (result.status, result.out) == (1, "")
    assert result.err.strip().endswith("。") and "Traceback" not in result.err


def test_a_key_is_printed_once_and_its_name_cannot_be_used_again(jiesu: Jiesu) -> None:
    result = jiesu("key", "create", "--role", "admin", "--name", "probe", "--json")
    assert result.status == 0 and result.json["key"].startswith("jiesu_")
    assert jiesu("key", "create", "--role", "dispatcher", "--name", "probe").status == 1


def test_the_journal_is_verified_and_the_doctor_checks_everything(jiesu: Jiesu, tmp_path: Path, data: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(TICKETS, "utf-8")
    assert jiesu("db", "upgrade").status == 0
    jiesu("import", "tickets", str(file))
    assert jiesu("verify", "--json").json["findings"] == []
    with sqlite3.connect(data / "jiesu.db") as raw:
        raw.execute("UPDATE tickets SET state = 'closed'")
    raw.close()
    result = jiesu("verify", "--json")
    assert result.status == 1
    assert result.json["findings"] == [{"what": "state_differs", "ticket": "T1", "version": None}]
    checks = {c["check"]: c["health"] for c in jiesu("doctor", "--json").json}
    assert checks.keys() == {
        "settings", "hosts", "storage", "scanner", "database", "profile", "calendar", "record", "people", "chat", "voice", "sms",
    }  # fmt: skip
    assert checks["database"] == "ok" and checks["people"] == "notice"


def test_outside_a_rehearsal_a_secret_is_required(jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_SANDBOX", "0")
    assert jiesu("settings").status == 0  # needs no secret
    result = jiesu("verify")
    assert result.status == 1 and "JIESU_SECRET_KEY" in result.err
    assert jiesu("doctor").status == 1


def test_a_wrong_environment_variable_is_named(jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_TICK_SECONDS", "often")
    result = jiesu("settings")
    assert result.status == 1 and "JIESU_TICK_SECONDS" in result.err


# -- one process owns the file


def test_while_another_process_owns_the_database_a_command_that_writes_is_refused_FD6(jiesu: Jiesu, data: Path) -> None:
    with lock_database(data):
        assert jiesu("set", "dispatch.general.limit", "6h").status == 1
        assert jiesu("settings").status == 0
    assert jiesu("set", "dispatch.general.limit", "6h").status == 0
    assert (data / LOCK_FILE).exists()


def test_commands_that_write_go_through_the_running_server(
    jiesu: Jiesu, server: FakeServer, tmp_path: Path, data: Path
) -> None:
    file = tmp_path / "工单.csv"
    file.write_text(TICKETS, "utf-8")
    report = {"read": 1, "imported": 1, "already": 0, "refused": []}
    server.answers = {
        ("PUT", "/api/v1/settings/sign.general.limit"): (200, {"key": "sign.general.limit", "value": "1wd"}),
        ("POST", "/api/v1/imports/tickets"): (200, report),
        ("POST", "/api/v1/keys"): (201, {"key": "jiesu_x"}),
        ("POST", "/api/v1/people/H101/binding"): (201, {"code": "1", "link": "https://t.me/b?start=1", "expires_at": "z"}),
        ("POST", "/sandbox/clock"): (200, {"now": "2026-11-10T11:30:00+08:00"}),
    }  # fmt: skip
    assert jiesu("set", "sign.general.limit", "1wd", "--unit", "U01", "--json").json["value"] == "1wd"
    assert jiesu("import", "tickets", str(file), "--set", "grade=urgent", "--dry-run", "--json").json == report
    assert jiesu("key", "create", "--role", "admin", "--name", "k").out == "jiesu_x\n"
    assert jiesu("binding", "open", "H101").out == "https://t.me/b?start=1\n"
    assert jiesu("sandbox", "advance", "2h30m", "--json").json == {"now": "2026-11-10T11:30:00+08:00"}
    assert [path for _, path, _, _ in server.asked] == [path for _, path in server.answers]
    assert {token for *_, token in server.asked} == {"Bearer a-token"}
    body = server.asked[1][2].decode()
    assert 'name="set"\r\n\r\ngrade=urgent' in body and 'name="dry_run"' in body and TICKETS in body
    assert not (data / "jiesu.db").exists()


def test_a_refusal_of_the_server_is_printed_as_a_sentence(jiesu: Jiesu, server: FakeServer) -> None:
    refusal = {"error": {"code": "unknown_setting", "message": "m", "details": {"key": "no.such"}, "request_id": "r"}}
    server.answers = {("PUT", "/api/v1/settings/no.such"): (422, refusal)}
    result = jiesu("set", "no.such", "1")
    assert result.status == 1 and "no.such" in result.err


def test_the_run_file_of_a_server_that_is_gone_hinders_nobody(jiesu: Jiesu, data: Path) -> None:
    write_run_file(data, "http://127.0.0.1:9", "t")
    assert (data / RUN_FILE).stat().st_mode & 0o777 == 0o600
    assert jiesu("set", "dispatch.general.limit", "6h").status == 0
    delete_run_file(data)
    assert read_run_file(data) is None
