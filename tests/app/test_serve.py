"""`jiesu serve` as a process of its own: it says where it is, answers, serves the command line, and stops when asked."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

JIESU = [sys.executable, "-c", "import sys; from backend.cli import main; sys.exit(main())"]
LAST_LINE_OF_WELCOME = "Ctrl-C"


def find_free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serve(
    environment: dict[str, str], program: Path = Path(__file__).parents[2]
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running process and what it printed until it was ready; what it logs goes to a file, so that no pipe fills."""
    printed = Path(environment["JIESU_DATA"]).parent / "serve.log"
    with printed.open("w", encoding="utf-8") as log:
        process = subprocess.Popen([*JIESU, "serve"], env=environment, stdout=log, stderr=subprocess.STDOUT,
                                   cwd=program)  # fmt: skip
    try:
        while LAST_LINE_OF_WELCOME not in (lines := printed.read_text("utf-8")):
            assert process.poll() is None, lines
            time.sleep(0.05)
        yield process, lines
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_a_process_starts_answers_obeys_the_command_line_and_stops_when_asked(tmp_path: Path) -> None:
    port = find_free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JIESU_")}
    environment |= {"JIESU_SANDBOX": "1", "JIESU_SAMPLES": "1", "JIESU_DATA": str(tmp_path / "var"),
                    "JIESU_PORT": str(port)}  # fmt: skip

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*JIESU, *arguments], env=environment, capture_output=True, text=True, check=False)

    with serve(environment) as (process, welcome):
        here = f"http://127.0.0.1:{port}"
        assert process.poll() is None and f"{here}/" in welcome and f"{here}/sandbox" in welcome
        with urlopen(f"{here}/readyz") as answer:
            assert answer.status == 200
        doctor = run("doctor", "--json")
        assert doctor.returncode == 0 and json.loads(doctor.stdout), doctor.stderr
        second = run("serve")
        assert second.returncode == 1 and second.stderr and "Traceback" not in second.stderr
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        errors = (tmp_path / "serve.log").read_text("utf-8")
        assert process.returncode == 0 and "Traceback" not in errors, errors
    assert not (tmp_path / "var" / "server.json").exists()
    assert run("verify", "--json").returncode == 0
