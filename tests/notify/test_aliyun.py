"""A carrier that is told everything up front: what is asked of Aliyun, what its refusals and reports mean."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import TestServer

from notify.carrier import CallStatus, CallUrls, Menu
from notify.channel import DeliveryError
from notify.driver import HookRequest
from notify.driver_registry import DriverRegistry
from notify.voice.aliyun.carrier import AliyunCarrier
from tests.notify.fake_aliyun import FakeAliyun
from tests.notify.network_faults import cut, stay_silent

URLS = CallUrls("", "", "")
SECRET = "s" * 24
SETTINGS = {
    "access_key_id": "LTAIkey", "access_key_secret": "very-secret-words", "hook_secret": SECRET,
    "templates": "phone.call_to_sign=TTS_1, phone.sign_noted=TTS_2,phone.over=TTS_3",
}  # fmt: skip
MENU = Menu("phone.call_to_sign", {"tail": "1 0 0 1"}, {"1": "phone.sign_noted"}, {"1": {}}, "77")


@pytest.fixture
async def aliyun() -> AsyncIterator[FakeAliyun]:
    fake = FakeAliyun()
    async with TestServer(fake.build_app()) as server:
        fake.url = str(server.make_url("/")).rstrip("/")
        yield fake


@pytest.fixture
def carrier(aliyun: FakeAliyun) -> AliyunCarrier:
    texts = dict(pair.strip().split("=") for pair in SETTINGS["templates"].split(","))
    return AliyunCarrier(
        "LTAIkey", "very-secret-words", texts, hook_secret=SECRET, endpoint=aliyun.url, show_number="0431123456",
        read_ms=800,
    )  # fmt: skip


async def test_a_menu_goes_out_whole_with_its_keys_and_our_reference(
    carrier: AliyunCarrier, aliyun: FakeAliyun
) -> None:
    placed = await carrier.place("+8613800001234", caller="+861", urls=URLS, menu=MENU)
    assert placed.provider_id == "call-1^1"
    [request] = aliyun.requests
    assert (request["Action"], request["CalledNumber"], request["CalledShowNumber"]) == (
        "IvrCall",
        "13800001234",
        "0431123456",
    )
    assert (request["StartCode"], json.loads(request["StartTtsParams"]), request["OutId"]) == (
        "TTS_1",
        {"tail": "1 0 0 1"},
        "77",
    )
    assert (request["MenuKeyMap.1.Key"], request["MenuKeyMap.1.Code"], request["PlayTimes"]) == ("1", "TTS_2", "2")


async def test_a_text_without_a_question_is_only_said(carrier: AliyunCarrier, aliyun: FakeAliyun) -> None:
    await carrier.place("+8613800001234", caller="", urls=URLS, menu=Menu("phone.over", {}, {}, {}, "1"))
    assert (aliyun.requests[0]["Action"], aliyun.requests[0]["TtsCode"]) == ("SingleCallByTts", "TTS_3")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "13800001234"}, "permanent", "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"Code": "isv.BUSINESS_LIMIT_CONTROL"}, "throttled", "isv.BUSINESS_LIMIT_CONTROL"),
        ({"Code": "isp.SYSTEM_ERROR"}, "ambiguous", "isp.SYSTEM_ERROR"),
        ({"Code": "OK"}, "ambiguous", "unreadable"),
        ({"status": 400, "Code": "SignatureDoesNotMatch", "Message": "no"}, "permanent", "SignatureDoesNotMatch"),
        ({"status": 503, "Code": "ServiceUnavailable", "Message": "busy"}, "ambiguous", "ServiceUnavailable"),
        (cut, "ambiguous", "network"),
        (stay_silent, "ambiguous", "network"),
    ],
)
async def test_a_call_that_was_refused_or_lost_says_how_and_is_requested_once(
    carrier: AliyunCarrier, aliyun: FakeAliyun, answer: object, kind: str, code: str
) -> None:
    aliyun.answers.append(answer)
    with pytest.raises(DeliveryError) as caught:
        await carrier.place("+8613800001234", caller="", urls=URLS, menu=MENU)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert "13800001234" not in str(caught.value) and "very-secret" not in str(caught.value)
    assert len(aliyun.requests) == 1


async def test_a_call_that_cannot_be_made_is_not_requested(carrier: AliyunCarrier, aliyun: FakeAliyun) -> None:
    for to, menu, code in (
        ("+8613800001234", None, "no_menu"),
        ("+12025550100", MENU, "isv.MOBILE_NUMBER_ILLEGAL"),
        ("+8613800001234", Menu("phone.call_supervised", {}, {}, {}, "1"), "no_template"),
    ):
        with pytest.raises(DeliveryError) as caught:
            await carrier.place(to, caller="", urls=URLS, menu=menu)
        assert (caught.value.kind, caught.value.code) == ("permanent", code)
    assert aliyun.requests == []


async def test_a_carrier_that_is_not_there_is_safe_to_try_again() -> None:
    carrier = DriverRegistry.discover().build_carrier("aliyun", {**SETTINGS, "endpoint": "http://127.0.0.1:9"})
    with pytest.raises(DeliveryError) as caught:
        await carrier.place("+8613800001234", caller="", urls=URLS, menu=MENU)
    assert caught.value.kind == "transient"


async def test_a_call_is_found_by_its_own_id_alone_FW14(carrier: AliyunCarrier, aliyun: FakeAliyun) -> None:
    since = datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert (
        not carrier.can.search and await carrier.find(to="+8613800001234", since=since) == [] and aliyun.requests == []
    )
    aliyun.details["c1"] = json.dumps({"state": "200002", "duration": "0"})
    [found] = await carrier.find(to="+8613800001234", since=since, provider_id="c1")
    assert (found.provider_id, found.status, found.duration) == ("c1", CallStatus.BUSY, 0)
    assert await carrier.find(to="+8613800001234", since=since, provider_id="c2") == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("200000", "completed"), ("200001", "completed"), ("200002", "busy"), ("200003", "no-answer"), ("200010", "no-answer"),
     ("200004", "failed"), ("200121", "canceled"), ("300000", ""), ("", ""), ("nonsense", "failed")],
)  # fmt: skip
def test_a_report_is_read_in_our_words(code: str, status: str) -> None:
    carrier = DriverRegistry.discover().build_carrier("aliyun", SETTINGS)
    event = carrier.read({"status_code": code, "call_id": "c1", "out_id": "77", "dtmf": "1", "duration": "12"})
    assert (event.status, event.ref, event.digits, event.duration, event.provider_id) == (status, "77", "1", 12, "c1")
    assert carrier.read({"duration": "²", "dtmf": "9" * 999}).duration is None


def test_only_a_sender_that_knows_the_secret_may_report_FW1() -> None:
    carrier = DriverRegistry.discover().build_carrier("aliyun", SETTINGS)

    def ask(secret: str, query: str = "") -> HookRequest:
        path = f"/hooks/aliyun/reports/{secret}"
        return HookRequest("POST", "https://h", path + query, path, {"secret": secret}, (), b"[]")

    assert carrier.verify(ask(SECRET))
    for secret in ("", "x", f"{SECRET}/more", SECRET[:-1], "\udc80"):
        assert not carrier.verify(ask(secret))
    assert not carrier.verify(ask(SECRET, "?x=1"))
