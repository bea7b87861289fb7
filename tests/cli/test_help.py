"""Help pages and complaints about a command are in the catalogue's language, click's own sentences included."""

import pytest

from backend.cli import run


@pytest.mark.parametrize("command", [["--help"], ["key", "create", "--help"], ["db", "--help"], ["import", "--help"]])
def test_a_help_page_is_in_one_language(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 0
    page = capsys.readouterr().out
    assert "用法：" in page and "选项" in page
    assert not any(
        english in page for english in ("Usage", "Show this", "Commands:", "Options:", "[required]", "[default")
    )


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["import", "weather", "x"], "KIND 只能填：units"),
        (["key", "create"], "缺少 --name"),
        (["due", "--bad"], "没有 --bad 这个选项"),
        (["set", "a"], "缺少 VALUE"),
        (["score", "--month"], "--month 后面缺少内容"),
        (["nosuch"], "nosuch"),
    ],
)
def test_whoever_writes_a_command_wrongly_is_told_what_is_wrong(
    command: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command) == 2
    out, err = capsys.readouterr()
    assert complaint in err and not out
