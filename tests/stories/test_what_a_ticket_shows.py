"""What a ticket shows to those who read it, in the API and on the console."""

import json
from datetime import timedelta

import pytest

from sandbox.telephone.behaviour import answer_with
from tests.stories.console import sign_in
from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@SQLITE
async def test_a_demand_recognised_as_unreasonable_shows_its_mark_also_when_imported_B43_XM28(office: Office) -> None:
    assignment = {"unit": "U01", "lead": True, "dispatched_at": "2026-10-08T10:00:00+08:00", "signed": "manual",
                  "signed_at": "2026-10-08T11:00:00+08:00", "closed_at": "2026-10-10T11:00:00+08:00"}  # fmt: skip
    history = {
        "ticket_no": "L1", "category": "complaint", "grade": "general", "region": "云岭市",
        "generated_at": "2026-10-08T09:00:00+08:00", "assignments": [assignment],
        "visits": [{"kind": "manual", "at": "2026-10-12T10:00:00+08:00", "answer": "unsatisfied"}],
        "unreasonable": {"decision": "recognised", "decided_at": "2026-10-14T10:00:00+08:00"},
    }  # fmt: skip
    other = {name: value for name, value in history.items() if name != "unreasonable"} | {"ticket_no": "L2"}
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in (history, other)).encode()
    assert (await office.upload("/imports/history", "历史.jsonl", lines, "admin"))["imported"] == 2
    assert (await office.flags("L1"), await office.flags("L2")) == (["unreasonable"], [])
    async with sign_in(office, "dispatcher") as console:
        assert "不合理诉求</span>" in await console.get("/tickets/L1")
        assert "不合理诉求</span>" not in await console.get("/tickets/L2")


@SQLITE
async def test_whoever_decides_an_extension_sees_until_when_and_how_often_it_was_asked(office: Office) -> None:
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    new_due = await office.due("JS0001", "close") + timedelta(days=2)
    informed = {"at": office.now.isoformat(), "way": "phone"}
    await office.act(
        "JS0001", "extend", "H101", new_due_at=new_due.isoformat(), reason="待料", requester_informed=informed
    )
    async with sign_in(office, "reviewer") as console:
        page = await console.get("/tickets/JS0001")
    form = page[page.index("acts/decide_extension") :].split("</form>")[0]
    for part in (page[: page.index("acts/decide_extension")], form):
        assert "申请延至" in part and f"{new_due.month}月{new_due.day}日" in part and "（第 1 次）" in part


@SQLITE
async def test_a_final_no_is_told_to_the_reviewer_and_counted_until_somebody_decides_about_it_T26_T27(
    office: Office,
) -> None:
    office.simulator.phones.default = answer_with(["1"])
    reviewer, liaison = await office.bind("SH01"), await office.bind("L101")
    await office.bind("H101")
    await office.sign_ticket("JS0001", by="H101")
    await office.act("JS0001", "close", "H101", text="已修复，请查看。", feedback="仍不满意")
    await office.act("JS0001", "visit", "agent", kind="manual", answer="unsatisfied", note="灯还是不亮")
    await office.settle()
    await reviewer.expect("请研判")
    await liaison.expect("如认为诉求不合理")
    async with sign_in(office, "reviewer") as console:
        assert "/tickets?undecided=1" in await console.get("/")
        assert "JS0001" in await console.get("/tickets?undecided=1")
        await office.act("JS0001", "rework", "reviewer", summary="灯还是不亮")
        await office.advance("5m")
        assert "/tickets?undecided=1" not in await console.get("/")
        assert "JS0001" not in await console.get("/tickets?undecided=1")


PETITIONS = """留言编号,留言用户,留言主题,留言时间,留言详情,答复意见,答复时间,点赞数
L1,A0012345,路灯不亮,2020-03-01 09:30:00,小区路灯不亮,已转供电公司，联系人13812345678,2020-03-05 10:00:00,7
"""


@SQLITE
async def test_a_petition_shows_when_it_was_made_and_what_was_answered_and_unknown_columns_are_named_XM14(
    office: Office,
) -> None:
    report = await office.upload("/imports/tickets", "留言.csv", PETITIONS.encode(), "dispatcher")
    assert (report["imported"], report["ignored"]) == (1, ["点赞数"])
    ticket = await office.ticket("L1")
    assert ticket["submitted_at"].startswith("2020-03-01T09:30")
    assert ticket["earlier_reply"]["text"].startswith("已转供电公司") and "13812345678" not in str(ticket.body)
    assert ticket["earlier_reply"]["at"].startswith("2020-03-05T10:00")
    async with sign_in(office, "dispatcher") as console:
        page = await console.get("/tickets/L1")
    assert "此前答复" in page and "已转供电公司" in page and "2020" in page and "13812345678" not in page
