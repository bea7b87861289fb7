"""What the API refuses and no other story comes to: each with its own code, and nothing is kept (XS12)."""

from typing import Any

import pytest

from tests.stories.office import Office

NOON, NIGHT = "2026-11-10T12:00:00+08:00", "2026-11-10T08:00:00+08:00"
#: who, method, path, body → the code
REFUSED: tuple[tuple[str, str, str, dict[str, Any], str], ...] = (
    ("admin", "POST", "/units", {"code": "U01", "name": "住建局", "kind": "handling", "parent": "U01"}, "unit_circle"),
    ("dispatcher", "POST", "/catalogue", {"unit": "M01", "keywords": "路灯"}, "not_for_catalogue"),
    ("dispatcher", "POST", "/catalogue", {"unit": "U01", "keywords": "路灯", "valid_from": "2026-12-01", "valid_to": "2026-11-01"}, "catalogue_days"),
    ("admin", "POST", "/governance", {"topic": "路灯", "unit": "U01"}, "not_an_institution"),
    ("admin", "POST", "/rosters", {"unit": "M01", "person": "PD01", "from": NOON, "to": NIGHT}, "bad_shift"),
    ("admin", "POST", "/rosters", {"unit": "M01", "person": "PD01", "from": NIGHT, "to": NOON, "deputy": "PD01"}, "own_deputy"),
    ("clerk", "POST", "/score-appeals/9/confirmation", {"accept": True}, "unknown_appeal"),
    ("clerk", "POST", "/ledger", {"kind": "absence", "unit": "U01", "note": "缺席例会", "files": ["none"]}, "unknown_file"),
    ("agent", "POST", "/visits/do-not-visit", {"phone": " ", "reason": "本人要求"}, "number_missing"),
)  # fmt: skip


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_is_rarely_refused_has_its_code_XS12(office: Office) -> None:
    for who, method, path, body, code in REFUSED:
        answer = await office.request(method, path, who, body)
        assert (answer.status >= 400, answer.body.get("error", {}).get("code")) == (True, code), (path, answer.body)
    run = (await office.request("POST", "/score-runs", "clerk", {"period": "2026-10"}))["id"]
    assert (await office.request("GET", f"/score-runs/{run}/difference", "clerk")).code == "nothing_to_compare"
    assert (await office.request("POST", f"/score-runs/{run}/check", "clerk", {})).status == 200
    assert (await office.request("POST", f"/score-runs/{run}/check", "clerk", {})).code == "not_trial"
    await office.create_ticket("T1")
    words = {"reason": "不应计入", "unit": "U01"}
    contest = (await office.request("POST", f"/score-runs/{run}/appeals", "clerk", words))["id"]
    decision = {"accept": True, "reason": "属实", "exclude": ["T1"]}
    assert (
        await office.request("POST", f"/score-appeals/{contest}/decision", "clerk", decision)
    ).code == "not_excludable"


#: who, method, path, body → what is not there
NOT_THERE: tuple[tuple[str, str, str, dict[str, Any] | None, str], ...] = (
    ("admin", "GET", "/tickets/T99", None, "没有找到该工单"),
    ("admin", "GET", "/bulletins/99", None, "没有找到该期通报"),
    ("admin", "GET", "/recordings/99", None, "没有找到该录音"),
    ("admin", "GET", "/rosters?unit=U99&month=2026-11", None, "没有找到该单位"),
    ("admin", "POST", "/calls/invalid-numbers/none/revive", {}, "没有找到该号码"),
    ("admin", "POST", "/governance/99/close", {}, "没有找到该治理项目"),
)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_is_not_there_is_named_for_what_it_is(office: Office) -> None:
    for who, method, path, body, sentence in NOT_THERE:
        answer = await office.request(method, path, who, body)
        error = answer.body.get("error", {})
        assert (answer.status, error.get("code"), sentence in error.get("message", "")) == (404, "not_found", True), (
            path,
            answer.body,
        )
