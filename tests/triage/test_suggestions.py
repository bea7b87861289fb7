"""Like demands, suggestions and what is hot, through the doors people use (A6, A18, A27, B23, B29)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.console import sign_in
from tests.stories.office import Office, open_office

LAMP = "云岭市翠竹花园小区南门的路灯从上周起全部不亮，老人晚上摔倒，请尽快维修。"
LAMP_AGAIN = "翠竹花园小区南门一排路灯都坏了，晚上漆黑一片，什么时候来维修？"
HEAT = "枫林大道供热站的暖气一直不热，室内只有十二度，请求协调供热公司。"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """The house on a Monday morning; nobody's chat is bound, so messages stay where they are."""
    async with open_office(tmp_path, database_url, sample_tickets=True) as opened:
        yield opened
        await opened.assert_running()


async def test_a_catalogue_in_chinese_is_imported_once_and_says_which_unit_it_does_not_know(office: Office) -> None:
    """A6, FF11."""
    sheet = "类别,关键词,地区,承办单位,依据,生效日期\n求助,路灯、照明,,U01,三定方案第三条,2026-01-01\n,暖气、供热,云岭市,住建局,,\n,公交,,没有的局,,\n,,,U01,,\n"
    report = await office.upload("/imports/catalogue", "目录.csv", sheet.encode(), "dispatcher")
    assert report.status == 200, report.body
    assert (report["read"], report["already"]) == (4, 0)
    refused = {row["row"]: row["code"] for row in report["refused"]}
    assert refused[4] == "unknown_unit" and refused[5] == "catalogue_empty"
    again = await office.upload("/imports/catalogue", "目录.csv", sheet.encode(), "dispatcher")
    assert again["imported"] == 0 and again["already"] == report["imported"]
    rows = await office.list_items("/catalogue")
    assert (
        rows[0]["keywords"] == ["路灯", "照明"] and rows[0]["unit"] == "U01" and rows[0]["valid_from"] == "2026-01-01"
    )
    assert (await office.request("POST", "/catalogue", "clerk", {"unit": "U01", "keywords": "水"})).status == 403
    made = await office.request("POST", "/catalogue", "dispatcher", {"unit": "U02", "keywords": ["积水"]})
    assert made.status == 201, made.body
    assert (await office.request("POST", f"/catalogue/{made['id']}/remove", "dispatcher", {})).status == 200
    assert made["id"] not in {r["id"] for r in await office.list_items("/catalogue")}


async def test_a_dispatcher_is_told_whom_the_catalogue_and_like_tickets_speak_for_and_why(office: Office) -> None:
    """A6."""
    await office.request(
        "POST", "/catalogue", "dispatcher", {"unit": "U02", "keywords": "路灯", "basis": "职责清单第5项"}
    )
    await office.dispatch_ticket("K1", "U01", text=LAMP, title="翠竹花园路灯不亮")
    await office.create_ticket("K2", "+8613900000002", text=LAMP_AGAIN, title="翠竹花园南门路灯坏了")
    found = (await office.request("GET", "/tickets/K2/suggestions", "dispatcher"))["items"]
    assert {s["unit"] for s in found} == {"U01", "U02"}
    by_unit = {s["unit"]: s for s in found}
    assert "职责清单第5项" in by_unit["U02"]["reasons"][0]["text"] and "路灯" in by_unit["U02"]["reasons"][0]["text"]
    assert by_unit["U01"]["reasons"][0]["kind"] == "open" and "K1" in by_unit["U01"]["reasons"][0]["text"]
    assert (await office.request("GET", "/tickets/K2/suggestions", "unit:U01")).status == 403


async def test_a_unit_that_gave_a_like_ticket_back_and_was_right_is_suggested_less(office: Office) -> None:
    """A6: the accepted return counts against it, and against the dispatch."""
    await office.request("POST", "/catalogue", "dispatcher", {"unit": "U01", "keywords": "路灯"})
    await office.create_ticket("K1", text=LAMP, title="翠竹花园路灯不亮")
    before = (await office.request("GET", "/tickets/K1/suggestions", "dispatcher"))["items"][0]
    await office.act("K1", "dispatch", "dispatcher", unit="U01")
    await office.act("K1", "sign", "unit:U01")
    await office.act("K1", "return", "unit:U01", reason_code="not_our_duty", reason="不属于本单位职责", signed_by="seal",
                     files=[await office.upload_statement()])  # fmt: skip
    await office.act("K1", "decide_return", "reviewer", accept=True, reason="同意")
    await office.create_ticket("K2", "+8613900000002", text=LAMP_AGAIN, title="翠竹花园南门路灯坏了")
    after = (await office.request("GET", "/tickets/K2/suggestions", "dispatcher"))["items"][0]
    assert after["unit"] == before["unit"] == "U01" and after["score"] < before["score"]
    assert "returned" in {r["kind"] for r in after["reasons"]}
    missed = (await office.request("GET", "/dispatch-quality", "supervisor", by="unit"))["items"]
    assert missed == [{"name": "U01", "dispatches": 1, "returned": 1, "reassigned": 0, "rate": "100.00"}]
    for by, name in (("dispatcher", "PD01"), ("category", "help"), ("month", "2026-11")):
        assert (await office.request("GET", "/dispatch-quality", "supervisor", by=by))["items"][0]["name"] == name
    assert (await office.request("GET", "/dispatch-quality", "supervisor", by="weather")).status == 422
    await office.act("K1", "dispatch", "dispatcher", unit="U02")


async def test_a_repeat_is_proposed_for_merging_and_merged_in_one_press(office: Office) -> None:
    """A18, Q23, T4: by hand in the console, through the desk."""
    await office.create_ticket("K1", "+8613900000041", text=LAMP, title="翠竹花园路灯不亮")
    await office.create_ticket("K2", "+8613900000002", text=LAMP_AGAIN, title="翠竹花园南门路灯坏了")
    await office.create_ticket("K3", "+8613900000003", text=HEAT, title="枫林大道暖气不热")
    found = (await office.request("GET", "/tickets/K2/like", "dispatcher"))["items"]
    assert [one["ticket_no"] for one in found] == ["K1"]
    assert found[0]["repeat"] and "翠竹" in found[0]["why"] and not found[0]["same_caller"]
    async with sign_in(office, "dispatcher") as console:
        shown = await console.get("/tickets/K2")
        assert "相似诉求" in shown and "并入该工单" in shown
        reason = re.search(r'name="reason" maxlength="200" value="([^"]+)"', shown)
        assert reason is not None and "同一事项" in reason[1]
        await console.post("/tickets/K2/acts/merge", into="K1", reason=reason[1])
    assert await office.state("K2") == "merged"
    await office.act("K1", "dispatch", "dispatcher", unit="U01")
    counted = (await office.request("GET", "/repeats", "supervisor"))["items"]
    assert counted == [{"unit": "U01", "month": "2026-11", "tickets": 2, "repeats": 1, "rate": "50.00"}]


async def test_the_office_says_from_which_likeness_tickets_are_shown_and_proposed_for_merging(office: Office) -> None:
    """`likeness.show_from`, `likeness.merge_from`."""
    await office.create_ticket("K1", "+8613900000041", text=LAMP, title="翠竹花园路灯不亮")
    await office.create_ticket("K2", "+8613900000042", text=LAMP_AGAIN, title="翠竹花园南门路灯坏了")

    async def seen() -> list[bool]:
        return [one["repeat"] for one in (await office.request("GET", "/tickets/K2/like", "dispatcher"))["items"]]

    assert await seen() == [True]
    await office.request("PUT", "/settings/likeness.merge_from", "admin", {"value": "100"})
    assert await seen() == [False]
    await office.request("PUT", "/settings/likeness.show_from", "admin", {"value": "100"})
    assert await seen() == []


async def test_the_same_words_by_the_same_name_without_a_number_are_a_suspected_repeat(office: Office) -> None:
    """Petitions have no number (A18)."""
    for no in ("K1", "K2"):
        await office.create_ticket(no, None, text=LAMP, title="路灯", requester_name="网友甲")
        await office.settle()
    assert (await office.ticket("K2"))["flags"] == ["suspected_repeat"]
    assert (await office.request("GET", "/tickets/K2/like", "dispatcher"))["items"][0]["same_caller"]
    await office.create_ticket("K3", None, text=HEAT, title="路灯", requester_name="网友甲")
    assert (await office.ticket("K3"))["flags"] == []


async def test_what_is_hot_is_drafted_opened_closed_and_counts_after_another_person_reviewed_it(office: Office) -> None:
    """A27, B23, B29."""
    await office.request("PUT", "/settings/governance.draft_from", "admin", {"value": "3"})
    span = {"from": "2026-11-01", "to": "2026-11-30"}
    before = await office.request("GET", "/hot", "supervisor", **span)
    for i in range(3):
        await office.create_ticket(
            f"K{i}", f"+861390000001{i}", text=LAMP if i % 2 else LAMP_AGAIN, title="翠竹花园路灯不亮"
        )
    await office.create_ticket("K9", "+8613900000099", text=HEAT, title="枫林大道暖气不热")
    hot = await office.request("GET", "/hot", "supervisor", **span)
    assert hot["total"] == before["total"] + 4 and hot["groups"][0]["count"] == 3
    assert "路灯" in {t["name"] for t in hot["topics"]}
    city = (await office.ticket("K0"))["region"]
    assert city and hot["places"] and city not in {p["name"] for p in hot["places"]}
    await office.advance("25h")
    (draft,) = [p for p in await office.list_items("/governance") if p["drafted"]]
    assert draft["state"] == "draft" and set(draft["tickets"]) == {"K0", "K1", "K2"}
    path = f"/governance/{draft['id']}"
    assert (await office.request("POST", f"{path}/close", "supervisor", {})).code == "not_now"
    changed = await office.request("PUT", path, "supervisor", {"cause": "灯杆线路老化"})
    assert changed["state"] == "open" and changed["opened_by"] == "DB01"
    assert (await office.request("POST", f"{path}/close", "supervisor", {})).code == "governance_incomplete"
    await office.request("PUT", path, "supervisor", {"measures": "整条线路更换，列入月检"})
    closed = await office.request("POST", f"{path}/close", "clerk", {})
    assert closed["state"] == "closed", closed.body
    assert (await office.request("POST", f"{path}/review", "clerk", {"accept": True})).code == "same_person"
    done = await office.request("POST", f"{path}/review", "admin", {"accept": True})
    assert done["state"] == "accepted" and done["reviewed_by"] == "GL01"
    sheet = await office.request("GET", "/scores", "clerk", month="2026-11", scheme="jilin-mgmt")
    line = next(x for x in sheet["units"][0]["lines"] if x["item"] == "diligence_governance")
    assert line["score"] == "5.00"
    for i in range(3):
        await office.act(f"K{i}", "cancel", "dispatcher", reason="演练结束")
