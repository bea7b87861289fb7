"""What a running process leaves behind: no key, and nothing that others on the machine may read (XR12, XS8)."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-c", "from backend.cli import main; main()"]
ROOT = Path(__file__).resolve().parents[2]


def environment(data: Path, **more: str) -> dict[str, str]:
    """The environment of a rehearsal on a free port."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JIESU_")}
    return {
        **kept, "PYTHONPATH": str(ROOT), "JIESU_DATA": str(data), "JIESU_SANDBOX": "1", "JIESU_PORT": "0", **more,
    }  # fmt: skip


@contextlib.contextmanager
def running(data: Path, stop: signal.Signals, **more: str) -> Iterator[dict[str, str]]:
    """A server in a process of its own while inside; what it wrote about itself."""
    (data / "server.json").unlink(missing_ok=True)
    output = subprocess.DEVNULL
    process = subprocess.Popen([*PROGRAM, "serve"], env=environment(data, **more), stdout=output, stderr=output)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError, ValueError):
                found = json.loads((data / "server.json").read_text())
                if call(found["url"], found["token"], "/api/v1/settings") == 200:
                    break
            assert process.poll() is None
            time.sleep(0.1)
        yield found
    finally:
        process.send_signal(stop)
        process.wait(60)


def call(url: str, token: str, path: str) -> int:
    """The status of a GET request with a key."""
    request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_process_leaves_no_key_and_its_token_dies_with_it_XR12_XS8(tmp_path: Path) -> None:
    data = tmp_path / "var"
    tokens = []
    for stop in (signal.SIGKILL, signal.SIGTERM):
        with running(data, stop) as found:
            assert all(call(found["url"], old, "/api/v1/settings") == 401 for old in tokens)
            tokens.append(found["token"])
            assert (data / "server.json").stat().st_mode & 0o777 == 0o600
            if stop is signal.SIGKILL:
                command = [*PROGRAM, "set", "sign.general.limit", "2wd"]
                done = subprocess.run(command, env=environment(data), capture_output=True, check=False)
                assert done.returncode == 0, done.stderr
        with contextlib.closing(sqlite3.connect(data / "jiesu.db")) as raw:
            assert raw.execute("SELECT count(*) FROM api_keys").fetchone() == (0,)
    assert not (data / "server.json").exists()
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in (data, *data.iterdir())}
    assert set(modes.values()) <= {"0o700", "0o600"}, modes


def test_what_older_versions_left_readable_becomes_private_XS8(tmp_path: Path) -> None:
    data = tmp_path / "var"
    data.mkdir(mode=0o755)
    assert subprocess.run([*PROGRAM, "db", "upgrade"], env=environment(data), check=False).returncode == 0
    (data / "jiesu.db").chmod(0o644)
    command = [*PROGRAM, "key", "create", "--role", "auditor", "--name", "reader"]
    assert subprocess.run(command, env=environment(data), stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert (data / "jiesu.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("more", "status"), [({}, 1), ({"JIESU_SANDBOX_OPEN": "1"}, 0)])
def test_a_rehearsal_beyond_this_machine_is_refused_unless_opened_XS6(
    tmp_path: Path, more: dict[str, str], status: int
) -> None:
    data = tmp_path / "var"
    if status:
        done = subprocess.run(
            [*PROGRAM, "serve"], env=environment(data, JIESU_HOST="0.0.0.0", **more), capture_output=True, check=False
        )
        assert (done.returncode, "JIESU_SANDBOX_OPEN" in done.stderr.decode()) == (status, True)
        return
    with running(data, signal.SIGTERM, JIESU_HOST="0.0.0.0", **more) as found:
        assert found["url"].startswith("http://127.0.0.1:")
        assert call(found["url"], "", "/sandbox/people.json") == 401
        assert call(found["url"], found["token"], "/sandbox/people.json") == 200
