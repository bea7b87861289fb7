"""The twilio library, unmodified, talks to the simulated account: calls placed, taken, missed, listed and ended; SMS."""

import asyncio
from datetime import timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from sandbox.simulator import Simulator
from sandbox.telephone.handset import Phone
from sandbox.telephone.model import HookUrl
from tests.sandbox.conftest import LI, WANG, CreateCall, FakeOffice
from tests.sandbox.twiml import build_menu, build_say
from tests.simulated_networks import OWN_NUMBER, TWILIO_SID

STATUS_EVENTS = ["initiated", "ringing", "answered", "completed"]


async def test_a_notice_is_answered_by_a_key_press_and_every_webhook_is_signed(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, twilio: Client
) -> None:
    office.answers |= {"voice": build_menu("确认收到请按1"), "key": build_say("已记录，再见。"), "status": ""}
    phone = simulator.phones.get_phone("13800001234").answer_with(["1"])
    made = await create_call(LI, status_callback=office.url_of("status?call=7"), status_callback_event=STATUS_EVENTS)
    assert made.status == "queued" and made.sid.startswith("CA")
    await simulator.settle()
    assert phone.heard == "确认收到请按1\n已记录，再见。"
    assert office.list_received("key")[0]["Digits"] == "1"
    statuses = office.list_received("status")
    assert [form["CallStatus"] for form in statuses] == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in statuses] == ["0", "1", "2", "3"]
    assert int(statuses[-1]["CallDuration"]) >= 3
    assert all(valid for _, _, valid in office.received), "every webhook carries a signature RequestValidator accepts"
    fetched = await twilio.calls(made.sid).fetch_async()
    assert (fetched.status, fetched.to, fetched.direction) == ("completed", LI, "outbound-api")
    assert int(fetched.duration) == int(statuses[-1]["CallDuration"]) and fetched.end_time > fetched.start_time
    assert simulator.list_violations() == []


async def test_calls_are_listed_by_number_and_time(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, twilio: Client
) -> None:
    office.answers["voice"] = build_say("好")
    for number in (LI, WANG, LI):
        await create_call(number)
    await simulator.settle()
    since = simulator.now()
    assert [call.to for call in await twilio.calls.list_async(to=LI, start_time_after=since)] == [LI, LI]
    assert len(await twilio.calls.list_async(status="no-answer", page_size=2)) == 3
    later = since.replace(year=2027)
    assert await twilio.calls.list_async(to=LI, start_time_after=later) == []
    assert len(await twilio.calls.list_async(start_time_before=later, start_time=since.date())) == 3
    assert [call.to for call in simulator.phones.calls_made] == [LI, WANG, LI]


async def test_the_account_can_be_fetched(twilio: Client, simulator: Simulator) -> None:
    assert (await twilio.api.v2010.accounts(TWILIO_SID).fetch_async()).status == "active"


OUTCOMES = [
    (Phone.be_busy, "busy"),
    (Phone.ring_out, "no-answer"),
    (Phone.be_unreachable, "failed"),
    (Phone.reject_calls, "busy"),
]


@pytest.mark.parametrize(("behave", "status"), OUTCOMES)
async def test_a_call_that_nobody_takes_ends_with_its_status_FW20(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, twilio: Client, behave, status
) -> None:
    office.answers["status"] = ""
    behave(simulator.phones.get_phone(LI))
    made = await create_call(LI, status_callback=office.url_of("status"))
    await simulator.settle()
    assert [form["CallStatus"] for form in office.list_received("status")] == [status]
    assert office.list_received("status")[0]["CallDuration"] == "0" and office.list_received("voice") == []
    assert (await twilio.calls(made.sid).fetch_async()).status == status


@pytest.mark.parametrize(
    ("detection", "answered_by"), [("Enable", "machine_start"), ("DetectMessageEnd", "machine_end_beep"), (None, None)]
)
async def test_a_machine_that_answers_is_detected_if_that_was_asked_for_FW19(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, detection, answered_by
) -> None:
    office.answers |= {"voice": build_menu("确认收到请按1")}
    simulator.phones.get_phone(LI).be_machine()
    await create_call(LI, **({"machine_detection": detection} if detection else {}))
    await simulator.settle()
    assert office.list_received("voice")[0].get("AnsweredBy") == answered_by and office.list_received("key") == []


async def test_detection_in_parallel_is_reported_to_its_own_webhook_FW19(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    office.answers |= {"voice": build_say("好"), "amd": ""}
    simulator.phones.get_phone(LI).be_machine("fax")
    webhook = office.url_of("amd")
    await create_call(LI, machine_detection="Enable", async_amd="true", async_amd_status_callback=webhook)
    await simulator.settle()
    assert office.list_received("amd")[0]["AnsweredBy"] == "fax"
    assert "AnsweredBy" not in office.list_received("voice")[0]


async def test_a_ringing_handset_gives_up_after_its_timeout(simulator: Simulator, create_call: CreateCall) -> None:
    phone = simulator.phones.get_phone(LI).operate_by_hand()
    await create_call(LI, timeout=1)
    assert await (await phone.wait_for_ring()).wait_until_over() == "no-answer"


async def test_the_office_can_cancel_and_end_calls(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, twilio: Client
) -> None:
    office.answers["voice"] = build_menu("按1")
    phone = simulator.phones.get_phone(LI).operate_by_hand()
    first = await create_call(LI)
    live = await phone.wait_for_ring()
    await twilio.calls(first.sid).update_async(status="canceled")
    assert await live.wait_until_over() == "canceled"
    second = await create_call(LI)
    live = await phone.wait_for_ring()
    live.answer()
    await live.wait_to_hear("按1")
    await twilio.calls(second.sid).update_async(status="completed")
    assert await live.wait_until_over() == "completed"
    with pytest.raises(TwilioRestException) as caught:
        await twilio.calls(second.sid).update_async(status="completed")
    assert caught.value.code == 21220


async def test_people_call_the_office(simulator: Simulator, office: FakeOffice) -> None:
    office.answers |= {"inbound": build_menu("您好，请按1"), "key": build_say("好的")}
    simulator.phones.inbound = HookUrl(office.url_of("inbound"))
    call = await simulator.phones.get_phone(LI).call_office(caller_id="+8610012345")
    await call.wait_to_hear("请按1")
    call.press("1")
    await call.wait_to_hear("好的")
    assert await call.wait_until_over() == "completed"
    form = office.list_received("inbound")[0]
    assert (form["From"], form["To"]) == ("+8610012345", OWN_NUMBER)
    assert (form["Direction"], form["CallStatus"]) == ("inbound", "ringing")
    await simulator.phones.get_phone(LI).call_office(script=["1"])
    await simulator.settle()
    assert len(office.list_received("key")) == 2 and simulator.phones.calls_made == []


async def test_a_webhook_by_get_is_signed_over_the_whole_url(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    office.answers["voice"] = build_say("好")
    simulator.phones.get_phone(LI).answer_with()
    await create_call(LI, webhook="voice?call=7", method="GET")
    await simulator.settle()
    assert office.received[0][2] is True and simulator.list_violations() == []


@pytest.mark.violates
async def test_an_sms_arrives_and_one_too_long_is_refused(
    simulator: Simulator, office: FakeOffice, twilio: Client
) -> None:
    office.answers["status"] = ""
    sent = await twilio.messages.create_async(
        to=LI, from_=OWN_NUMBER, body="【热线】您单位有一件工单", status_callback=office.url_of("status")
    )
    await simulator.settle()
    assert sent.status == "queued" and simulator.phones.get_phone(LI).sms[0].body.startswith("【热线】")
    assert sorted(form["MessageStatus"] for form in office.list_received("status")) == ["delivered", "sent"]
    with pytest.raises(TwilioRestException) as caught:
        await twilio.messages.create_async(to=LI, from_=OWN_NUMBER, body="字" * 1601)
    assert caught.value.code == 21617


async def test_an_engaged_phone_is_busy_when_it_has_no_call_waiting(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    simulator.phones.call_waiting = False
    phone = simulator.phones.get_phone(LI).operate_by_hand()
    await create_call(LI)
    live = await phone.wait_for_ring()
    await create_call(LI)
    await simulator.settle()
    assert simulator.phones.calls_made[1].status == "busy"
    live.reject()


async def test_a_ringing_call_ends_when_the_clock_is_moved_past_its_timeout(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, twilio: Client
) -> None:
    office.answers |= {"voice": build_menu("确认收到请按1")}
    phone = simulator.phones.get_phone(LI).operate_by_hand()
    made = await create_call(LI, timeout=30)
    await phone.wait_for_ring()
    now = simulator.phones.now()
    simulator.phones.now = lambda: now + timedelta(seconds=31)
    async with asyncio.timeout(5):
        while (await twilio.calls(made.sid).fetch_async()).status != "no-answer":
            await asyncio.sleep(0.02)


async def test_the_end_of_ringing_is_known_beforehand_so_that_a_moved_clock_can_stop_there_XM17(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    office.answers |= {"voice": build_menu("确认收到请按1")}
    assert simulator.phones.find_next_ring_out(simulator.phones.now()) is None
    phone = simulator.phones.get_phone(LI).operate_by_hand()
    before = simulator.phones.now()
    await create_call(LI, timeout=30)
    call = await phone.wait_for_ring()
    end = simulator.phones.find_next_ring_out(before)
    assert end is not None and timedelta(seconds=29) < end - before < timedelta(seconds=40)
    assert simulator.phones.find_next_ring_out(end) is None
    call.reject()
    await simulator.settle()
    assert simulator.phones.find_next_ring_out(before) is None
