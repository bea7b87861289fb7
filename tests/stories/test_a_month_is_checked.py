"""October is reckoned, checked by its units, contested, recounted, locked and revised, all through the open doors (B3, M21)."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from backend.domain.acts import Actor
from backend.domain.ticket import Role
from tests.domain.scoring.month_e1 import build_month_e1
from tests.stories.office import Office, open_office

OCT = {"month": "2026-10", "unit": "U01"}


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """The open house; the older platform's October is not held to the auditor's rules of our own tickets."""
    async with open_office(tmp_path, database_url) as opened:
        yield opened


async def october(office: Office) -> None:
    """The month of E1 as a file of an older platform, and its ledger entered by one and accepted by another."""
    lives = [{**life, "ticket_no": f"E{n}", "region": "云岭市"} for n, life in enumerate(build_month_e1())]
    body = "\n".join(json.dumps(life, ensure_ascii=False) for life in lives).encode()
    clerk = Actor("GL01", Role.ADMIN, "M01")
    report = await office.house.core.imports.import_file("history", "h.jsonl", body, clerk, dry_run=False, preset={})
    assert report["refused"] == [], report
    paper = await office.paper("clerk")
    for row in (
        {"kind": "contact_unreported"}, {"kind": "absence"}, {"kind": "praise", "count": 3, "files": [paper]},
        {"kind": "honour", "matter": "m1", "level": "county", "document_date": "2026-10-20"},
        {"kind": "media", "matter": "p1", "level": "city"}, {"kind": "media", "matter": "p1", "level": "province"},
        {"kind": "knowledge", "count": 22},
    ):  # fmt: skip
        made = await office.ask("POST", "/ledger", "clerk", {**OCT, **row})
        assert made.status == 201, made.body
        mine = await office.ask("POST", f"/ledger/{made['id']}/review", "clerk", {"accept": True})
        assert (mine.status, mine.code) == (422, "same_person")
        assert (await office.ask("POST", f"/ledger/{made['id']}/review", "admin", {"accept": True})).status == 200


async def test_a_month_goes_from_trial_to_lock_and_revision(office: Office) -> None:
    await october(office)
    chief = await office.bound("D101")
    why = await office.ask("GET", "/scores/explain", "clerk", item="sign", failed="1", **OCT)
    assert "112÷120=93.33%" in why["line"]["formula"] and "15−1.67=13.33" in why["line"]["formula"]
    assert len(why["tickets"]) == 8 == why["of"]

    run = await office.ask("POST", "/score-runs", "clerk", {"period": "2026-10"})
    checked = await office.ask("POST", f"/score-runs/{run['id']}/check", "clerk", {})
    assert checked.status == 200 and checked["state"] == "check", checked.body
    await office.settle()
    await chief.expect("2026-10 得分试算已完成：95.05 分")
    late = why["tickets"][0]["ticket"]
    words = {
        "item": "sign",
        "reason": "该件系平台故障，已提交证明",
        "tickets": [late],
        "files": [await office.paper("L101")],
    }
    contest = await office.ask("POST", f"/score-runs/{run['id']}/appeals", "L101", words)
    assert contest.status == 201, contest.body
    foreign = await office.ask("POST", f"/score-runs/{run['id']}/appeals", "L101", {**words, "unit": "U02"})
    assert foreign.code == "forbidden", foreign.body
    early = await office.ask("POST", f"/score-runs/{run['id']}/lock", "clerk", {})
    assert early.code == "check_running"
    assert re.search(r"20\d\d年\d+月\d+日（周.）17:00", early.body["error"]["message"]), early.body
    await office.go("4d")
    assert (await office.ask("POST", f"/score-runs/{run['id']}/lock", "clerk", {})).code == "contests_open"

    decided = {"accept": True, "reason": "平台故障属实"}
    at = f"/score-appeals/{contest['id']}"
    assert (await office.ask("POST", f"{at}/decision", "clerk", decided))["state"] == "proposed"
    what = await office.ask("POST", "/scores/what-if", "clerk", {**OCT, "contests": [contest["id"]]})
    assert what["difference"]["lines"][0]["item"] == "sign" and what["difference"]["change"] == "+0.79", what.body
    assert (await office.ask("POST", f"{at}/confirmation", "clerk", {"accept": True})).code == "same_person"
    assert (await office.ask("POST", f"{at}/confirmation", "admin", {"accept": True}))["state"] == "accepted"
    assert (await office.ask("POST", f"/score-runs/{run['id']}/lock", "clerk", {})).code == "run_outdated"

    again = await office.ask("POST", "/score-runs", "clerk", {"period": "2026-10"})
    locked = await office.ask("POST", f"/score-runs/{again['id']}/lock", "clerk", {})
    assert locked.status == 200 and locked["state"] == "locked", locked.body
    mine = await office.ask("GET", "/scores", "L101", month="2026-10")
    assert mine["units"][0]["total"] == "95.84" and mine["state"] == "locked"
    sign = next(x for x in mine["units"][0]["lines"] if x["item"] == "sign")
    assert (sign["numerator"], sign["denominator"]) == (112, 119)
    assert next(e for e in sign["evidence"] if e["ticket"] == late)["excluded"] == "平台故障属实"

    closed = await office.ask("POST", "/ledger", "clerk", {**OCT, "kind": "exposure"})
    assert (closed.status, closed.code) == (422, "month_locked")
    late_row = await office.ask("POST", "/ledger", "clerk", {**OCT, "kind": "exposure", "reason": "定稿后收到通报"})
    await office.ask("POST", f"/ledger/{late_row['id']}/review", "admin", {"accept": True})
    third = await office.ask("POST", "/score-runs", "clerk", {"period": "2026-10"})
    diff = await office.ask("GET", f"/score-runs/{third['id']}/difference", "clerk")
    assert [(u["unit"], u["change"]) for u in diff["units"] if u["unit"] == "U01"] == [("U01", "-2.50")]
    kept = await office.ask("GET", f"/score-runs/{again['id']}", "clerk")
    assert kept["holds"] is True and kept["hash"] == locked["hash"]
    audited = {row["what"] for row in await office.items("/audit")}
    assert {"score_locked", "contest_decided", "ledger_reviewed", "score_check"} <= audited


async def test_the_score_clerks_pages_open_and_accept_what_is_entered(office: Office) -> None:
    await october(office)
    await office.dispatched("JS0001")
    await office.act("JS0001", "sign", "H101")
    files = [await office.paper("H101")]
    await office.act("JS0001", "return", "H101", reason="不属于本单位", files=files, signed_by="seal")
    nov = {"month": "2026-11", "unit": "U01"}
    request = (await office.ask("GET", "/scores/pending", "H101", **nov))["requests"][0]
    what = await office.ask("POST", "/scores/what-if", "H101", {**nov, "requests": [request["id"]]})
    assert [x["item"] for x in what["difference"]["lines"]] == ["return", "red_card"], what.body
    run = await office.ask("POST", "/score-runs", "clerk", {"period": "2026-10"})
    base = f"http://{office.house.config.host}:{office.house.config.port}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:

        async def post(path: str, **fields: str) -> tuple[int, str]:
            form = aiohttp.FormData(quote_fields=False)
            for name, value in fields.items():
                form.add_field(name, value, content_type="text/plain")
            async with http.post(f"{base}{path}", data=form, headers={"Origin": base}) as answer:
                return answer.status, await answer.text()

        assert (await post("/sign-in", word=await office.key("clerk")))[0] == 200
        pages = {}
        for path in ("/scores?month=2026-10", "/scores/unit?month=2026-10&unit=U01&item=sign", "/ledger", "/runs",
                     f"/runs/{run['id']}", "/registers/post", "/registers/work_rule", "/knowledge"):  # fmt: skip
            async with http.get(f"{base}{path}") as answer:
                assert answer.status == 200, path
                pages[path] = await answer.text()
        assert "112÷120=93.33%" in pages["/scores/unit?month=2026-10&unit=U01&item=sign"]
        async with http.get(f"{base}/scores/unit", params=nov) as answer:
            page = await answer.text()
        assert f'name="requests:{request["id"]}"' in page and '<svg class="spark" role="img"' in page
        csrf = pages["/ledger"].partition('name="csrf" value="')[2].partition('"')[0]
        line = {"csrf": csrf, "kind": "exposure", "unit": "U01", "month": "2026-10", "count": "1"}
        assert "曝光甲" in (await post("/ledger", **line, note="曝光甲"))[1]
        status, text = await post("/ledger", **{**line, "kind": "post_missing"})
        assert status == 422 and 'role="alert"' in text
        waiting = await office.items("/ledger", month="2026-10", state="entered")
        same = await post(f"/ledger/{waiting[0]['id']}/review", csrf=csrf, accept="yes")
        assert same[0] == 422
        then = await post(
            "/scores/unit", csrf=csrf, month="2026-10", unit="U01", **{f"ledger:{waiting[0]['id']}": "yes"}
        )
        assert then[0] == 200 and "92.55" in then[1]
        then = await post("/scores/unit", csrf=csrf, **nov, **{f"requests:{request['id']}": "yes"})
        assert then[0] == 200 and "（1/1）" in then[1].partition('id="then"')[2]
        assert (await post(f"/runs/{run['id']}/check", csrf=csrf))[0] == 200


async def test_a_unit_reads_its_lines_in_the_chat_and_objects_to_one_of_them_M21(office: Office) -> None:
    await october(office)
    chief, liaison = await office.bound("D101"), await office.bound("L101")
    foreign, clerk = await office.bound("L201"), await office.bound("FF01")
    run = await office.ask("POST", "/score-runs", "clerk", {"period": "2026-10"})
    await office.ask("POST", f"/score-runs/{run['id']}/check", "clerk", {})
    await office.settle()
    asked = await liaison.expect("2026-10 得分试算已完成：95.05 分")
    assert asked.buttons == ["查看明细", "提出异议"]
    assert (await chief.expect("2026-10 得分试算已完成：95.05 分")).buttons == asked.buttons
    await liaison.press(asked, "查看明细")
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
    filed = (await office.ask("GET", "/score-appeals", "clerk", period="2026-10"))["items"][0]
    own = next(u for u in run["units"] if u["unit"] == "U01")
    assert (filed["unit"], filed["item"], filed["by"]) == ("U01", own["lines"][0]["item"], "L101"), filed
    assert filed["words"].startswith("系平台故障") and filed["state"] == "open"

    for user, data in ((liaison, f"1.cn.{run['id']}.999"), (liaison, "1.li.1.0"), (clerk, f"1.li.{run['id']}.0")):
        message = asked if user is liaison else user.get_last_message()
        assert (await user.press_data(message, data)).toast, data
    theirs = await foreign.expect("2026-10 得分试算已完成")
    await foreign.press_data(theirs, f"1.li.{run['id']}.0")
    assert "95.05" not in (await foreign.expect("明细如下")).text  # his own unit's sheet, whatever the button was
    assert len((await office.ask("GET", "/score-appeals", "clerk"))["items"]) == 1
