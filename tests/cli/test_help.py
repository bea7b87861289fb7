"""Help pages and complaints about a line are in the catalogue's language, click's own sentences included."""

import pytest

from backend.cli import run


@pytest.mark.parametrize("line", [["--help"], ["key", "create", "--help"], ["db", "--help"], ["import", "--help"]])
def test_a_help_page_is_in_one_language(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line) == 0
    page = capsys.readouterr().out
    assert "用法：" in page and "选项" in page
    assert not any(word in page for word in ("Usage", "Show this", "Commands:", "Options:", "[required]", "[default"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["import", "weather", "x"], "KIND 只能填：units"),
        (["key", "create"], "缺少 --name"),
        (["due", "--bad"], "没有 --bad 这个选项"),
        (["set", "a"], "缺少 VALUE"),
        (["score", "--month"], "--month 后面缺少内容"),
        (["nosuch"], "nosuch"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_what_is_wrong(
    line: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line) == 2
    told = capsys.readouterr()
    assert words in told.err and not told.out
