"""A configuration under whose names nobody could come in is refused, or told by `jiesu doctor` and at the start."""

import asyncio
import contextlib
import io
import urllib.error
from collections.abc import AsyncIterator
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend.app.config import Config
from backend.app.run import run_until_stopped
from backend.cli.doctor import run_checks
from tests.cli.conftest import Jiesu
from tests.cli.test_config import STRONG, refusal


@pytest.mark.parametrize(
    "names",
    ["https://a.example", "a.example:8443", "*.example", "a.example,*", "10.0.0.0/8", "a b", "u@a.example", "0.0.0.0", "[::]"],
)  # fmt: skip
def test_a_name_by_which_nobody_could_ask_is_refused_at_the_start(tmp_path: Path, names: str) -> None:
    assert refusal(data=tmp_path, secret_key=STRONG, allowed_hosts=names) == "host_unusable"


@pytest.mark.parametrize("names", ["", " , ", "a.example", " A.example. , 10.0.0.5,::1,[fd00::5] ", "热线.example"])
def test_hosts_and_addresses_are_taken_as_people_write_them(tmp_path: Path, names: str) -> None:
    assert refusal(data=tmp_path, secret_key=STRONG, allowed_hosts=names) == ""


@pytest.mark.parametrize(
    "url", ["https://", "https:///x", "https://a.example:0", "https://a.example:99999", "https://u@a.example"]
)
def test_a_public_address_without_a_host_is_no_address(url: str) -> None:
    with pytest.raises(ValueError):
        Config(public_url=url)


def test_a_public_address_that_is_none_of_a_machine_is_refused(tmp_path: Path) -> None:
    for url in ("https://0.0.0.0", "https://[::]:8443", "https://a b.example", "https://*.example"):
        assert refusal(data=tmp_path, secret_key=STRONG, public_url=url) == "host_unusable", url


@pytest.mark.parametrize(
    ("given", "nobody"),
    [
        ({}, False),
        ({"host": "127.0.0.1"}, False),
        ({"host": "::1"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": "0.0.0.0", "public_url": "http://127.0.0.1:8080"}, True),
        ({"host": "0.0.0.0", "allowed_hosts": "localhost"}, True),
        ({"host": "0.0.0.0", "public_url": "https://a.example"}, False),
        ({"host": "0.0.0.0", "allowed_hosts": "a.example"}, False),
        ({"host": "10.0.0.5"}, False),
    ],
)
def test_listening_for_others_without_a_name_for_them_is_noticed(given: dict[str, Any], nobody: bool) -> None:
    assert Config(**given).is_called_by_nobody is nobody


def test_the_doctor_tells_who_is_answered(jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch) -> None:
    def examine() -> dict[str, Any]:
        return next(c for c in jiesu("doctor", "--json").json if c["check"] == "hosts")

    assert examine()["health"] == "ok"
    monkeypatch.setenv("JIESU_HOST", "0.0.0.0")
    monkeypatch.setenv("JIESU_SANDBOX_OPEN", "1")
    told = examine()
    assert told["health"] == "notice" and "JIESU_ALLOWED_HOSTS" in told["message"] and "0.0.0.0" in told["message"]
    monkeypatch.setenv("JIESU_ALLOWED_HOSTS", "b.example, A.example")
    told = examine()
    assert told["health"] == "ok" and "a.example, b.example" in told["message"]
    monkeypatch.setenv("JIESU_ALLOWED_HOSTS", "*")
    assert (
        "JIESU_ALLOWED_HOSTS" in next(c for c in jiesu("doctor", "--json").json if c["check"] == "settings")["message"]
    )


@pytest.mark.parametrize(
    ("answer", "health", "what"),
    [
        ({}, "ok", "door"),
        (urllib.error.HTTPError("", 421, "", Message(), io.BytesIO()), "broken", "door_renamed"),
        (urllib.error.HTTPError("", 502, "", Message(), io.BytesIO()), "notice", "door_silent"),
        (ConnectionRefusedError(), "notice", "door_silent"),
    ],
)
async def test_the_doctor_finds_a_proxy_that_hands_on_another_host(
    tmp_path: Path, answer: Any, health: str, what: str
) -> None:
    asked = []

    def fetch(url: str, _login: Any) -> Any:
        asked.append(url)
        if isinstance(answer, Exception):
            raise answer
        return answer

    config = Config(data=tmp_path, secret_key=STRONG, public_url="https://a.example", host="0.0.0.0")  # type: ignore[arg-type]
    (found,) = [check for check in await run_checks(config, fetch) if check.name == "door"]
    assert (str(found.health), found.what) == (health, what)
    assert asked == ["https://a.example/api/openapi.json"]
    assert [c for c in await run_checks(Config(data=tmp_path, secret_key=STRONG), fetch) if c.name == "door"] == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("names", "is_told"), [("", True), ("a.example", False)])
async def test_the_start_tells_it_too(capsys: pytest.CaptureFixture[str], names: str, is_told: bool) -> None:
    ended = asyncio.Event()
    ended.set()

    @contextlib.asynccontextmanager
    async def open_application(*_: Any) -> AsyncIterator[Any]:
        holds = SimpleNamespace(current=None if is_told else object())
        keys, clock = SimpleNamespace(create_sign_in_token=create_code), SimpleNamespace(now=lambda: None)
        gate = SimpleNamespace(expired=ended)
        yield SimpleNamespace(services=SimpleNamespace(keys=keys, clock=clock, gate=gate, holds=holds))

    async def create_code(*_: Any) -> str:
        return "a-code"

    config = Config(host="0.0.0.0", allowed_hosts=names, sandbox=True, sandbox_open=True)
    await run_until_stopped(config, ("web",), open_application)
    out, said = capsys.readouterr()
    assert "/sign-in?code=a-code" in out
    assert ("JIESU_ALLOWED_HOSTS" in said) is is_told
    assert ("jiesu release" in said) is not is_told, "a hold is told as well"
