"""A data folder of its own for each test, the command line, and a server that remembers what it was asked."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import structlog

from backend.app.runfile import write_run_file
from backend.cli import run


@dataclass
class CommandResult:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Jiesu = Callable[..., CommandResult]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data folder in an empty folder, in a rehearsal."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("JIESU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JIESU_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("JIESU_SANDBOX", "1")
    monkeypatch.setenv("JIESU_PORT", "1")  # where nobody listens
    yield tmp_path / "var"
    structlog.reset_defaults()


@pytest.fixture
def jiesu(data: Path, capsys: pytest.CaptureFixture[str]) -> Jiesu:
    """Run one command."""

    def run_command(*arguments: str) -> CommandResult:
        capsys.readouterr()
        status = run(arguments)
        out, err = capsys.readouterr()
        return CommandResult(status, out, err)

    return run_command


@dataclass
class FakeServer:
    """A running server: `answers` by method and path; `asked` has method, path, body and authorization."""

    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, bytes, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server(data: Path) -> Iterator[FakeServer]:
    """A server whose run file is in the data folder."""
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = (200, "ok") if self.path == "/healthz" else fake.answers[(self.command, self.path)]
            if self.path != "/healthz":
                fake.asked.append((self.command, self.path, body, self.headers.get("Authorization", "")))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_PUT = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    fake.url = f"http://127.0.0.1:{listening.server_port}"
    write_run_file(data, fake.url, "a-token")
    yield fake
    listening.shutdown()
    listening.server_close()
