"""Callers are rung back: what they say, what they leave out, and what a person does where a machine must not decide."""

import pytest

from sandbox.twilio.behaviour import HangUp, answer_with
from tests.stories.office import CALLER, Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
SATISFIED = ["1", "1", "1", "1", "1"]


async def closed(office: Office, no: str = "JS0001", **fields: object) -> None:
    """A petition that its unit has dealt with by its own system."""
    await office.dispatched(no, **fields)  # type: ignore[arg-type]
    await office.act(no, "sign", "unit:U01")
    await office.act(no, "close", "unit:U01", close_type="solved", text="已修复。", feedback="认可")
    await office.settle()


async def visits(office: Office) -> set[str]:
    """How the calls to the caller ended."""
    calls = await office.items("/calls", ticket="JS0001")
    return {call["outcome"] for call in calls if call["purpose"] == "visit"}


async def satisfaction(office: Office) -> tuple[int, int]:
    """Numerator and denominator of the unit's satisfaction."""
    sheet = (await office.ask("GET", "/scores", "clerk", month="2026-11", unit="U01"))["units"][0]
    line = next(one for one in sheet["lines"] if one["item"] == "satisfaction")
    return line["numerator"], line["denominator"]


async def test_a_no_to_the_machine_is_provisional_and_a_persons_second_visit_decides_B42(office: Office) -> None:
    agent = await office.bound("HF01")
    office.phone(CALLER).answer_with(["1", "1", "1", "3", "3", "#"])
    await closed(office)
    await office.go("6h")
    assert await office.state("JS0001") == "revisit_manual"
    task = await agent.expect("待人工回访：JS0001")
    assert "不满意" in task.text
    assert await satisfaction(office) == (0, 1)
    unit = await office.ask("POST", "/tickets/JS0001/acts", "unit:U01",
                            {"verb": "visit", "kind": "manual", "answer": "satisfied"})  # fmt: skip
    assert (unit.status, unit.code) == (403, "forbidden")
    await office.act("JS0001", "visit", "agent", kind="manual", contacted="yes", resolved="resolved",
                     answer="basically_satisfied", note="诉求人表示已修好。")  # fmt: skip
    assert await office.state("JS0001") == "finalized"
    assert await satisfaction(office) == (1, 1)


@SQLITE
async def test_a_requester_who_hangs_up_half_way_is_called_once_more_FW21(office: Office) -> None:
    office.phone(CALLER).set_behaviours(answer_with(["1", "1", "2", "3", HangUp()]))
    await closed(office)
    await office.go("30h")
    assert len(office.rung(CALLER)) == 2
    assert await visits(office) == {"partial"}
    assert await office.state("JS0001") in ("finalized", "revisit_manual")  # deemed, or drawn for people
    assert await satisfaction(office) == (1, 1)


@SQLITE
async def test_a_wrong_person_hears_an_apology_and_nothing_else(office: Office) -> None:
    office.phone(CALLER).answer_with(["1", "2"])
    await closed(office)
    await office.go("30h")
    heard = office.phone(CALLER).heard
    assert "抱歉打扰" in heard and "路灯" not in heard and "满意" not in heard
    assert await visits(office) == {"wrong_person"}


@SQLITE
async def test_a_requester_who_wants_no_more_visits_is_never_called_again_FW33(office: Office) -> None:
    office.phone(CALLER).answer_with(["3"])
    await closed(office)
    await office.go("6h")
    assert len(office.rung(CALLER)) == 1 and await office.state("JS0001") == "finalized"
    await closed(office, "JS0002")
    await office.go("9d")
    assert len(office.rung(CALLER)) == 1 and await office.state("JS0002") == "finalized"


@SQLITE
async def test_a_requester_who_missed_the_call_can_call_back_and_answer_by_the_same_keys(office: Office) -> None:
    phone = office.phone(CALLER).ring_out()
    await closed(office)
    await office.go("6h")
    assert len(office.rung(CALLER)) == 1 and await office.state("JS0001") == "revisit_auto"
    call = await phone.call_office(
        script=["0001#", "1", "1", "1", "1"]
    )  # the tail of his ticket's number, then the visit
    await call.wait_until_over()
    await office.settle()
    assert "我们曾来电回访" in call.heard and "路灯" not in call.heard
    assert await office.state("JS0001") == "finalized"
    await office.go("2d")
    assert len(office.rung(CALLER)) == 1  # he has answered; the planned second try is dropped


@SQLITE
async def test_nobody_is_visited_by_a_machine_about_a_confidential_matter(office: Office) -> None:
    agent = await office.bound("HF01")
    office.phone(CALLER).answer_with(SATISFIED)
    await closed(office, confidential=True)
    await office.go("6h")
    await agent.expect("待人工回访：JS0001")
    assert office.rung(CALLER) == [] and await office.state("JS0001") == "revisit_manual"
