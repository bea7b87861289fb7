"""Similar tickets, dispatch suggestions and hot topics, by API and console (A6, A18, A27, B23, B29)."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scoring.world import find_line
from tests.stories.console import sign_in
from tests.stories.office import Office, open_office

LAMP = "云岭市翠竹花园小区南门的路灯从上周起全部不亮，老人晚上摔倒，请尽快维修。"
LAMP_AGAIN = "翠竹花园小区南门一排路灯都坏了，晚上漆黑一片，什么时候来维修？"
HEAT = "枫林大道供热站的暖气一直不热，室内只有十二度，请求协调供热公司。"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """The sample city on a Monday morning; nobody's chat is bound, so no message leaves."""
    async with open_office(tmp_path, database_url, sample_tickets=True) as opened:
        yield opened
        await opened.assert_running()


async def test_a_dispatch_catalogue_is_imported_once_and_a_row_of_an_unknown_unit_is_refused_A6_FF11(
    office: Office,
) -> None:
    sheet = """类别,关键词,地区,承办单位,依据,生效日期
求助,路灯、照明,,U01,三定方案第三条,2026-01-01
,暖气、供热,云岭市,住建局,,
,公交,,没有的局,,
,,,U01,,
""".encode()
    report = await office.upload("/imports/catalogue", "目录.csv", sheet, "dispatcher")
    assert report.status == 200, report.body
    assert (report["read"], report["already"]) == (4, 0)
    refused = {refusal["row"]: refusal["code"] for refusal in report["refused"]}
    assert refused[4] == "unknown_unit" and refused[5] == "catalogue_empty"
    again = await office.upload("/imports/catalogue", "目录.csv", sheet, "dispatcher")
    assert again["imported"] == 0 and again["already"] == report["imported"]
    first, *_ = await office.list_items("/catalogue")
    assert (first["keywords"], first["unit"], first["valid_from"]) == (["路灯", "照明"], "U01", "2026-01-01")
    assert (await office.request("POST", "/catalogue", "clerk", {"unit": "U01", "keywords": "水"})).status == 403
    entry = await office.request("POST", "/catalogue", "dispatcher", {"unit": "U02", "keywords": ["积水"]})
    assert entry.status == 201, entry.body
    assert (entry["unit"], entry["keywords"]) == ("U02", ["积水"])
    assert (await office.request("POST", f"/catalogue/{entry['id']}/remove", "dispatcher", {})).status == 200
    assert entry["id"] not in {row["id"] for row in await office.list_items("/catalogue")}


async def test_entries_added_at_once_are_each_answered_with_their_own_row_A6(office: Office) -> None:
    words = [f"词{n}" for n in range(6)]
    rows = await asyncio.gather(*(
        office.request("POST", "/catalogue", "dispatcher", {"unit": "U02", "keywords": [word]}) for word in words
    ))  # fmt: skip
    assert [row["keywords"] for row in rows] == [[word] for word in words]
    stored = {row["id"]: row["keywords"] for row in await office.list_items("/catalogue")}
    assert stored == {row["id"]: row["keywords"] for row in rows}


async def test_a_dispatcher_sees_which_units_the_catalogue_and_similar_tickets_suggest_and_why_A6(
    office: Office,
) -> None:
    await office.request(
        "POST", "/catalogue", "dispatcher", {"unit": "U02", "keywords": "路灯", "basis": "职责清单第5项"}
    )
    await office.dispatch_ticket("K1", "U01", text=LAMP, title="翠竹花园路灯不亮")
    await office.create_ticket("K2", "+8613900000002", text=LAMP_AGAIN, title="翠竹花园南门路灯坏了")
    found = (await office.request("GET", "/tickets/K2/suggestions", "dispatcher"))["items"]
    by_unit = {suggestion["unit"]: suggestion for suggestion in found}
    assert by_unit.keys() == {"U01", "U02"}
    assert "职责清单第5项" in by_unit["U02"]["reasons"][0]["text"] and "路灯" in by_unit["U02"]["reasons"][0]["text"]
    assert by_unit["U01"]["reasons"][0]["kind"] == "open" and "K1" in by_unit["U01"]["reasons"][0]["text"]
    assert (await office.request("GET", "/tickets/K2/suggestions", "unit:U01")).status == 403


async def test_a_unit_that_rightly_returned_a_similar_ticket_is_suggested_less_A6(office: Office) -> None:
    """The accepted return counts against the unit, and against the dispatch."""
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
    assert "returned" in {reason["kind"] for reason in after["reasons"]}
    quality = (await office.request("GET", "/dispatch-quality", "supervisor", by="unit"))["items"]
    assert quality == [{"name": "U01", "dispatches": 1, "returned": 1, "reassigned": 0, "rate": "100.00"}]
    for by, name in (("dispatcher", "PD01"), ("category", "help"), ("month", "2026-11")):
        assert (await office.request("GET", "/dispatch-quality", "supervisor", by=by))["items"][0]["name"] == name
    assert (await office.request("GET", "/dispatch-quality", "supervisor", by="weather")).status == 422
    await office.act("K1", "dispatch", "dispatcher", unit="U02")


async def test_a_repeat_is_proposed_for_merging_and_merged_in_the_console_A18_Q23(office: Office) -> None:
    """With the reason that the console proposes (T4)."""
    await office.create_ticket("K1", "+8613900000041", text=LAMP, title="翠竹花园路灯不亮")
    await office.create_ticket("K2", "+8613900000002", text=LAMP_AGAIN, title="翠竹花园南门路灯坏了")
    await office.create_ticket("K3", "+8613900000003", text=HEAT, title="枫林大道暖气不热")
    found = (await office.request("GET", "/tickets/K2/like", "dispatcher"))["items"]
    assert [similar["ticket_no"] for similar in found] == ["K1"]
    assert found[0]["repeat"] and "翠竹" in found[0]["why"] and not found[0]["same_caller"]
    async with sign_in(office, "dispatcher") as console:
        page = await console.get("/tickets/K2")
        assert "相似诉求" in page and "并入该工单" in page
        reason = re.search(r'name="reason" maxlength="200" value="([^"]+)"', page)
        assert reason is not None and "同一事项" in reason[1]
        await console.post("/tickets/K2/acts/merge", into="K1", reason=reason[1])
    assert await office.state("K2") == "merged"
    await office.act("K1", "dispatch", "dispatcher", unit="U01")
    repeats = (await office.request("GET", "/repeats", "supervisor"))["items"]
    assert repeats == [{"unit": "U01", "month": "2026-11", "tickets": 2, "repeats": 1, "rate": "50.00"}]


async def test_the_similarity_from_which_tickets_are_shown_and_proposed_for_merging_is_a_setting(
    office: Office,
) -> None:
    await office.create_ticket("K1", "+8613900000041", text=LAMP, title="翠竹花园路灯不亮")
    await office.create_ticket("K2", "+8613900000042", text=LAMP_AGAIN, title="翠竹花园南门路灯坏了")

    async def list_similar() -> list[bool]:
        """Whether each similar ticket is proposed for merging."""
        found = (await office.request("GET", "/tickets/K2/like", "dispatcher"))["items"]
        return [similar["repeat"] for similar in found]

    assert await list_similar() == [True]
    await office.request("PUT", "/settings/likeness.merge_from", "admin", {"value": "100"})
    assert await list_similar() == [False]
    await office.request("PUT", "/settings/likeness.show_from", "admin", {"value": "100"})
    assert await list_similar() == []


async def test_the_same_text_by_the_same_name_without_a_phone_number_is_a_suspected_repeat_A18(office: Office) -> None:
    """Petitions have no phone number."""
    for no in ("K1", "K2"):
        await office.create_ticket(no, None, text=LAMP, title="路灯", requester_name="网友甲")
        await office.settle()
    assert (await office.ticket("K2"))["flags"] == ["suspected_repeat"]
    assert (await office.request("GET", "/tickets/K2/like", "dispatcher"))["items"][0]["same_caller"]
    await office.create_ticket("K3", None, text=HEAT, title="路灯", requester_name="网友甲")
    assert (await office.ticket("K3"))["flags"] == []


async def test_a_hot_topic_becomes_a_governance_project_that_counts_after_another_person_reviewed_it_A27_B23_B29(
    office: Office,
) -> None:
    await office.request("PUT", "/settings/governance.draft_from", "admin", {"value": "3"})
    november = {"from": "2026-11-01", "to": "2026-11-30"}
    before = await office.request("GET", "/hot", "supervisor", **november)
    for i in range(3):
        await office.create_ticket(
            f"K{i}", f"+861390000001{i}", text=LAMP if i % 2 else LAMP_AGAIN, title="翠竹花园路灯不亮"
        )
    await office.create_ticket("K9", "+8613900000099", text=HEAT, title="枫林大道暖气不热")
    hot = await office.request("GET", "/hot", "supervisor", **november)
    assert hot["total"] == before["total"] + 4 and hot["groups"][0]["count"] == 3
    assert "路灯" in {topic["name"] for topic in hot["topics"]}
    city = (await office.ticket("K0"))["region"]
    assert city and hot["places"] and city not in {place["name"] for place in hot["places"]}
    await office.advance("25h")
    (draft,) = [project for project in await office.list_items("/governance") if project["drafted"]]
    assert draft["state"] == "draft" and set(draft["tickets"]) == {"K0", "K1", "K2"}
    path = f"/governance/{draft['id']}"
    assert (await office.request("POST", f"{path}/close", "supervisor", {})).code == "not_now"
    opened = await office.request("PUT", path, "supervisor", {"cause": "灯杆线路老化"})
    assert opened["state"] == "open" and opened["opened_by"] == "DB01"
    assert (await office.request("POST", f"{path}/close", "supervisor", {})).code == "governance_incomplete"
    await office.request("PUT", path, "supervisor", {"measures": "整条线路更换，列入月检"})
    closed = await office.request("POST", f"{path}/close", "clerk", {})
    assert closed["state"] == "closed", closed.body
    assert (await office.request("POST", f"{path}/review", "clerk", {"accept": True})).code == "same_person"
    accepted = await office.request("POST", f"{path}/review", "admin", {"accept": True})
    assert accepted["state"] == "accepted" and accepted["reviewed_by"] == "GL01"
    sheet = await office.request("GET", "/scores", "clerk", month="2026-11", scheme="jilin-mgmt")
    line = find_line(sheet["units"][0], "diligence_governance")
    assert line["score"] == "5.00"
    for i in range(3):
        await office.act(f"K{i}", "cancel", "dispatcher", reason="演练结束")
