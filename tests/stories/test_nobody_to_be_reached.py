"""In an urgent matter nobody of the unit answers: the evidence becomes a ledger draft that a person confirms (B46)."""

from tests.stories.office import Office


async def test_when_neither_leader_nor_liaison_answers_a_ledger_draft_lists_every_call_B46(
    office: Office,
) -> None:
    await office.dispatch_ticket("T9001", grade="urgent")
    await office.advance("2h")
    drafts = [r for r in await office.list_items("/ledger", state="draft") if r["kind"] == "unreachable_event"]
    assert [d["unit"] for d in drafts] == ["U01"] and drafts[0]["tickets"] == ["T9001"]
    assert "分管领导" in drafts[0]["evidence"] and "联络员" in drafts[0]["evidence"]
    assert drafts[0]["evidence"].count("无人接听") >= 3
    costs = await office.request("GET", "/calls/costs")
    assert costs["items"][0]["purpose"] == "notice" and costs["today"]["used"] >= 9
    confirmed = await office.request("POST", f"/ledger/{drafts[0]['id']}/review", "clerk", {"accept": True})
    assert confirmed.status == 200, confirmed.body
