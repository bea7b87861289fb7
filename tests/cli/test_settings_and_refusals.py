"""What is refused is one JSON document too; settings are read from a file; a move's log line is the contract's (§2, §3, §8)."""

import json
from pathlib import Path

import pytest
import structlog

from backend.app.config import Config
from backend.app.run import configure_logging
from tests.cli.conftest import Jiesu


def test_with_json_a_refusal_is_one_document_with_its_code_and_its_sentence_goes_to_stderr(jiesu: Jiesu) -> None:
    no = jiesu("set", "sign.general.limit", "soon"), jiesu("due", "--kind", "close", "--grade", "general", "--at",
                                                           "2026-11-24T08:40:00+08:00", "--json")  # fmt: skip
    assert [said.status for said in no] == [1, 1]
    assert no[0].out == "" and "可填：Nwd" in no[0].err
    assert no[1].json["error"].keys() == {"code", "message", "details"}
    assert no[1].json["error"]["code"] == "deadline_missing" and no[1].json["error"]["message"] in no[1].err


@pytest.mark.parametrize("line", ['profile = "beijing_mutual_aid"', 'JIESU_PROFILE = "beijing_mutual_aid"'])
def test_jiesu_toml_is_read_by_either_spelling_and_the_environment_wins(
    jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    Path("jiesu.toml").write_text(line, "utf-8")
    assert Config().profile == "beijing_mutual_aid"
    monkeypatch.setenv("JIESU_PROFILE", "jilin")
    assert Config().profile == "jilin"


def test_a_database_of_another_kind_is_refused_by_name(jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", "mysql://office")
    said = jiesu("settings", "--json")
    assert said.status == 1 and said.json["error"]["details"] == {"names": "JIESU_DATABASE_URL"}


def test_the_log_line_of_a_move_has_the_fields_of_the_contract_and_no_others(
    jiesu: Jiesu, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Config(log_format="json"))
    told = {"ticket": "T1", "assignment": 1, "verb": "sign", "from": "dispatched", "to": "signed", "version": 3,
            "by": "H1", "source": "api", "at": "2026-11-22T13:11:47+08:00"}  # fmt: skip
    structlog.get_logger("moves").info("moved", **told)
    structlog.get_logger("app").info("opened")
    move, other = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert move == {"event": "moved", **told} and next(iter(move)) == "event"
    assert other.keys() == {"event", "level", "timestamp"}
