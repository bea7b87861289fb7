"""Whoever misuses a command is told what to write, in the catalogue's language, and nothing is done."""

import os
import re
from pathlib import Path

import click
import pytest

from backend.cli import get_texts, run
from tests.cli.test_parameters import ALL

COMMANDS = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}
#: What click says itself: none of it is shown.
ENGLISH = re.compile(
    r"Got unexpected|Invalid value|does not|is not|Missing|Usage|Error|No such|requires|Try |Traceback|\[OPTIONS\]"
)
WRONG = {
    "extra": ("too", "many", "words", "here"),
    "option": ("--nosuch",),
    "flag": ("--json=1",),
    "short": ("-x",),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, and a service far away."""
    monkeypatch.setenv("JIESU_SANDBOX", "1")
    monkeypatch.setenv("JIESU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("JIESU_PORT", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_told(capsys: pytest.CaptureFixture[str], folder: Path, status: int, command: tuple[str, ...]) -> None:
    out, err = capsys.readouterr()
    assert status == 2, (command, err)
    assert not out and "jiesu" in err, command
    assert not ENGLISH.search(err), err
    assert not os.listdir(folder), f"{command} left something behind"


@pytest.mark.parametrize("path", COMMANDS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_misused_command_says_so_and_does_nothing(
    path: str, wrong: str, capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    command = (*path.split()[1:], *WRONG[wrong])
    assert_told(capsys, elsewhere, run(command), command)


@pytest.mark.parametrize("path", COMMANDS)
def test_each_value_that_cannot_be_read_is_named(
    path: str, capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    """Whole numbers, dates, words of a list, files: as many options as the command has."""
    for param in COMMANDS[path].params:
        if param.type in (click.STRING, click.BOOL) or getattr(param.type, "exists", None) is False:
            continue
        given = [f"{param.opts[0]}=nonsense"] if isinstance(param, click.Option) else ["nonsense"]
        command = (*path.split()[1:], *given)
        assert run(command) == 2, command
        out, err = capsys.readouterr()
        name = param.opts[0] if isinstance(param, click.Option) else param.human_readable_name
        assert name in err and not ENGLISH.search(err) and not out, err
    assert not os.listdir(elsewhere)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("", "用法：jiesu [选项] 命令 …"),
        ("--debug", "请写明要执行哪一条命令"),
        ("db", "用法：jiesu db [选项] 命令 …"),
        ("bulletin --month 2026-13 --out x", "--month 写得不对：“2026-13”。应写成 2026-10 这样的形式。"),
        ("bulletin --out x", "只选一种：--month | --quarter | --year"),
        ("score", "只选一种：--month | --quarter | --year | --facts"),
        ("score --facts x --unit U1", "--facts 不能与 --scheme | --unit | --as-of 同时使用"),
        ("score --month 2026-10 --set a", "--set 写得不对：“a”。应写成 KEY=VALUE"),
        ("due --kind sign --grade general --at yesterday", "--at 写得不对：“yesterday”"),
        ("import units", "缺少 FILE"),
        ("import units nosuch.csv", "FILE 指的文件不存在"),
        ("import units .", "FILE 指的文件不存在，或者是文件夹"),
        ("import tickets --set nothing", "--set 写得不对：“nothing”。应写成 FIELD=VALUE"),
        ("recompute --day 2026-10-01=holiday", "--day 写得不对：“holiday”。应写成 YYYY-MM-DD=work|off"),
        ("runs first", "RUN 请填整数"),
        ("clusters --since x", "--since 请填日期"),
        ("clusters --least 5 --since 2026-10-01", "--least 请填数字，不小于 20，不大于 100"),
        ("release --all --drop-before x", "--all 不能与 --drop-before | --only 同时使用"),
        ("release --drop-before x", "--drop-before 写得不对：“x”"),
        ("key create --name x", "只选一种：--person | --role"),
        ("backup", "只选一种：FILE | --verify FILE | --mark"),
        ("restore x --into mysql://h", "--into 写得不对：“mysql://h”"),
        ("serve --roles cook", "--roles 写得不对：“cook”"),
        ("watch http://h --alarm x --every zero", "--every 请填数字"),
    ],
)
def test_each_complaint_says_what_to_write(
    command: str, complaint: str, capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    assert run(command.split()) == 2
    out, err = capsys.readouterr()
    assert complaint in err and not out, err
    assert not ENGLISH.search(err), err
    assert not os.listdir(elsewhere)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("score --facts nosuch.json", "file_missing"),
        ("score --facts -", "bad_facts"),
        ("restore nosuch.backup", "backup_unreadable"),
        ("backup --verify nosuch.backup", "backup_unreadable"),
        ("sandbox advance soon", "no_server"),
        ("score --month 2026-13", "bad_month"),
        ("set nosuch.key 1", "unknown_setting"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    command: str, code: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert run([*command.split(), "--json"] if "sandbox" not in command else command.split()) == 1
    out, err = capsys.readouterr()
    sentence = get_texts().get_template(f"refusal.{code}").partition("[[")[0].partition("{")[0]
    assert sentence[:4] in err and not ENGLISH.search(err), err
    assert not out or f'"code": "{code}"' in out


@pytest.mark.parametrize("path", ALL)
def test_each_option_of_a_help_page_says_what_it_is(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    for param in ALL[path].params:
        assert not isinstance(param, click.Option) or param.help or param.name == "version", param.name
    assert run([*path.split()[1:], "--help"]) == 0
    page = capsys.readouterr().out
    assert "用法：" in page and not ENGLISH.search(page), page
