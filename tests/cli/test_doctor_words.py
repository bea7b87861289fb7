"""`jiesu doctor` speaks in sentences: why something does not answer, and what is to be done; a hold is told."""

import socket
import time
import urllib.error
from email.message import Message
from pathlib import Path

import pytest

from backend.app.config import Config
from backend.cli.doctor import Check, Health, _describe_error, describe_check, run_checks
from backend.domain.causes import describe_cause
from backend.domain.texts import Texts, list_languages
from backend.ports.backups import Hold
from notify.scanner import ScannerAway
from storage.engine.ids import IdSupply
from storage.engine.open import open_database
from storage.operations.hold import SqlHoldStore

CAUSES = (
    "protocol", "timeout", "silent", "address_refused", "status 3", "method", "disk", "missing", "unread", "output",
    "http 404", "refused", "name", "certificate", "unreachable",
)  # fmt: skip
ERRORS = {
    "http 404": urllib.error.HTTPError("u", 404, "m", Message(), None), "timeout": TimeoutError(),
    "refused": urllib.error.URLError(ConnectionRefusedError()), "name": urllib.error.URLError(socket.gaierror()),
    "protocol": ValueError(), "unreachable": OSError("token"),
}  # fmt: skip


@pytest.mark.parametrize("language", list_languages())
def test_every_cause_has_words(language: str) -> None:
    texts = Texts(language)
    for cause in CAUSES:
        assert describe_cause(texts, cause) not in (cause, "")
    assert describe_cause(texts, "Strange") == "Strange"


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_is_told_by_its_cause_and_never_with_its_address(code: str) -> None:
    assert _describe_error(ERRORS[code]) == code
    said = describe_check(Texts(), Check("telegram", Health.BROKEN, "silent", {"why": code}))
    assert code not in said and "请" in said and "token" not in said


def test_a_scanner_that_names_nothing_is_not_told_with_a_question_mark() -> None:
    for what in ("scanner", "scanner_strict"):
        assert "?" not in describe_check(Texts(), Check("scanner", Health.OK, what, {"found": "?"}))
    assert "Eicar" in describe_check(Texts(), Check("scanner", Health.OK, "scanner", {"found": "Eicar"}))
    assert ScannerAway("missing").code in CAUSES


async def test_a_hold_is_told_by_the_doctor_with_the_command_that_releases_it_XR3(
    tmp_path: Path, sqlite_url: str
) -> None:
    config = Config(data=tmp_path, database_url=sqlite_url, sandbox=True)

    async def look() -> list[str]:
        return [describe_check(Texts(), one) for one in await run_checks(config, lambda *_: {}) if one.name == "hold"]

    await run_checks(config, lambda *_: {})
    assert await look() == []
    db = open_database(sqlite_url, time.monotonic)
    await SqlHoldStore(db, IdSupply(db)).begin(Hold("restored", 1, 1, None, None, None))
    await db.close()
    (said,) = await look()
    assert "jiesu release" in said and "暂停" in said
