"""What people do during a simulated call: press, speak, hang up, record something, talk to each other."""

import asyncio
import io
import wave

import aiohttp
from twilio.twiml.voice_response import Dial, VoiceResponse

from sandbox.simulator import Simulator
from sandbox.telephone.behaviour import HangUp, Keys, Prompt, Speech
from tests.sandbox.conftest import LI, WANG, CreateCall, FakeOffice
from tests.sandbox.twiml import build_menu, build_say
from tests.simulated_networks import OWN_NUMBER, TWILIO_SID, TWILIO_TOKEN


async def test_a_visit_is_answered_by_speech_keys_and_silence(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    steps = iter(["方便接听吗", "解决了吗", "满意吗", "说明原因"])

    def key(form: dict[str, str]) -> VoiceResponse:
        step = next(steps, None)
        return build_menu(step, action_on_empty_result=True) if step else build_say("再见")

    office.answers |= {"voice": build_menu("您好"), "key": key}
    heard: list[Prompt] = []

    def answer(prompt: Prompt):
        heard.append(prompt)
        return {"您好": "1", "方便接听吗": Speech("方便", 0.81), "解决了吗": None, "满意吗": Keys("3")}.get(
            prompt.text, HangUp()
        )

    simulator.phones.get_phone(LI).answer_with(answer)
    await create_call(LI)
    await simulator.settle()
    assert [prompt.text for prompt in heard] == ["您好", "方便接听吗", "解决了吗", "满意吗", "说明原因"]
    first, second, third, fourth = office.list_received("key")
    assert first["Digits"] == "1"
    assert (second["SpeechResult"], second["Confidence"]) == ("方便", "0.81") and "Digits" not in second
    assert third["Digits"] == "" and fourth["Digits"] == "3"
    call = simulator.phones.calls_made[0]
    assert call.status == "completed" and call.seconds >= 10, "the length is simulated, nobody waited"


async def test_hanging_up_ends_the_call_at_once_FW21(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    office.answers |= {"voice": build_menu("满意吗"), "status": ""}
    simulator.phones.get_phone(LI).answer_with([HangUp()])
    await create_call(LI, status_callback=office.url_of("status"))
    await simulator.settle()
    assert office.list_received("key") == [] and office.list_received("status")[0]["CallStatus"] == "completed"


async def test_digits_end_at_the_finishing_key(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    office.answers |= {"voice": build_menu("请输入四位签收密码", num_digits=6), "key": build_say("好")}
    simulator.phones.get_phone(LI).answer_with(["1234#99"])
    await create_call(LI)
    await simulator.settle()
    assert office.list_received("key")[0]["Digits"] == "1234"


async def test_a_handset_operated_by_hand_rings_hears_presses_and_speaks(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    answers = iter([build_menu("请再按一次"), build_menu("请说"), build_say("再见。")])
    office.answers |= {"voice": build_menu("您好，按1", timeout=30), "key": lambda form: next(answers)}
    phone = simulator.phones.get_phone(LI).operate_by_hand()
    await create_call(LI)
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
    assert [(form.get("Digits"), form.get("SpeechResult")) for form in office.list_received("key")] == [
        ("1", None),
        (None, "是我"),
    ]
    await create_call(LI)
    (await phone.wait_for_ring()).reject()
    await create_call(LI)
    third = await phone.wait_for_ring()
    third.answer()
    await third.wait_to_hear("按1")
    third.hang_up()
    assert await third.wait_until_over() == "completed"
    assert [call.status for call in simulator.phones.calls_made] == ["completed", "busy", "completed"]


async def test_speech_is_recorded_and_the_recording_can_be_fetched(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, base_url: str
) -> None:
    voice = build_say("请说原因")
    voice.record(
        action="/hooks/twilio/recorded",
        max_length=60,
        finish_on_key="#",
        recording_status_callback="/hooks/twilio/stored",
    )
    office.answers |= {"voice": voice, "recorded": build_say("谢谢"), "stored": ""}
    phone = simulator.phones.get_phone(LI).answer_with([Speech("没有人来过")])
    await create_call(LI)
    await simulator.settle()
    recorded = office.list_received("recorded")[0]
    assert recorded["Digits"] == "" and int(recorded["RecordingDuration"]) >= 2 and "谢谢" in phone.heard
    assert office.list_received("stored")[0]["RecordingStatus"] == "completed"
    assert simulator.phones.recordings[recorded["RecordingSid"]].words == "没有人来过"
    url = recorded["RecordingUrl"].replace(office.url, base_url)
    async with aiohttp.ClientSession(
        headers={"Authorization": aiohttp.encode_basic_auth(TWILIO_SID, TWILIO_TOKEN)}
    ) as http:
        sound = await (await http.get(url + ".wav")).read()
    with wave.open(io.BytesIO(sound)) as opened:
        assert opened.getnframes() == 8000 * int(recorded["RecordingDuration"])
    phone.answer_with(["#"])
    await create_call(LI)
    await simulator.settle()
    assert office.list_received("recorded")[1]["Digits"] == "#"
    phone.operate_by_hand()
    await create_call(LI)
    live = await phone.wait_for_ring()
    live.answer()
    await live.wait_to_hear("请说原因")
    live.say("没人")
    await asyncio.sleep(0.02)
    live.hang_up()
    await live.wait_until_over()
    assert office.list_received("recorded")[2]["Digits"] == "hangup"
    phone.answer_with([])
    await create_call(LI)
    await simulator.settle()
    assert len(office.list_received("recorded")) == 3, "a recording of nothing calls no action"


async def test_two_people_are_connected(simulator: Simulator, office: FakeOffice, create_call: CreateCall) -> None:
    voice = build_say("正在为您接通诉求人")
    dial = Dial(caller_id=OWN_NUMBER, record="record-from-answer", action="/hooks/twilio/connected", timeout=20)
    dial.number(
        WANG,
        url="/hooks/twilio/announce",
        status_callback="/hooks/twilio/leg",
        status_callback_event="answered completed",
    )
    voice.append(dial)
    office.answers |= {"voice": voice, "connected": build_say("再见"), "announce": build_say("通话将录音"), "leg": ""}
    simulator.phones.get_phone(LI).answer_with()
    requester = simulator.phones.get_phone(WANG).answer_with()
    await create_call(LI)
    await simulator.settle()
    connected = office.list_received("connected")[0]
    assert (
        connected["DialCallStatus"] == "completed"
        and int(connected["DialCallDuration"]) >= 20
        and connected["RecordingUrl"]
    )
    assert requester.heard == "通话将录音" and requester.calls[0].call.caller == OWN_NUMBER
    assert [form["CallStatus"] for form in office.list_received("leg")] == ["in-progress", "completed"]
    requester.be_busy()
    await create_call(LI)
    await simulator.settle()
    assert office.list_received("connected")[1]["DialCallStatus"] == "busy"
    simulator.phones.get_phone(LI).operate_by_hand()
    requester.operate_by_hand()
    await create_call(LI)
    first = await simulator.phones.get_phone(LI).wait_for_ring()
    first.answer()
    second = await requester.wait_for_ring()
    second.answer()
    await second.wait_to_hear("录音")
    await asyncio.sleep(0.05)
    first.say("您好，我是街道的")
    await second.wait_to_hear("我是街道的")
    second.hang_up()
    await first.wait_to_hear("再见")
