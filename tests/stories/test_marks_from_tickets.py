"""From a ticket's life to a confirmed mark: drafted by the system, decided by a person (B22, B48, B49, XD22, XM5)."""

from typing import Any

import pytest

from tests.stories.console import sign_in
from tests.stories.office import Office

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
CLOSED_BY_CALL = "+8613900000009"


async def list_drafts(office: Office, kind: str) -> list[tuple[str, list[str], int]]:
    """Unit, tickets and id of the undecided lines of a kind."""
    found = await office.list_items("/ledger", month="2026-11", state="draft", kind=kind)
    return [(line["unit"], line["tickets"], line["id"]) for line in found]


async def get_line(office: Office, unit: str, item: str) -> Any:
    """A line of November's sheet."""
    sheet = (await office.request("GET", "/scores", "clerk", month="2026-11", unit=unit))["units"][0]
    return next(line for line in sheet["lines"] if line["item"] == item)


async def test_what_went_wrong_with_tickets_is_drafted_and_counts_once_a_clerk_confirms_it_XD22_XM5(
    office: Office,
) -> None:
    await office.set_setting("close.limit.complaint", "1wd")
    await office.sign_ticket("JS0001", category="complaint")
    await office.sign_ticket("JS0004", category="complaint", phone="+8613900000004")
    await office.close_ticket("JS0003", phone=CLOSED_BY_CALL)
    await office.act(
        "JS0003", "visit", "agent", kind="manual", answer="satisfied", contacted="no", note="没有人来过电话"
    )
    async with sign_in(office, "reviewer") as console:
        page = await console.get("/tickets/JS0003")
        assert "属管理机构责任的有效投诉" in page and "转派不及时" in page
    await office.act("JS0003", "review", "reviewer", conclusion="承办单位未按要求联系", valid_complaint="dispatch")
    await office.advance("2d")  # past the limit
    for no, phone in (("JS0002", None), ("JS0005", "+8613900000004")):
        await office.create_ticket(no, **({} if phone is None else {"phone": phone}), category="complaint")
    found = await office.request("POST", "/ledger-drafts", "clerk", {"month": "2026-11"})
    assert found["drafts"] >= 2, found.body

    [silent, other] = sorted(await list_drafts(office, "no_reply_repeat"))
    assert (silent[:2], other[:2]) == (("U01", ["JS0001", "JS0002"]), ("U01", ["JS0004", "JS0005"]))
    [(unit, tickets, invented)] = await list_drafts(office, "fabrication")
    assert (unit, tickets) == ("U01", ["JS0003"])
    [(unit, tickets, valid)] = await list_drafts(office, "valid_complaint")
    assert (unit, tickets) == ("M01", ["JS0003"])
    assert (await get_line(office, "U01", "diligence_reply"))["deduction"] == "0.00"  # nothing counts by itself

    async with sign_in(office, "clerk") as console:
        page = await console.get("/ledger", state="draft")
        assert "超过期限未答复" in page and 'href="/tickets/JS0002"' in page and "诉求人不需要回复" in page
        assert "由人工登记的事项：" in page and "通报批评、重点督办" in page.partition("由人工登记的事项：")[2]
        await console.post(f"/ledger/{silent[2]}/review", accept="yes", exemption="")
        page = await console.post(f"/ledger/{other[2]}/review", 422, accept="yes", exemption="no_reply_wanted")
        assert "选了“不计的情形”的，请点“不采纳”" in page
        page = await console.post(f"/ledger/{other[2]}/review", accept="no", exemption="no_reply_wanted")
        assert "不计的情形 诉求人不需要回复" in page
        page = await console.get("/scores", month="2026-11")
        assert "本月未报送接通数据" in page and "本月没有应计的工单" in page  # why a line has no data
    for number in (invented, valid):
        accepted = await office.request("POST", f"/ledger/{number}/review", "clerk", {"accept": True})
        assert accepted["state"] == "accepted", accepted.body
    lost = [await get_line(office, *place) for place in (
        ("U01", "diligence_reply"), ("U01", "diligence_truth"), ("M01", "diligence_record"),
    )]  # fmt: skip
    assert [line["deduction"] for line in lost] == ["1.00", "2.50", "2.00"]
    again = await office.request("POST", "/ledger-drafts", "clerk", {"month": "2026-11"})
    assert await list_drafts(office, "no_reply_repeat") == [] and again.status == 200  # decided is decided


async def test_a_sheet_with_deductions_says_that_nothing_was_due_to_be_closed_not_that_nothing_was_due(
    office: Office,
) -> None:
    await office.dispatch_ticket("JS0001")
    await office.advance("3d")  # signed by itself, too late
    assert (await get_line(office, "U01", "sign"))["deduction"] == "15.00"
    async with sign_in(office, "clerk") as console:
        page = await console.get("/scores", month="2026-11")
        assert '<span class="badge">没有到期应办结的工单</span>' in page and "无到期工单" not in page
