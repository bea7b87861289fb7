"""`jiesu healthy` says what is red; `jiesu watch` rings once when it lasts and once when it is over (XR8, G31)."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from backend.cli.healthy import ask_health, describe_red
from backend.cli.watch import AFTER_SECONDS, EVERY_SECONDS, Watcher, run_command, say_degraded
from backend.domain.texts import Texts, list_languages
from backend.operations.gate import CODE
from backend.operations.health import RED_FINDINGS, RED_PREFIX
from backend.web.health import DEGRADED


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A server whose `answer` (status, body) a test sets."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self.server.answer  # type: ignore[attr-defined]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    one = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


@pytest.mark.parametrize(("status", "body", "red"), [
    (200, {"ok": True, "red": []}, []), (503, {"ok": False, "red": ["held"]}, ["held"]),
    (502, "<html>bad gateway</html>", ["silent"]), (200, "welcome to nginx", ["silent"]),
    (200, {"ok": True}, ["silent"]), (503, [1, 2], ["silent"]),
])  # fmt: skip
def test_only_the_installation_s_own_word_is_green_XR8(
    server: HTTPServer, status: int, body: object, red: list[str]
) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    server.answer = status, raw  # type: ignore[attr-defined]
    assert ask_health(f"http://127.0.0.1:{server.server_port}/readyz")["red"] == red


def test_nobody_who_answers_is_red_XR8(server: HTTPServer) -> None:
    server.shutdown()
    server.server_close()
    assert ask_health(f"http://127.0.0.1:{server.server_port}/readyz")["red"] == ["silent"]


CODES = (
    "silent", "database_away", "role_missing:worker", "worker_stuck:delivery", "held", "read_only", "disk_full",
    "disk_nearly_full", CODE, *RED_FINDINGS, f"{RED_PREFIX}ticket", *DEGRADED,
)  # fmt: skip


@pytest.mark.parametrize("language", list_languages())
def test_every_code_has_a_sentence_of_its_own_that_says_what_to_do_XR8(language: str) -> None:
    texts = Texts(language)
    said = {code: describe_red(texts, code) for code in CODES}
    assert len(set(said.values())) == len(CODES)
    assert not [code for code in CODES if code in said[code]]
    assert "surprise" in describe_red(texts, "surprise")
    if language == "zh_CN":
        assert "投递与通话" in said["role_missing:worker"]
        assert [code for code in CODES if "请" not in said[code]] == []


def test_what_some_do_without_is_said_and_nobody_is_woken(
    server: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answer = 200, json.dumps({"ok": True, "red": [], "degraded": ["scanner_away"]}).encode()  # type: ignore[attr-defined]
    report = ask_health(f"http://127.0.0.1:{server.server_port}/readyz")
    assert (report["red"], report["degraded"]) == ([], ["scanner_away"])
    said: set[str] = set()
    for degraded in (["scanner_away"], ["scanner_away"], []):
        said = say_degraded(said, degraded)
    assert capsys.readouterr().err.count("病毒查杀不可用") == 2


def test_the_watcher_rings_once_when_red_lasts_and_once_when_it_is_over_G31() -> None:
    rung: list[tuple[str, tuple[str, ...]]] = []
    watcher = Watcher(lambda state, red: rung.append((state, tuple(red))))
    looks = [(0, "ggg"), (60, "rrrg"), (140, "rrrrrrrr"), (300, "gg"), (340, "rg")]
    for start, colours in looks:
        for n, colour in enumerate(colours):
            watcher.see([] if colour == "g" else ["silent"], start + n * EVERY_SECONDS)
    assert rung == [("red", ("silent",)), ("green", ())]
    assert EVERY_SECONDS + AFTER_SECONDS + 2 * 10 < 180  # a look may wait ten seconds for its answer


def test_the_command_learns_what_is_the_matter_and_may_fail_XR8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "ring.py"
    script.write_text(
        "import os, sys; open(sys.argv[1], 'w').write(os.environ['JIESU_WATCH_STATE'] + ' ' + os.environ['JIESU_WATCH_RED'])"
    )
    run_command(f"{sys.executable} {script} '{tmp_path / 'rung'}'", "red", ["held", "message_late"])
    assert (tmp_path / "rung").read_text() == "red held message_late"
    for command in ("/nowhere/at/all", "false"):
        run_command(command, "red", ["silent"])
    assert capsys.readouterr().err.count("没有执行成功") == 2
