"""A program that scans gets the file, a limit and nothing of ours; only its exit status is a verdict (XS13)."""

import os
import sys
import time
from pathlib import Path

import pytest

from notify.scan_command import CommandScanner
from notify.scanner import ScannerAway, build_test_file

FILE = bytes(range(256)) * 2000


def program(*lines: str) -> tuple[str, ...]:
    """The arguments that run these lines of Python."""
    return (sys.executable, "-I", "-c", "\n".join(("import sys, os, time", *lines)))


READS = "content = sys.stdin.buffer.read()"


async def judge(
    folder: Path, *lines: str, content: bytes | Path = FILE, more: tuple[str, ...] = (), seconds: float = 10
) -> str | None:
    """What was found, or `!` and why there is no verdict."""
    try:
        return (await CommandScanner((*program(*lines), *more), (1, 3), seconds, folder).scan(content)).found
    except ScannerAway as away:
        return f"!{away.code}"


async def test_the_file_comes_on_the_programs_input_or_as_a_path_XS13(tmp_path: Path) -> None:
    folder, outside = tmp_path / "data", tmp_path / "f"
    folder.mkdir()
    outside.write_bytes(FILE)
    left = folder / "jiesu-scan-of-a-process-that-died"
    left.write_bytes(b"malware, for all we know")
    os.utime(left, (0, 0))
    for content in (FILE, outside):
        assert await judge(folder, READS, "sys.exit(content != bytes(range(256)) * 2000)", content=content) is None
        given = ("content = open(sys.argv[1], 'rb').read()", "sys.exit(content != bytes(range(256)) * 2000)")
        assert await judge(folder, *given, content=content, more=("{file}",)) is None
        found = await judge(folder, "print(oct(os.stat(sys.argv[1][5:]).st_mode)); sys.exit(1)", more=("file={file}",))
        assert found == "0o100600"
    assert list(folder.iterdir()) == [] and outside.read_bytes() == FILE


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((READS,), None),
        ((READS, "print('stream: Eicar FOUND'); sys.exit(1)"), "stream: Eicar FOUND"),
        (("print('not even read'); sys.exit(3)",), "not even read"),
        ((READS, "sys.exit(1)"), "?"),
        ((READS, "print('x' * 900_000); sys.exit(1)"), "x" * 200),
        ((READS, "sys.exit(2)"), "!status 2"),
        ((READS, "os.kill(os.getpid(), 9)"), "!status -9"),
        (("sys.exit(0)",), "!unread"),
        ((READS, "print('x' * 3_000_000)"), "!output"),
        ((READS, "print(sorted(os.environ)); sys.exit(1)"), "['LANG', 'PATH']"),
    ],
)
async def test_the_exit_status_is_the_verdict_XS13(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...], found: str | None
) -> None:
    monkeypatch.setenv("JIESU_SECRET_KEY", "not for others")
    content = FILE if "unread" not in str(found) else FILE * 20
    said = await judge(tmp_path, *lines, content=content)
    assert said is None if found is None else (said or "").replace(", 'LC_CTYPE'", "") == found


async def test_a_slow_program_is_ended_with_all_that_it_began_XS13(tmp_path: Path) -> None:
    note = tmp_path / "note"
    began = (
        "import subprocess",
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); open({str(note)!r}, 'w').write(str(child.pid))",
        "time.sleep(60)",
    )
    started = time.monotonic()
    assert await judge(tmp_path, *began, seconds=1.5) == "!timeout"
    assert time.monotonic() - started < 4
    pid = int(note.read_text())
    until = time.monotonic() + 2
    while time.monotonic() < until and _is_running(pid):
        time.sleep(0.02)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


async def test_a_program_that_is_not_there_or_a_full_disk_is_no_verdict_XS13(tmp_path: Path) -> None:
    for arguments in (("/no/such/program",), (str(tmp_path),), ("a\0b",)):
        with pytest.raises(ScannerAway, match="missing"):
            await CommandScanner(arguments, (1,), 5, tmp_path).scan(FILE)
    with pytest.raises(ScannerAway, match="disk"):
        await CommandScanner((*program("pass"), "{file}"), (1,), 5, tmp_path / "gone").scan(FILE)


def test_the_test_file_is_the_one_all_scanners_know_and_stands_in_no_file_of_ours_XS13() -> None:
    made = build_test_file()
    assert len(made) == 68 and made[:3] == b"X5O" and made.endswith(b"FILE!$H+H*") and b"EICAR-STANDARD" in made
    root = Path(__file__).resolve().parents[2]
    for folder in ("notify", "backend", "tests/notify"):
        assert [path for path in (root / folder).rglob("*.py*") if made in path.read_bytes()] == []
