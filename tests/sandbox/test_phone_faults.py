"""What the simulated voice carrier refuses, and how it can fail and disturb, as the twilio library reports it."""

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox.faults import Fault
from sandbox.simulator import Simulator
from sandbox.twilio.webhooks import CallbackOrder
from tests.sandbox.conftest import LI, CreateCall, FakeOffice
from tests.sandbox.twiml import build_say
from tests.simulated_networks import TWILIO_SID

STATUS_EVENTS = ["initiated", "ringing", "answered", "completed"]
REFUSED = [
    ({"to": ""}, 21201), ({"to": "13800001234"}, 21211), ({"to": "+86138"}, 21211), ({"to": "+12"}, 21211),
    ({"from_": "12345"}, 21212), ({"from_": LI}, 21210), ({"from_": ""}, 21213), ({"url": "not a url"}, 21205),
    ({"url": "ftp://x.cn/"}, 21205), ({"url": ""}, 21205), ({"method": "PUT"}, 21206), ({"timeout": 0}, 21208),
    ({"status_callback": "x"}, 21205), ({"status_callback_event": ["answerd"]}, 21626),
    ({"machine_detection": "Maybe"}, 20001),
]  # fmt: skip


@pytest.mark.parametrize(("options", "code"), REFUSED, ids=range(len(REFUSED)))
@pytest.mark.violates
async def test_invalid_calls_are_refused_with_twilios_codes_FW23(
    simulator: Simulator, create_call: CreateCall, options, code
) -> None:
    with pytest.raises(TwilioRestException) as caught:
        await create_call(**{"to": LI, **options})
    assert (caught.value.code, caught.value.status) == (code, 400)
    assert len(simulator.list_violations()) == 1 and not simulator.phones.calls_made


async def test_a_number_can_be_refused_for_good_FW23(simulator: Simulator, create_call: CreateCall) -> None:
    simulator.phones.refusals[LI] = 21216
    with pytest.raises(TwilioRestException) as caught:
        await create_call(LI)
    assert caught.value.code == 21216 and simulator.list_violations() == []


@pytest.mark.violates
async def test_a_wrong_token_is_refused(simulator: Simulator, base_url: str) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": aiohttp.encode_basic_auth(TWILIO_SID, "wrong")}) as http:
        answer = await http.get(f"{base_url}/sandbox/twilio/2010-04-01/Accounts/{TWILIO_SID}.json")
        assert (answer.status, (await answer.json())["code"]) == (401, 20003)


BAD_DOCUMENTS = [
    ("<Response><Say>x</Response>", 12100),
    ("<Response><Shout>x</Shout></Response>", 12100),
    ("<Antwort/>", 12100),
    ("plain words", 12100),
    ("<Response><Gather numDigits='0'/></Response>", 12200),
    ("<Response><Gather digits='1'/></Response>", 12200),
    ("<Response><Say language='klingon'>x</Say></Response>", 12200),
    ("<Response><Say></Say></Response>", 13520),
    ("<Response><Say>" + "字" * 4097 + "</Say></Response>", 13520),
    ("<Response><Say>\x0b</Say></Response>", 12100),
    ("<!DOCTYPE x [<!ENTITY e 'e'>]><Response><Say>&e;</Say></Response>", 12100),
    ("<Response><Gather><Record/></Gather></Response>", 12100),
    ("<Response><Redirect/></Response>", 12200),
    ("<Response>" + "<Pause/>" * 9000 + "</Response>", 11750),
]


@pytest.mark.parametrize(("document", "code"), BAD_DOCUMENTS, ids=range(len(BAD_DOCUMENTS)))
@pytest.mark.violates
async def test_invalid_twiml_fails_the_call_and_is_a_violation_FW13(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, document, code
) -> None:
    office.answers["voice"] = document
    phone = simulator.phones.get_phone(LI).answer_with()
    await create_call(LI)
    await simulator.settle()
    assert [violation.code for violation in simulator.phones.violations] == [code]
    assert "application error" in phone.heard and simulator.phones.calls_made[0].status == "completed"


@pytest.mark.violates
async def test_the_fallback_answers_for_a_broken_webhook_FW11(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    office.answers["spare"] = build_say("请稍后再试")
    phone = simulator.phones.get_phone(LI).answer_with()
    await create_call(LI, webhook="missing", fallback_url=office.url_of("spare"))
    await simulator.settle()
    assert phone.heard == "请稍后再试" and office.list_received("spare")[0]["ErrorCode"] == "11200"


async def test_status_callbacks_can_be_reversed_doubled_and_lost_FW5_FW6(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    office.answers |= {"voice": build_say("好"), "status": ""}
    simulator.phones.get_phone(LI).answer_with()
    options = {"status_callback": office.url_of("status"), "status_callback_event": STATUS_EVENTS}

    async def list_statuses(order: CallbackOrder, lose: frozenset[str] = frozenset()) -> list[str]:
        office.received.clear()
        simulator.phones.webhooks.order, simulator.phones.webhooks.lost_statuses = order, lose
        await create_call(LI, **options)
        await simulator.settle()
        return [form["CallStatus"] for form in office.list_received("status")]

    assert await list_statuses(CallbackOrder.REVERSED) == ["completed", "in-progress", "ringing", "initiated"]
    assert await list_statuses(CallbackOrder.DOUBLED) == [
        status for status in ("initiated", "ringing", "in-progress", "completed") for _ in range(2)
    ]
    assert await list_statuses(CallbackOrder.ORDERED, frozenset({"completed"})) == [
        "initiated",
        "ringing",
        "in-progress",
    ]


async def test_a_webhook_can_be_fetched_twice_FW7(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    office.answers["voice"] = build_say("好")
    simulator.phones.webhooks.fetch_twice = True
    phone = simulator.phones.get_phone(LI).answer_with()
    await create_call(LI)
    await simulator.settle()
    assert len(office.list_received("voice")) == 2 and phone.heard == "好"


FAULTS = [
    (Fault.SERVER_ERROR, 500, 0),
    (Fault.TOO_MANY, 429, 0),
    (Fault.UNAVAILABLE, 503, 0),
    (Fault.CUT_AFTER, None, 1),
    (Fault.CUT_BEFORE, None, 0),
]


@pytest.mark.parametrize(("fault", "status", "made"), FAULTS)
async def test_creating_a_call_can_fail_in_many_ways_FW14_FW15(
    simulator: Simulator, create_call: CreateCall, fault, status, made
) -> None:
    simulator.phones.faults.plan_next(fault, where="Calls.json")
    with pytest.raises((TwilioRestException, aiohttp.ClientError)) as caught:
        await create_call(LI)
    assert getattr(caught.value, "status", None) == status
    await simulator.settle()
    assert len(simulator.phones.calls_made) == made


async def test_calls_above_the_rate_limit_can_be_refused_FW18(simulator: Simulator, create_call: CreateCall) -> None:
    simulator.phones.calls_per_second = 1
    await create_call(LI)
    with pytest.raises(TwilioRestException) as caught:
        await create_call(LI)
    assert caught.value.code == 20429
