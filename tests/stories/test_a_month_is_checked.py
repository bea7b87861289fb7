"""October is scored, checked, contested, scored again, locked and revised: by API, console and chat (B3, M21)."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.domain.acts import Actor
from backend.domain.ticket_enums import Role
from tests.domain.scoring.month_e1 import build_month_e1
from tests.stories.console import sign_in
from tests.stories.office import Office, open_office

CARRIED = {"note": "经核实", "evidence": "材料1"}  # what most ledger lines must carry
OCTOBER = {"month": "2026-10", "unit": "U01"}


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """The running office; integrity checks are for our own tickets, not for the October of an older platform."""
    async with open_office(tmp_path, database_url) as opened:
        yield opened


async def import_october(office: Office) -> None:
    """Import the month of E1 as an older platform's file; one person enters its ledger, another accepts it."""
    rows = [{**row, "ticket_no": f"E{n}", "region": "云岭市"} for n, row in enumerate(build_month_e1())]
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    admin = Actor("GL01", Role.ADMIN, "M01")
    report = await office.application.services.imports.import_file(
        "history", "h.jsonl", body, admin, dry_run=False, preset={}
    )
    assert report["refused"] == [], report
    file = await office.upload_statement("clerk")
    for row in (
        {"kind": "contact_unreported"}, {"kind": "absence"}, {"kind": "praise", "count": 3, "files": [file]},
        {"kind": "honour", "matter": "m1", "level": "county", "document_date": "2026-10-20"},
        {"kind": "media", "matter": "p1", "level": "city"}, {"kind": "media", "matter": "p1", "level": "province"},
        {"kind": "knowledge", "count": 22},
    ):  # fmt: skip
        entered = await office.request("POST", "/ledger", "clerk", {**OCTOBER, **CARRIED, **row})
        assert entered.status == 201, entered.body
        by_clerk = await office.request("POST", f"/ledger/{entered['id']}/review", "clerk", {"accept": True})
        assert (by_clerk.status, by_clerk.code) == (422, "same_person")
        assert (
            await office.request("POST", f"/ledger/{entered['id']}/review", "admin", {"accept": True})
        ).status == 200


async def test_a_month_goes_from_trial_to_lock_and_revision(office: Office) -> None:
    await import_october(office)
    leader = await office.bind("D101")
    explained = await office.request("GET", "/scores/explain", "clerk", item="sign", failed="1", **OCTOBER)
    assert "112÷120=93.33%" in explained["line"]["formula"] and "15−1.67=13.33" in explained["line"]["formula"]
    assert len(explained["tickets"]) == 8 == explained["of"]

    run = await office.request("POST", "/score-runs", "clerk", {"period": "2026-10"})
    checked = await office.request("POST", f"/score-runs/{run['id']}/check", "clerk", {})
    assert checked.status == 200 and checked["state"] == "check", checked.body
    await office.settle()
    await leader.expect("2026-10 得分试算已完成：95.05 分")
    late = explained["tickets"][0]["ticket"]
    contest_form = {
        "item": "sign",
        "reason": "该件系平台故障，已提交证明",
        "tickets": [late],
        "files": [await office.upload_statement("L101")],
    }
    contest = await office.request("POST", f"/score-runs/{run['id']}/appeals", "L101", contest_form)
    assert contest.status == 201, contest.body
    for_another = await office.request(
        "POST", f"/score-runs/{run['id']}/appeals", "L101", {**contest_form, "unit": "U02"}
    )
    assert for_another.code == "forbidden", for_another.body
    early = await office.request("POST", f"/score-runs/{run['id']}/lock", "clerk", {})
    assert early.code == "check_running"
    assert re.search(r"20\d\d年\d+月\d+日（周.）17:00", early.body["error"]["message"]), early.body
    await office.advance("4d")
    assert (await office.request("POST", f"/score-runs/{run['id']}/lock", "clerk", {})).code == "contests_open"

    decision = {"accept": True, "reason": "平台故障属实"}
    path = f"/score-appeals/{contest['id']}"
    assert (await office.request("POST", f"{path}/decision", "clerk", decision))["state"] == "proposed"
    what_if = await office.request("POST", "/scores/what-if", "clerk", {**OCTOBER, "contests": [contest["id"]]})
    difference = what_if["difference"]
    assert difference["lines"][0]["item"] == "sign" and difference["change"] == "+0.79", what_if.body
    assert (await office.request("POST", f"{path}/confirmation", "clerk", {"accept": True})).code == "same_person"
    assert (await office.request("POST", f"{path}/confirmation", "admin", {"accept": True}))["state"] == "accepted"
    assert (await office.request("POST", f"/score-runs/{run['id']}/lock", "clerk", {})).code == "run_outdated"

    again = await office.request("POST", "/score-runs", "clerk", {"period": "2026-10"})
    lock = f"/score-runs/{again['id']}/lock"
    assert (await office.request("POST", lock, "admin", {})).code == "check_missing"  # the new figures were not shown
    await office.request("POST", f"/score-runs/{again['id']}/check", "clerk", {})
    await office.advance("6d")
    assert (await office.request("POST", lock, "clerk", {})).code == "same_person"
    locked = await office.request("POST", lock, "admin", {})
    assert locked.status == 200 and locked["state"] == "locked", locked.body
    shown = await office.request("GET", "/scores", "L101", month="2026-10")
    assert shown["units"][0]["total"] == "95.84" and shown["state"] == "locked"
    sign = next(line for line in shown["units"][0]["lines"] if line["item"] == "sign")
    assert (sign["numerator"], sign["denominator"]) == (112, 119)
    assert next(e for e in sign["evidence"] if e["ticket"] == late)["excluded"] == "平台故障属实"

    too_late = await office.request("POST", "/ledger", "clerk", {**OCTOBER, **CARRIED, "kind": "exposure"})
    assert (too_late.status, too_late.code) == (422, "month_locked")
    correction = await office.request(
        "POST", "/ledger", "clerk", {**OCTOBER, **CARRIED, "kind": "exposure", "reason": "定稿后收到通报"}
    )
    await office.request("POST", f"/ledger/{correction['id']}/review", "admin", {"accept": True})
    revision = await office.request("POST", "/score-runs", "clerk", {"period": "2026-10"})
    revised = await office.request("GET", f"/score-runs/{revision['id']}/difference", "clerk")
    assert [(u["unit"], u["change"]) for u in revised["units"] if u["unit"] == "U01"] == [("U01", "-2.50")]
    still_locked = await office.request("GET", f"/score-runs/{again['id']}", "clerk")
    assert still_locked["holds"] is True and still_locked["hash"] == locked["hash"]
    audited = {row["what"] for row in await office.list_items("/audit")}
    assert {"score_locked", "contest_decided", "ledger_reviewed", "score_check"} <= audited


async def test_a_score_clerk_enters_ledger_lines_and_tries_what_if_on_the_console(office: Office) -> None:
    await import_october(office)
    await office.sign_ticket("JS0001", by="H101")
    files = [await office.upload_statement("H101")]
    await office.act("JS0001", "return", "H101", reason="不属于本单位", files=files, signed_by="seal")
    november = {"month": "2026-11", "unit": "U01"}
    request = (await office.request("GET", "/scores/pending", "H101", **november))["requests"][0]
    what_if = await office.request("POST", "/scores/what-if", "H101", {**november, "requests": [request["id"]]})
    assert [line["item"] for line in what_if["difference"]["lines"]] == ["return", "red_card"], what_if.body
    run = await office.request("POST", "/score-runs", "clerk", {"period": "2026-10"})
    async with sign_in(office, "clerk") as console:
        for path in ("/scores?month=2026-10", "/ledger", "/runs", f"/runs/{run['id']}", "/registers/post",
                     "/registers/work_rule", "/knowledge"):  # fmt: skip
            await console.get(path)
        assert "112÷120=93.33%" in await console.get("/scores/unit", month="2026-10", unit="U01", item="sign")
        page = await console.get("/scores/unit", **november)
        assert f'name="requests:{request["id"]}"' in page and '<svg class="spark" role="img"' in page
        line = {"kind": "exposure", "unit": "U01", "month": "2026-10", "count": "1", "evidence": "县台报道"}
        assert "请补充：情况说明" in await console.post("/ledger", 422, **line)
        assert "曝光甲" in await console.post("/ledger", **line, note="曝光甲")
        assert 'role="alert"' in await console.post("/ledger", 422, **{**line, "kind": "post_missing"})
        [entered] = await office.list_items("/ledger", month="2026-10", state="entered")
        await console.post(f"/ledger/{entered['id']}/review", 422, accept="yes")  # by the same person
        page = await console.post("/scores/unit", month="2026-10", unit="U01", **{f"ledger:{entered['id']}": "yes"})
        assert "92.55" in page
        page = await console.post("/scores/unit", **november, **{f"requests:{request['id']}": "yes"})
        assert "（1/1）" in page.partition('id="then"')[2]
        await console.post(f"/runs/{run['id']}/check")


async def test_a_unit_reads_its_score_in_the_chat_and_contests_one_line_M21(office: Office) -> None:
    await import_october(office)
    leader, liaison = await office.bind("D101"), await office.bind("L101")
    other_unit, clerk = await office.bind("L201"), await office.bind("FF01")
    run = await office.request("POST", "/score-runs", "clerk", {"period": "2026-10"})
    await office.request("POST", f"/score-runs/{run['id']}/check", "clerk", {})
    await office.settle()
    announced = await liaison.expect("2026-10 得分试算已完成：95.05 分")
    assert announced.buttons == ["查看明细", "提出异议"]
    own_card = await leader.expect("2026-10 得分试算已完成：95.05 分")
    assert own_card.buttons == announced.buttons
    await liaison.press(announced, "查看明细")
    shown = await liaison.expect("得分 95.05 分，明细如下")
    assert "（112/120）：扣 1.67，得 13.33" in shown.text and "得 0.00\n" not in shown.text
    assert await liaison.press(shown, "提出异议") == "请按提示回复消息。"
    choice = await liaison.expect("请选择对 2026-10 得分的哪一项有异议")
    assert "其他项目" in choice.buttons
    await liaison.press(choice, "其他项目")
    others = await liaison.expect("请选择对 2026-10 得分的哪一项有异议")
    assert not set(others.buttons) & set(choice.buttons)
    await liaison.press(choice, choice.buttons[0])
    question = await liaison.expect("请回复本消息，写明异议理由")
    await liaison.reply(question, "系平台故障，手机13800001003可核实")
    await liaison.expect("的异议，请等待核实结果")
    filed = (await office.request("GET", "/score-appeals", "clerk", period="2026-10"))["items"][0]
    own = next(u for u in run["units"] if u["unit"] == "U01")
    assert (filed["unit"], filed["item"], filed["by"]) == ("U01", own["lines"][0]["item"], "L101"), filed
    assert filed["words"].startswith("系平台故障") and filed["state"] == "open"

    for user, data in ((liaison, f"1.cn.{run['id']}.999"), (liaison, "1.li.1.0"), (clerk, f"1.li.{run['id']}.0")):
        message = announced if user is liaison else user.get_last_message()
        assert (await user.press_data(message, data)).toast, data
    theirs = await other_unit.expect("2026-10 得分试算已完成")
    await other_unit.press_data(theirs, f"1.li.{run['id']}.0")
    assert "95.05" not in (await other_unit.expect("明细如下")).text  # their own unit's sheet, whatever the button said
    assert len((await office.request("GET", "/score-appeals", "clerk"))["items"]) == 1
    # the leader may not contest, and nobody may once it is too late: told before a reason is asked for (XM21)
    for data in (f"1.ct.{run['id']}.0", f"1.cn.{run['id']}.0"):
        assert "没有权限" in str(await leader.press_data(own_card, data))
    assert not [text for text in leader.list_unexpected() if "异议理由" in text]


async def test_a_clerk_tries_changed_settings_on_the_console_and_compares_them_XD23(office: Office) -> None:
    await import_october(office)
    plain = await office.request("POST", "/score-runs", "clerk", {"period": "2026-10"})
    tried = await office.request(
        "POST", "/score-runs", "clerk", {"period": "2026-10", "settings": {"scoring.total_max": "90"}}
    )
    assert (tried.status, tried["state"]) == (201, "what_if")
    for verb in ("check", "lock"):
        assert (await office.request("POST", f"/score-runs/{tried['id']}/{verb}", "clerk", {})).code == "rules_changed"
    async with sign_in(office, "clerk") as console:
        form = {"period": "2026-10", "what_if": "yes"}
        await console.post("/runs", **form, **{"scoring.slope_mode": "step_floor", "other": "scoring.task_cap=5"})
        run = (await office.request("GET", "/score-runs", "clerk", period="2026-10"))["items"][0]
        assert run["state"] == "what_if"
        for other in ("scoring.slope_mode=gently", "scoring.slop=1", "linear", ""):
            assert 'role="alert"' in await console.post("/runs", 422, **form, other=other), other
        page = await console.get(f"/runs/{run['id']}", **{"with": plain["id"]})
        assert "假设试算" in page and "96.90" in page and "+1.85" in page
        assert "按比例扣分" in page.partition("规则变化")[2] and f'action="/runs/{run["id"]}/lock"' not in page
