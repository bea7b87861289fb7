"""The stories with telephones, told again over every other live carrier that a rehearsal knows."""

from typing import Any

import pytest

from backend.domain.texts import Texts
from sandbox.carriers import list_carriers
from sandbox.telephone.behaviour import BUSY, Speech, answer_with
from tests.stories.office import REQUESTER, Office
from tests.stories.test_bridge import (
    test_after_the_button_is_pressed_both_telephones_ring_and_the_contact_is_recorded as bridged,
)
from tests.stories.test_return_visits import (
    test_a_no_to_the_machine_is_provisional_and_a_persons_second_visit_decides_B42 as visited_by_keys,
)
from tests.stories.test_return_visits import (
    test_a_requester_who_hangs_up_half_way_is_called_once_more_FW21 as hung_up,
)
from tests.stories.test_return_visits import (
    test_a_requester_who_missed_the_call_can_call_back_and_answer_by_the_same_keys as called_back,
)
from tests.stories.test_urgent_and_unopened import (
    test_an_urgent_ticket_is_called_about_at_once_and_key_2_with_the_pin_signs_it as signed,
)
from tests.stories.test_urgent_and_unopened import (
    test_key_1_confirms_receipt_and_signs_nothing as confirmed,
)
from tests.stories.test_urgent_and_unopened import (
    test_when_nobody_answers_the_next_contacts_are_called_and_then_a_person_gets_the_task_Q42 as unanswered,
)

pytestmark = [
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
    pytest.mark.parametrize("voice", list_carriers(), indirect=True),
]
STORIES = (bridged, visited_by_keys, hung_up, called_back, signed, confirmed, unanswered)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.removeprefix("test_")[:60])
async def test_a_story_holds_over_another_carrier(office: Office, voice: str, story) -> None:
    assert [one.name for one in office.application.built.drivers.carriers] == [voice]
    await story(office)
    made = office.simulator.phones.calls_made
    assert made and not any(call.sid.startswith("CA") for call in made)


async def test_who_is_busy_is_rung_again_FW20(office: Office, voice: str) -> None:
    office.phone("H101").set_behaviours(BUSY, answer_with(["1"]))
    await office.dispatch_ticket("JS0001", grade="urgent")
    await office.advance("30m")
    [call] = await office.list_items("/calls", ticket="JS0001")
    assert [dial["outcome"] for dial in call["dials"]] == ["busy", "confirmed"] and call["outcome"] == "confirmed"
    assert len(office.calls_to("H101")) == 2


async def test_a_return_visit_is_answered_by_speech_and_its_reason_is_recorded_B42(office: Office, voice: str) -> None:
    answers = [Speech(words) for words in ("方便", "是我", "没人联系", "还那样", "不太满意")]
    office.phone(REQUESTER).answer_with([*answers, "1", Speech("路灯还是不亮")])
    await office.close_ticket("JS0001")
    await office.advance("6h")
    [call] = [call for call in await office.list_items("/calls", ticket="JS0001") if call["purpose"] == "visit"]
    assert call["outcome"] == "completed" and await office.state("JS0001") == "revisit_manual"
    assert call["dials"][0]["recorded"], "the recording came as a report of its own"


@pytest.mark.parametrize("order", ["doubled"])
async def test_reports_that_come_twice_change_nothing_FW5(office: Office, voice: str, order: str) -> None:
    line: Any = office.simulator.carriers[voice]
    line.order = order
    office.phone("H101").answer_with(["1"])
    await office.dispatch_ticket("JS0001", grade="urgent")
    await office.advance("20m")
    [call] = await office.list_items("/calls", ticket="JS0001")
    assert (call["outcome"], len(call["dials"]), len(office.calls_to("H101"))) == ("confirmed", 1, 1)
    for one in [one for one in line.log if one.status is not None]:  # long after the call, word for word
        async with office.http.post(one.url, data=one.facts["body"], headers=one.facts["headers"]) as again:
            assert again.status < 500
    [again] = await office.list_items("/calls", ticket="JS0001")
    assert again == call


async def test_the_carrier_is_examined_by_the_doctor_and_named_in_readyz(office: Office, voice: str) -> None:
    [found] = await office.application.built.drivers.carriers[0].examine()
    assert found.health == "ok" and Texts().render(f"cli.check.{found.what}", **found.facts)
    assert office.application.services.providers[voice] == "rehearsed"
