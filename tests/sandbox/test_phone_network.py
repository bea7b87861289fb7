"""The twilio library, unmodified, talks to our account; people pick up, press and speak."""

import asyncio
import io
import wave
from datetime import timedelta

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from sandbox.faults import Fault
from sandbox.simulator import Simulator
from sandbox.twilio.behaviour import HangUp, Keys, Prompt, Speech
from sandbox.twilio.handset import Phone
from sandbox.twilio.model import HookUrl
from sandbox.twilio.webhooks import CallbackOrder
from tests.sandbox.conftest import AUTH, OWN, SID, Office, Ring

LI = "+8613800001234"
WANG = "+8613900005678"


def say(words: str) -> VoiceResponse:
    answer = VoiceResponse()
    answer.say(words, language="zh-CN")
    return answer


def menu(words: str, **facts: object) -> VoiceResponse:
    answer = VoiceResponse()
    gather = Gather(
        **{"input": "dtmf speech", "num_digits": 1, "action": "/hooks/twilio/key", "language": "cmn-Hans-CN", **facts}
    )
    gather.say(words, language="zh-CN")
    answer.append(gather)
    answer.say("没有听到您的回答，再见。", language="zh-CN")
    return answer


STATUS = ["initiated", "ringing", "answered", "completed"]


async def test_a_notification_call_is_answered_by_thumb(
    town: Simulator, office: Office, ring: Ring, twilio: Client
) -> None:
    office.pages |= {"voice": menu("确认收到请按1"), "key": say("已记录，再见。"), "status": ""}
    phone = town.phones.get_phone("13800001234").answer_with(["1"])
    made = await ring(LI, status_callback=f"{office.url}/hooks/twilio/status?letter=7", status_callback_event=STATUS)
    assert made.status == "queued" and made.sid.startswith("CA")
    await town.settle()
    assert phone.heard == "确认收到请按1\n已记录，再见。"
    assert office.said("key")[0]["Digits"] == "1"
    told = office.said("status")
    assert [one["CallStatus"] for one in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert [one["SequenceNumber"] for one in told] == ["0", "1", "2", "3"]
    assert int(told[-1]["CallDuration"]) >= 3
    assert all(valid for _, _, valid in office.asked), "every hook carries a signature RequestValidator accepts"
    fetched = await twilio.calls(made.sid).fetch_async()
    assert (fetched.status, fetched.to, fetched.direction) == ("completed", LI, "outbound-api")
    assert int(fetched.duration) == int(told[-1]["CallDuration"]) and fetched.end_time > fetched.start_time
    assert town.list_violations() == []


async def test_calls_are_listed_by_number_and_time(town: Simulator, office: Office, ring: Ring, twilio: Client) -> None:
    office.pages["voice"] = say("好")
    for number in (LI, WANG, LI):
        await ring(number)
    await town.settle()
    since = town.now()
    assert [one.to for one in await twilio.calls.list_async(to=LI, start_time_after=since)] == [LI, LI]
    assert len(await twilio.calls.list_async(status="no-answer", page_size=2)) == 3
    later = since.replace(year=2027)
    assert await twilio.calls.list_async(to=LI, start_time_after=later) == []
    assert len(await twilio.calls.list_async(start_time_before=later, start_time=since.date())) == 3
    assert [call.to for call in town.phones.calls_made] == [LI, WANG, LI]


REFUSED = [
    ({"to": ""}, 21201), ({"to": "13800001234"}, 21211), ({"to": "+86138"}, 21211), ({"to": "+12"}, 21211),
    ({"from_": "12345"}, 21212), ({"from_": LI}, 21210), ({"from_": ""}, 21213), ({"url": "not a url"}, 21205),
    ({"url": "ftp://x.cn/"}, 21205), ({"url": ""}, 21205), ({"method": "PUT"}, 21206), ({"timeout": 0}, 21208),
    ({"status_callback": "x"}, 21205), ({"status_callback_event": ["answerd"]}, 21626),
    ({"machine_detection": "Maybe"}, 20001),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "code"), REFUSED, ids=range(len(REFUSED)))
async def test_FW23_bad_calls_are_refused_with_twilios_codes(town: Simulator, ring: Ring, facts, code) -> None:
    with pytest.raises(TwilioRestException) as caught:
        await ring(**{"to": LI, **facts})
    assert (caught.value.code, caught.value.status) == (code, 400)
    assert len(town.list_violations()) == 1 and not town.phones.calls_made


async def test_FW23_a_number_can_be_made_unreachable_for_ever(town: Simulator, ring: Ring) -> None:
    town.phones.refusals[LI] = 21216
    with pytest.raises(TwilioRestException) as caught:
        await ring(LI)
    assert caught.value.code == 21216 and town.list_violations() == []


async def test_a_wrong_token_is_refused(town: Simulator, base: str) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": aiohttp.encode_basic_auth(SID, "wrong")}) as http:
        answer = await http.get(f"{base}/sandbox/twilio/2010-04-01/Accounts/{SID}.json")
        assert (answer.status, (await answer.json())["code"]) == (401, 20003)


async def test_the_account_can_be_looked_at(twilio: Client, town: Simulator) -> None:
    assert (await twilio.api.v2010.accounts(SID).fetch_async()).status == "active"


OUTCOMES = [
    (Phone.be_busy, "busy"),
    (Phone.ring_out, "no-answer"),
    (Phone.be_unreachable, "failed"),
    (Phone.reject_calls, "busy"),
]


@pytest.mark.parametrize(("way", "status"), OUTCOMES)
async def test_FW20_nobody_takes_the_call(
    town: Simulator, office: Office, ring: Ring, twilio: Client, way, status
) -> None:
    office.pages["status"] = ""
    way(town.phones.get_phone(LI))
    made = await ring(LI, status_callback=f"{office.url}/hooks/twilio/status")
    await town.settle()
    assert [one["CallStatus"] for one in office.said("status")] == [status]
    assert office.said("status")[0]["CallDuration"] == "0" and office.said("voice") == []
    assert (await twilio.calls(made.sid).fetch_async()).status == status


@pytest.mark.parametrize(
    ("detection", "found"), [("Enable", "machine_start"), ("DetectMessageEnd", "machine_end_beep"), (None, None)]
)
async def test_FW19_a_machine_answers(town: Simulator, office: Office, ring: Ring, detection, found) -> None:
    office.pages |= {"voice": menu("确认收到请按1")}
    town.phones.get_phone(LI).be_machine()
    await ring(LI, **({"machine_detection": detection} if detection else {}))
    await town.settle()
    assert office.said("voice")[0].get("AnsweredBy") == found and office.said("key") == []


async def test_FW19_detection_beside_the_call_is_reported_apart(town: Simulator, office: Office, ring: Ring) -> None:
    office.pages |= {"voice": say("好"), "amd": ""}
    town.phones.get_phone(LI).be_machine("fax")
    hook = f"{office.url}/hooks/twilio/amd"
    await ring(LI, machine_detection="Enable", async_amd="true", async_amd_status_callback=hook)
    await town.settle()
    assert office.said("amd")[0]["AnsweredBy"] == "fax" and "AnsweredBy" not in office.said("voice")[0]


async def test_a_survey_is_answered_by_speech_keys_and_silence(town: Simulator, office: Office, ring: Ring) -> None:
    steps = iter(["方便接听吗", "解决了吗", "满意吗", "说明原因"])

    def key(form: dict[str, str]) -> VoiceResponse:
        step = next(steps, None)
        return menu(step, action_on_empty_result=True) if step else say("再见")

    office.pages |= {"voice": menu("您好"), "key": key}
    heard: list[Prompt] = []

    def person(prompt: Prompt):
        heard.append(prompt)
        return {"您好": "1", "方便接听吗": Speech("方便", 0.81), "解决了吗": None, "满意吗": Keys("3")}.get(
            prompt.text, HangUp()
        )

    town.phones.get_phone(LI).answer_with(person)
    await ring(LI)
    await town.settle()
    assert [one.text for one in heard] == ["您好", "方便接听吗", "解决了吗", "满意吗", "说明原因"]
    one, two, three, four = office.said("key")
    assert one["Digits"] == "1"
    assert (two["SpeechResult"], two["Confidence"]) == ("方便", "0.81") and "Digits" not in two
    assert three["Digits"] == "" and four["Digits"] == "3"
    call = town.phones.calls_made[0]
    assert call.status == "completed" and call.seconds >= 10, "the length is simulated, nobody waited"


async def test_FW21_a_hang_up_ends_the_call_at_once(town: Simulator, office: Office, ring: Ring) -> None:
    office.pages |= {"voice": menu("满意吗"), "status": ""}
    town.phones.get_phone(LI).answer_with([HangUp()])
    await ring(LI, status_callback=f"{office.url}/hooks/twilio/status")
    await town.settle()
    assert office.said("key") == [] and office.said("status")[0]["CallStatus"] == "completed"


async def test_digits_end_at_the_finishing_key(town: Simulator, office: Office, ring: Ring) -> None:
    office.pages |= {"voice": menu("请输入四位签收密码", num_digits=6), "key": say("好")}
    town.phones.get_phone(LI).answer_with(["1234#99"])
    await ring(LI)
    await town.settle()
    assert office.said("key")[0]["Digits"] == "1234"


async def test_a_handset_in_the_hand_rings_hears_presses_and_speaks(
    town: Simulator, office: Office, ring: Ring
) -> None:
    pages = iter([menu("请再按一次"), menu("请说"), say("再见。")])
    office.pages |= {"voice": menu("您好，按1", timeout=30), "key": lambda form: next(pages)}
    phone = town.phones.get_phone(LI).operate_by_hand()
    await ring(LI)
    call = await phone.wait_for_ring()
    assert call.call.status == "ringing"
    call.answer()
    await call.wait_to_hear("按1")
    call.press("1")
    await call.wait_to_hear("再按一次")
    call.say("是我", confidence=0.4)
    await call.wait_to_hear("请说")
    call.stay_silent()
    await call.wait_to_hear("没有听到您的回答")
    assert await call.wait_until_over() == "completed"
    assert [(one.get("Digits"), one.get("SpeechResult")) for one in office.said("key")] == [("1", None), (None, "是我")]
    await ring(LI)
    (await phone.wait_for_ring()).reject()
    await ring(LI)
    third = await phone.wait_for_ring()
    third.answer()
    await third.wait_to_hear("按1")
    third.hang_up()
    assert await third.wait_until_over() == "completed"
    assert [call.status for call in town.phones.calls_made] == ["completed", "busy", "completed"]


async def test_a_ringing_handset_gives_up_after_its_timeout(town: Simulator, ring: Ring) -> None:
    phone = town.phones.get_phone(LI).operate_by_hand()
    await ring(LI, timeout=1)
    assert await (await phone.wait_for_ring()).wait_until_over() == "no-answer"


async def test_calls_can_be_ended_from_outside(town: Simulator, office: Office, ring: Ring, twilio: Client) -> None:
    office.pages["voice"] = menu("按1")
    phone = town.phones.get_phone(LI).operate_by_hand()
    first = await ring(LI)
    live = await phone.wait_for_ring()
    await twilio.calls(first.sid).update_async(status="canceled")
    assert await live.wait_until_over() == "canceled"
    second = await ring(LI)
    live = await phone.wait_for_ring()
    live.answer()
    await live.wait_to_hear("按1")
    await twilio.calls(second.sid).update_async(status="completed")
    assert await live.wait_until_over() == "completed"
    with pytest.raises(TwilioRestException) as caught:
        await twilio.calls(second.sid).update_async(status="completed")
    assert caught.value.code == 21220


async def test_words_are_recorded_and_the_recording_plays(
    town: Simulator, office: Office, ring: Ring, base: str
) -> None:
    voice = say("请说原因")
    voice.record(
        action="/hooks/twilio/recorded",
        max_length=60,
        finish_on_key="#",
        recording_status_callback="/hooks/twilio/kept",
    )
    office.pages |= {"voice": voice, "recorded": say("谢谢"), "kept": ""}
    phone = town.phones.get_phone(LI).answer_with([Speech("没有人来过")])
    await ring(LI)
    await town.settle()
    got = office.said("recorded")[0]
    assert got["Digits"] == "" and int(got["RecordingDuration"]) >= 2 and "谢谢" in phone.heard
    assert office.said("kept")[0]["RecordingStatus"] == "completed"
    assert town.phones.recordings[got["RecordingSid"]].words == "没有人来过"
    url = got["RecordingUrl"].replace(office.url, base)
    async with aiohttp.ClientSession(headers={"Authorization": aiohttp.encode_basic_auth(SID, AUTH)}) as http:
        sound = await (await http.get(url + ".wav")).read()
    with wave.open(io.BytesIO(sound)) as opened:
        assert opened.getnframes() == 8000 * int(got["RecordingDuration"])
    phone.answer_with(["#"])
    await ring(LI)
    await town.settle()
    assert office.said("recorded")[1]["Digits"] == "#"
    phone.operate_by_hand()
    await ring(LI)
    live = await phone.wait_for_ring()
    live.answer()
    await live.wait_to_hear("请说原因")
    live.say("没人")
    await asyncio.sleep(0.02)
    live.hang_up()
    await live.wait_until_over()
    assert office.said("recorded")[2]["Digits"] == "hangup"
    phone.answer_with([])
    await ring(LI)
    await town.settle()
    assert len(office.said("recorded")) == 3, "a recording of nothing calls no action"


async def test_two_people_are_joined(town: Simulator, office: Office, ring: Ring) -> None:
    voice = say("正在为您接通诉求人")
    attempt = Dial(caller_id=OWN, record="record-from-answer", action="/hooks/twilio/joined", timeout=20)
    attempt.number(
        WANG,
        url="/hooks/twilio/whisper",
        status_callback="/hooks/twilio/leg",
        status_callback_event="answered completed",
    )
    voice.append(attempt)
    office.pages |= {"voice": voice, "joined": say("再见"), "whisper": say("通话将录音"), "leg": ""}
    town.phones.get_phone(LI).answer_with()
    caller = town.phones.get_phone(WANG).answer_with()
    await ring(LI)
    await town.settle()
    joined = office.said("joined")[0]
    assert joined["DialCallStatus"] == "completed" and int(joined["DialCallDuration"]) >= 20 and joined["RecordingUrl"]
    assert caller.heard == "通话将录音" and caller.calls[0].call.caller == OWN
    assert [one["CallStatus"] for one in office.said("leg")] == ["in-progress", "completed"]
    caller.be_busy()
    await ring(LI)
    await town.settle()
    assert office.said("joined")[1]["DialCallStatus"] == "busy"
    town.phones.get_phone(LI).operate_by_hand()
    caller.operate_by_hand()
    await ring(LI)
    first = await town.phones.get_phone(LI).wait_for_ring()
    first.answer()
    second = await caller.wait_for_ring()
    second.answer()
    await second.wait_to_hear("录音")
    await asyncio.sleep(0.05)
    first.say("您好，我是街道的")
    await second.wait_to_hear("我是街道的")
    second.hang_up()
    await first.wait_to_hear("再见")


async def test_people_call_the_office(town: Simulator, office: Office) -> None:
    office.pages |= {"inbound": menu("您好，请按1"), "key": say("好的")}
    town.phones.inbound = HookUrl(f"{office.url}/hooks/twilio/inbound")
    call = await town.phones.get_phone(LI).call_office(caller_id="+8610012345")
    await call.wait_to_hear("请按1")
    call.press("1")
    await call.wait_to_hear("好的")
    assert await call.wait_until_over() == "completed"
    asked = office.said("inbound")[0]
    assert (asked["From"], asked["To"], asked["Direction"], asked["CallStatus"]) == (
        "+8610012345",
        OWN,
        "inbound",
        "ringing",
    )
    await town.phones.get_phone(LI).call_office(script=["1"])
    await town.settle()
    assert len(office.said("key")) == 2 and town.phones.calls_made == []


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
async def test_FW13_bad_twiml_fails_the_call_and_is_listed(
    town: Simulator, office: Office, ring: Ring, document, code
) -> None:
    office.pages["voice"] = document
    phone = town.phones.get_phone(LI).answer_with()
    await ring(LI)
    await town.settle()
    assert [one.code for one in town.phones.violations] == [code]
    assert "application error" in phone.heard and town.phones.calls_made[0].status == "completed"


async def test_FW11_the_fallback_answers_for_a_broken_hook(town: Simulator, office: Office, ring: Ring) -> None:
    office.pages["spare"] = say("请稍后再试")
    phone = town.phones.get_phone(LI).answer_with()
    await ring(LI, page="missing", fallback_url=f"{office.url}/hooks/twilio/spare")
    await town.settle()
    assert phone.heard == "请稍后再试" and office.said("spare")[0]["ErrorCode"] == "11200"


async def test_FW5_FW6_status_callbacks_can_be_disturbed(town: Simulator, office: Office, ring: Ring) -> None:
    office.pages |= {"voice": say("好"), "status": ""}
    town.phones.get_phone(LI).answer_with()
    facts = {"status_callback": f"{office.url}/hooks/twilio/status", "status_callback_event": STATUS}

    async def words(order: CallbackOrder, lose: frozenset[str] = frozenset()) -> list[str]:
        office.asked.clear()
        town.phones.webhooks.order, town.phones.webhooks.lost_statuses = order, lose
        await ring(LI, **facts)
        await town.settle()
        return [one["CallStatus"] for one in office.said("status")]

    assert await words(CallbackOrder.REVERSED) == ["completed", "in-progress", "ringing", "initiated"]
    assert await words(CallbackOrder.DOUBLED) == [
        one for one in ("initiated", "ringing", "in-progress", "completed") for _ in "ab"
    ]
    assert await words(CallbackOrder.ORDERED, frozenset({"completed"})) == ["initiated", "ringing", "in-progress"]


async def test_FW7_a_voice_url_can_be_fetched_twice(town: Simulator, office: Office, ring: Ring) -> None:
    office.pages["voice"] = say("好")
    town.phones.webhooks.fetch_twice = True
    phone = town.phones.get_phone(LI).answer_with()
    await ring(LI)
    await town.settle()
    assert len(office.said("voice")) == 2 and phone.heard == "好"


async def test_hooks_by_get_are_signed_over_the_whole_address(town: Simulator, office: Office, ring: Ring) -> None:
    office.pages["voice"] = say("好")
    town.phones.get_phone(LI).answer_with()
    await ring(LI, page="voice?letter=7", method="GET")
    await town.settle()
    assert office.asked[0][2] is True and town.list_violations() == []


FAULTS = [
    (Fault.SERVER_ERROR, 500, 0),
    (Fault.TOO_MANY, 429, 0),
    (Fault.UNAVAILABLE, 503, 0),
    (Fault.CUT_AFTER, None, 1),
    (Fault.CUT_BEFORE, None, 0),
]


@pytest.mark.parametrize(("fault", "status", "made"), FAULTS)
async def test_FW14_FW15_creating_a_call_can_fail_in_many_ways(
    town: Simulator, ring: Ring, fault, status, made
) -> None:
    town.phones.faults.plan_next(fault, where="Calls.json")
    with pytest.raises((TwilioRestException, aiohttp.ClientError)) as caught:
        await ring(LI)
    assert getattr(caught.value, "status", None) == status
    await town.settle()
    assert len(town.phones.calls_made) == made


async def test_FW18_calls_above_the_pace_are_refused_when_asked(town: Simulator, ring: Ring) -> None:
    town.phones.calls_per_second = 1
    await ring(LI)
    with pytest.raises(TwilioRestException) as caught:
        await ring(LI)
    assert caught.value.code == 20429


async def test_text_messages_arrive(town: Simulator, office: Office, twilio: Client) -> None:
    office.pages["status"] = ""
    sent = await twilio.messages.create_async(
        to=LI, from_=OWN, body="【热线】您单位有一件工单", status_callback=f"{office.url}/hooks/twilio/status"
    )
    await town.settle()
    assert sent.status == "queued" and town.phones.get_phone(LI).sms[0].body.startswith("【热线】")
    assert sorted(one["MessageStatus"] for one in office.said("status")) == ["delivered", "sent"]
    with pytest.raises(TwilioRestException) as caught:
        await twilio.messages.create_async(to=LI, from_=OWN, body="字" * 1601)
    assert caught.value.code == 21617


async def test_an_engaged_phone_is_busy_when_it_has_no_call_waiting(
    town: Simulator, office: Office, ring: Ring
) -> None:
    town.phones.call_waiting = False
    phone = town.phones.get_phone(LI).operate_by_hand()
    await ring(LI)
    live = await phone.wait_for_ring()
    await ring(LI)
    await town.settle()
    assert town.phones.calls_made[1].status == "busy"
    live.reject()


async def test_a_telephone_nobody_takes_stops_ringing_when_the_clock_is_moved_past_its_patience(
    town: Simulator, office: Office, ring: Ring, twilio: Client
) -> None:
    office.pages |= {"voice": menu("确认收到请按1")}
    phone = town.phones.get_phone(LI).operate_by_hand()
    made = await ring(LI, timeout=30)
    await phone.wait_for_ring()
    now = town.phones.now()
    town.phones.now = lambda: now + timedelta(seconds=31)
    async with asyncio.timeout(5):
        while (await twilio.calls(made.sid).fetch_async()).status != "no-answer":
            await asyncio.sleep(0.02)


async def test_the_end_of_a_ring_is_known_beforehand_so_that_a_moved_clock_can_stop_there(
    town: Simulator, office: Office, ring: Ring
) -> None:
    office.pages |= {"voice": menu("确认收到请按1")}
    assert town.phones.find_next_ring_out(town.phones.now()) is None
    phone = town.phones.get_phone(LI).operate_by_hand()
    before = town.phones.now()
    await ring(LI, timeout=30)
    call = await phone.wait_for_ring()
    end = town.phones.find_next_ring_out(before)
    assert end is not None and timedelta(seconds=29) < end - before < timedelta(seconds=40)
    assert town.phones.find_next_ring_out(end) is None
    call.reject()
    await town.settle()
    assert town.phones.find_next_ring_out(before) is None
