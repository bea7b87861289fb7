"""A data folder of its own for each command line, and a server that remembers what it was asked."""

import json
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
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Jiesu = Callable[..., Said]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data folder, in the sandbox."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "DATABASE_URL",
        "SECRET_KEY",
        "TELEGRAM_TOKEN",
        "TWILIO_ACCOUNT_SID",
        "LANGUAGE",
        "PUBLIC_URL",
    ):
        monkeypatch.delenv(f"JIESU_{name}", raising=False)
    monkeypatch.setenv("JIESU_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("JIESU_SANDBOX", "1")
    monkeypatch.setenv("JIESU_PORT", "1")  # nobody listens there
    yield tmp_path / "var"
    structlog.reset_defaults()


@pytest.fixture
def jiesu(data: Path, capsys: pytest.CaptureFixture[str]) -> Jiesu:
    """Run one command."""

    def said(*words: str) -> Said:
        capsys.readouterr()
        status = run(words)
        out, err = capsys.readouterr()
        return Said(status, out, err)

    return said


@dataclass
class FakeServer:
    """A running server: it answers what it was told to, and keeps what it was asked."""

    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, bytes, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def running(data: Path) -> Iterator[FakeServer]:
    """A server whose plate hangs in the data folder."""
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = (200, "ok") if self.path == "/healthz" else fake.answers[(self.command, self.path)]
            if self.path != "/healthz":
                fake.asked.append((self.command, self.path, body, self.headers.get("Authorization", "")))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_GET = do_PUT = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    write_run_file(data, fake.url, "a-token")
    yield fake
    server.shutdown()
    server.server_close()
