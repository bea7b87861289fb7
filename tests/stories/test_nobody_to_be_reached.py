"""An urgent matter, and nobody of the unit takes the telephone: the evidence becomes a draft that a person confirms (B46)."""

from tests.stories.office import Office


async def test_vain_attempts_to_reach_leader_and_liaison_become_a_ledger_draft_with_every_call_B46(
    office: Office,
) -> None:
    await office.dispatched("T9001", grade="urgent")
    await office.go("2h")
    drafts = [r for r in await office.items("/ledger", state="draft") if r["kind"] == "unreachable_event"]
    if not drafts:
        drafts = [r for r in await office.items("/ledger") if r["kind"] == "unreachable_event"]
    assert [d["unit"] for d in drafts] == ["U01"] and drafts[0]["tickets"] == ["T9001"]
    assert "分管领导" in drafts[0]["evidence"] and "联络员" in drafts[0]["evidence"]
    assert drafts[0]["evidence"].count("无人接听") >= 3
    costs = await office.ask("GET", "/calls/costs")
    assert costs["items"][0]["purpose"] == "notice" and costs["today"]["used"] >= 9
    confirmed = await office.ask("POST", f"/ledger/{drafts[0]['id']}/review", "clerk", {"accept": True})
    assert confirmed.status == 200, confirmed.body
