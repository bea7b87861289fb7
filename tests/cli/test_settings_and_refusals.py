"""A refusal is one JSON document too; settings are read from a file; a move is logged as in contract §2, §3 and §8."""

import json
from pathlib import Path

import pytest
import structlog

from backend.app.config import Config
from backend.app.run import configure_logging
from backend.domain.settings_catalogue import list_profile_ids
from tests.cli.conftest import Jiesu


def test_with_json_a_refusal_is_one_document_with_its_code_and_its_sentence_goes_to_stderr(jiesu: Jiesu) -> None:
    plain = jiesu("set", "sign.general.limit", "soon")
    assert plain.status == 1 and plain.out == "" and "可填：Nwd" in plain.err
    due = ("due", "--kind", "close", "--grade", "general", "--at", "2026-11-24T08:40:00+08:00")
    with_json = jiesu(*due, "--json")
    error = with_json.json["error"]
    assert with_json.status == 1 and error.keys() == {"code", "message", "details"}
    assert error["code"] == "deadline_missing" and error["message"] in with_json.err


@pytest.mark.parametrize("line", ['profile = "beijing_mutual_aid"', 'JIESU_PROFILE = "beijing_mutual_aid"'])
def test_jiesu_toml_is_read_in_either_spelling_and_the_environment_wins(
    jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    Path("jiesu.toml").write_text(line, "utf-8")
    assert Config().profile == "beijing_mutual_aid"
    monkeypatch.setenv("JIESU_PROFILE", "jilin")
    assert Config().profile == "jilin"


def test_a_profile_without_a_file_is_refused_with_those_that_may_be_chosen(
    jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIESU_PROFILE", "guangdong")
    for command in ("settings", "doctor", "serve"):
        result = jiesu(command)
        assert result.status == 1 and all(name in result.err for name in ("guangdong", *list_profile_ids())), command


def test_the_settings_say_which_values_are_the_profiles(jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_PROFILE", "zhungeer")
    assert jiesu("set", "bulletin.ranking", "ranks").status == 0
    lines = jiesu("settings").out.splitlines()
    assert "close.requires_feedback = true    # 默认值来自方案“准格尔旗接诉即办”" in lines
    assert "bulletin.ranking = ranks" in lines and "sign.general.limit = 1wd" in lines
    assert jiesu("settings", "--json").json["close.requires_feedback"] == "true"


def test_a_database_of_another_kind_is_refused_by_name(jiesu: Jiesu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", "mysql://office")
    result = jiesu("settings", "--json")
    assert result.status == 1 and result.json["error"]["details"] == {"names": "JIESU_DATABASE_URL"}


def test_the_log_line_of_a_move_has_the_fields_of_the_contract_and_no_others(
    jiesu: Jiesu, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Config(log_format="json"))
    fields = {"ticket": "T1", "assignment": 1, "verb": "sign", "from": "dispatched", "to": "signed", "version": 3,
            "by": "H1", "source": "api", "at": "2026-11-22T13:11:47+08:00"}  # fmt: skip
    structlog.get_logger("moves").info("moved", **fields)
    structlog.get_logger("app").info("opened")
    move, other = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert move == {"event": "moved", **fields} and next(iter(move)) == "event"
    assert other.keys() == {"event", "level", "timestamp"}


def test_a_code_for_somebody_unknown_is_refused_by_who_is_unknown(jiesu: Jiesu) -> None:
    result = jiesu("binding", "open", "X99")
    assert result.status == 1 and "没有登记该人员：X99" in result.err


def test_a_country_that_cannot_be_rung_is_not_set(jiesu: Jiesu) -> None:
    for written, said in (("中国", "如 CN"), ("XX", "如 CN"), ("", "至少要填一项")):
        result = jiesu("set", "calls.countries", written)
        assert result.status == 1 and said in result.err, (written, result.err)
    assert jiesu("set", "calls.countries", "CN,HK").status == 0
