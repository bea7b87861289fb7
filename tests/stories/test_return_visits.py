"""Requesters are called back: what they say and leave out, and what a person does where no machine may decide."""

import pytest

from sandbox.telephone.behaviour import HangUp, answer_with
from tests.stories.office import REQUESTER, SATISFIED, Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def list_outcomes(office: Office) -> set[str]:
    """How the calls to the requester ended."""
    calls = await office.list_items("/calls", ticket="JS0001")
    return {call["outcome"] for call in calls if call["purpose"] == "visit"}


async def count_satisfaction(office: Office) -> tuple[int, int]:
    """Numerator and denominator of the unit's satisfaction."""
    return (await office.count_scores())["satisfaction"]


async def test_a_no_to_the_machine_is_provisional_and_a_persons_second_visit_decides_B42(office: Office) -> None:
    agent = await office.bind("HF01")
    office.phone(REQUESTER).answer_with(["1", "1", "1", "3", "3", "#"])
    await office.close_ticket("JS0001")
    await office.advance("6h")
    assert await office.state("JS0001") == "revisit_manual"
    task = await agent.expect("待人工回访：JS0001")
    assert "不满意" in task.text
    assert await count_satisfaction(office) == (0, 1)
    await office.act_refused("JS0001", "visit", "unit:U01", "forbidden", kind="manual", answer="satisfied")
    await office.act("JS0001", "visit", "agent", kind="manual", contacted="yes", resolved="resolved",
                     answer="basically_satisfied", note="诉求人表示已修好。")  # fmt: skip
    assert await office.state("JS0001") == "finalized"
    assert await count_satisfaction(office) == (1, 1)


@SQLITE
async def test_a_requester_who_hangs_up_half_way_is_called_once_more_FW21(office: Office) -> None:
    office.phone(REQUESTER).set_behaviours(answer_with(["1", "1", "2", "3", HangUp()]))
    await office.close_ticket("JS0001")
    await office.advance("30h")
    assert len(office.calls_to(REQUESTER)) == 2
    assert await list_outcomes(office) == {"partial"}
    assert await office.state("JS0001") in ("finalized", "revisit_manual")  # deemed, or drawn as a sample for people
    assert await count_satisfaction(office) == (1, 1)


@SQLITE
async def test_a_wrong_person_hears_an_apology_and_nothing_else(office: Office) -> None:
    office.phone(REQUESTER).answer_with(["1", "2"])
    await office.close_ticket("JS0001")
    await office.advance("30h")
    heard = office.phone(REQUESTER).heard
    assert "抱歉打扰" in heard and "路灯" not in heard and "满意" not in heard
    assert await list_outcomes(office) == {"wrong_person"}


@SQLITE
async def test_a_requester_who_wants_no_more_visits_is_never_called_again_FW33(office: Office) -> None:
    office.phone(REQUESTER).answer_with(["3"])
    await office.close_ticket("JS0001")
    await office.advance("6h")
    assert len(office.calls_to(REQUESTER)) == 1 and await office.state("JS0001") == "finalized"
    await office.close_ticket("JS0002")
    await office.advance("9d")
    assert len(office.calls_to(REQUESTER)) == 1 and await office.state("JS0002") == "finalized"


@SQLITE
async def test_a_requester_who_missed_the_call_can_call_back_and_answer_by_the_same_keys(office: Office) -> None:
    phone = office.phone(REQUESTER).ring_out()
    await office.close_ticket("JS0001")
    await office.advance("6h")
    assert len(office.calls_to(REQUESTER)) == 1 and await office.state("JS0001") == "revisit_auto"
    call = await phone.call_office(script=["0001#", "1", "1", "1", "1"])  # the ticket's last digits, then the visit
    await call.wait_until_over()
    await office.settle()
    assert "我们曾来电回访" in call.heard and "路灯" not in call.heard
    assert await office.state("JS0001") == "finalized"
    await office.advance("2d")
    assert len(office.calls_to(REQUESTER)) == 1  # they have answered; the planned second call is dropped


@SQLITE
async def test_nobody_is_visited_by_a_machine_about_a_confidential_matter(office: Office) -> None:
    agent = await office.bind("HF01")
    office.phone(REQUESTER).answer_with(SATISFIED)
    await office.close_ticket("JS0001", confidential=True)
    await office.advance("6h")
    await agent.expect("待人工回访：JS0001")
    assert office.calls_to(REQUESTER) == [] and await office.state("JS0001") == "revisit_manual"
