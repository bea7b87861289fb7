"""A month under a profile that exists as files only: taken in, signed, closed, visited, scored by its scheme, reported (Q41)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.world import WordDocument, Workbook
from tests.stories.office import SATISFIED, Office, november, open_office

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
UNITS = {"U01": "市住房和城乡建设局", "U02": "市城市管理局"}
#: Those who are called back: they say that they are content, or do not answer.
SATISFIED_CALLER, CONTENT, COMPLAINING, PRAISING, NEVER_AT_HOME = (f"+861390000010{n}" for n in range(5))
NOT_RESOLVED = ["1", "1", "1", "3", "3", "#"]


@pytest.fixture
async def zhungeer(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """The office on the first Monday of the month; nobody has set anything, JIESU_PROFILE alone says whose rules hold."""
    async with open_office(tmp_path, database_url, november(2, 9), profile="zhungeer") as opened:
        yield opened
        await opened.assert_in_order()


async def read_scores(office: Office, **period: str) -> dict[str, Any]:
    """The sheets of a period by unit."""
    found = await office.request("GET", "/scores", "clerk", **period)
    assert found["regions"] == []  # the profile scores units only
    return {sheet["unit"]: sheet for sheet in found["units"]}


async def make_bulletin(office: Office, period: str) -> tuple[str, WordDocument, Workbook]:
    """Make the profile's document of a period; return its kind and how it is read."""
    issue = await office.request("POST", "/bulletins", "clerk", {"period": period})
    assert issue.status == 202, issue.body
    while (made := await office.request("GET", f"/bulletins/{issue['id']}", "clerk"))["state"] == "making":
        await asyncio.sleep(0.1)
    assert made["state"] == "ready", made.body
    files = []
    for kind in ("docx", "xlsx"):
        headers = {"Authorization": f"Bearer {await office.get_key('clerk')}"}
        async with office.http.get(f"{office.url}/api/v1/bulletins/{issue['id']}/{kind}", headers=headers) as answer:
            files.append(await answer.read())
    return issue["kind"], WordDocument(files[0]), Workbook(files[1])


async def test_a_month_is_handled_scored_and_reported_by_the_rules_of_the_profiles_file(zhungeer: Office) -> None:
    office = zhungeer
    handler, agent = await office.bind("H101"), await office.bind("HF01")
    office.phone(SATISFIED_CALLER).answer_with(SATISFIED)
    office.phone(CONTENT).answer_with(["1", "1", "1", "1", "2"])
    office.phone(COMPLAINING).answer_with(NOT_RESOLVED)
    office.phone(PRAISING).answer_with(SATISFIED)

    # signed and closed in the chat, and not without what the requester said of it
    await office.dispatch_ticket("Z1", phone=SATISFIED_CALLER)
    card = await handler.expect("【新工单】Z1")
    await handler.press(card, "签收")
    await office.settle()
    await handler.reply(card, "答复 已更换灯泡，今晚恢复照明，并已电话告知诉求人。")
    await handler.expect("答复已提交")
    await office.act_refused("Z1", "close", "unit:U01", "feedback_missing", close_type="solved")
    await handler.reply(card, "办结 诉求人表示认可")
    await handler.expect("已办结：Z1")

    # suggestions and praise are visited too: all three rates are what requesters say
    await office.close_ticket("Z2", phone=CONTENT, category="suggestion")
    await office.advance_to(november(4, 9))
    assert [await office.state(no) for no in ("Z1", "Z2")] == ["finalized", "finalized"]
    await office.close_ticket("Z3", phone=COMPLAINING, category="complaint")
    await office.sign_ticket("Z4", "U02", phone=PRAISING, category="praise")
    await office.act("Z4", "close", "unit:U02", close_type="solved", text="已转达。", way="phone", feedback="感谢")
    await office.sign_ticket("Z5", "U02", phone=NEVER_AT_HOME, category="help")
    await office.act("Z5", "close", "unit:U02", close_type="solved", text="已清运。", way="visit", feedback="认可")
    await office.advance_to(november(5, 9))
    assert [await office.state(no) for no in ("Z3", "Z4")] == ["revisit_manual", "finalized"]
    await agent.expect("待人工回访：Z3")
    await office.act("Z3", "visit", "agent", kind="manual", contacted="yes", resolved="partly_resolved",
                     answer="basically_satisfied", note="噪声小了一些。")  # fmt: skip
    await office.advance("25d")  # the month is over but for its last day
    assert await office.state("Z5") in ("finalized", "revisit_manual")  # never reached, or drawn as a sample for people

    sheets = await read_scores(office, month="2026-11")
    assert set(sheets) == {"U01", "U02", "U03", "U04", "U05", "U06"} and "M01" not in sheets
    assert {sheet["scheme"] for sheet in sheets.values()} == {"zhungeer-agency"}
    counted = {line["item"]: (line["numerator"], line["denominator"], line["score"]) for line in sheets["U01"]["lines"]}
    assert counted == {
        "response": (3, 3, "30.00"), "resolution": (2, 3, "23.33"), "satisfaction": (3, 3, "35.00"),
    }  # fmt: skip
    assert (sheets["U01"]["total"], sheets["U02"]["total"], sheets["U03"]["total"]) == ("88.33", "100.00", None)

    kind, document, workbook = await make_bulletin(office, "2026-11")
    assert kind == "monthly_bulletin"
    assert "准格尔旗接诉即办考核：响应率30分、解决率35分、满意率35分。" in document.text()
    rates = {row[0]: row[1:] for row in workbook.rows("评价指标")}
    assert rates[UNITS["U01"]][:2] == (3, 3) and rates[UNITS["U01"]][3:5] == (2, 3)
    for foreign in ("吉林", "北京", "代办处", "88.33"):  # a monthly bulletin lists no scores (B11)
        assert foreign not in document.text()

    kind, document, workbook = await make_bulletin(office, "2026Q4")
    assert kind == "quarterly_ranking"
    [table] = [rows for caption, rows in document.tables.items() if any("88.33" in row for row in rows)]
    assert table[0][0] == "档次" and "优秀" in str(table) and "名次" not in str(table[0])
