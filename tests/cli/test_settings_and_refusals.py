"""A refusal is one JSON document too; settings are read from a file; a move is logged as in contract §2, §3 and §8."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from backend.app.config import Config
from backend.app.run import configure_logging
from backend.domain.profiles import load_profiles
from backend.domain.refusals import Refused
from backend.domain.settings_catalogue import list_profile_ids
from backend.office.settings import check_profile
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


def test_weights_that_make_a_whole_are_changed_together_or_not_at_all_B10(jiesu: Jiesu) -> None:
    alone = jiesu("set", "region.weight_units", "0.7")
    assert alone.status == 1 and "管理机构的比重" in alone.err and "承办单位的比重" in alone.err and "1.1" in alone.err
    wrong = jiesu("set", "region.weight_units", "0.7", "--with", "region.weight_management=0.2")
    assert wrong.status == 1 and "一起改" in wrong.err
    assert jiesu("settings", "--json").json["region.weight_units"] == "0.6"
    assert jiesu("set", "region.weight_units", "0.7", "--with", "region.weight_management=0.3").status == 0
    stored = jiesu("settings", "--json").json
    assert (stored["region.weight_units"], stored["region.weight_management"]) == ("0.7", "0.3")


def test_doctor_names_the_profile_the_office_runs_by(jiesu: Jiesu) -> None:
    assert jiesu("db", "upgrade").status == 0
    assert "按方案“吉林省接诉即办”运行。" in jiesu("doctor").out
    assert jiesu("set", "profile", "zhungeer").status == 0
    said = jiesu("doctor").out
    assert "按方案“准格尔旗接诉即办”运行，这是在设置里选定的" in said and "“吉林省接诉即办”，不起作用" in said


def test_every_profile_rings_countries_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list_profile_ids():
        check_profile(name)
    odd = replace(load_profiles()["jilin"], settings={"calls.countries": "CN,ZZ"})
    monkeypatch.setattr("backend.office.settings.read_profile", lambda _name: odd)
    with pytest.raises(Refused, match="profile_bad_value") as no:
        Config()
    assert no.value.facts["setting"] == "calls.countries" and no.value.facts["wrong"] == '"ZZ"'
