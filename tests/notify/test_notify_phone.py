"""The telephone line: what is asked of Twilio, what its failures mean, what is believed, what is said."""

import asyncio
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from notify.channel import DeliveryError
from notify.line import Answerer, CallStatus, CallUrls
from notify.message import Ask, Dial, Prompt, Record
from notify.phone.twilio import TwilioLine
from notify.phone.twilio_http import PooledHttpClient
from notify.registry import Registry
from notify.sms.twilio import TwilioTexter

ACCOUNT = "AC" + "0" * 32
URLS = CallUrls("https://h/answer?letter=7", "https://h/status?letter=7", "https://h/fallback")
NEXT = "https://h/hooks/twilio/next?letter=7&turn=2"


@dataclass
class FakeTwilio:
    """Keeps what it was asked; `say` holds the answers to give instead of the next ones."""

    asked: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    say: list[Any] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    unhurried: random.Random | None = None
    base: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = await request.post() if request.method == "POST" else request.query
        fields = {name: form.getall(name) for name in form}
        self.asked.append((request.method, request.path, fields))
        if self.say:
            return await self.say.pop(0)(request)
        if self.unhurried:
            await asyncio.sleep(self.unhurried.random() * 0.2)
        if request.method == "GET":
            return web.json_response({"calls": self.calls, "page": 0, "page_size": 50, "next_page_uri": None})
        number = fields.get("To", [""])[0]
        return web.json_response({"sid": f"CA{number}", "status": "queued", "price": None}, status=201)


def says(status: int, body: Any = None, **headers: str):
    async def answer(request: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silence(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


@pytest.fixture
async def twilio(serve) -> FakeTwilio:
    fake = FakeTwilio()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    fake.base = await serve(app)
    return fake


@pytest.fixture
async def line(twilio: FakeTwilio):
    http = PooledHttpClient(f"{twilio.base}/sandbox/twilio/", request_seconds=1)
    line = TwilioLine(ACCOUNT, "token", token_old="older", http=http)
    yield line
    await line.close()


async def test_a_call_carries_its_addresses_and_is_asked_for_once(line, twilio) -> None:
    placed = await line.place("+8613800001234", caller="+12025550100", urls=URLS, detect_machine=True)
    assert placed.provider_id == "CA+8613800001234"
    [(method, path, fields)] = twilio.asked
    assert (method, path) == ("POST", f"/sandbox/twilio/2010-04-01/Accounts/{ACCOUNT}/Calls.json")
    assert fields["Url"] == [URLS.answer]
    assert fields["StatusCallback"] == [URLS.status]
    assert fields["FallbackUrl"] == [URLS.fallback]
    assert fields["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert (fields["Timeout"], fields["MachineDetection"]) == (["30"], ["Enable"])


async def test_g13_three_thousand_calls_at_once_each_get_their_own_answer(twilio) -> None:
    twilio.unhurried = random.Random(7)
    line = TwilioLine(
        ACCOUNT, "token", http=PooledHttpClient(twilio.base, request_seconds=90, connect_seconds=90)
    )
    numbers = [f"+86138{n:08d}" for n in range(3000)]
    placed = await asyncio.gather(
        *(line.place(number, caller="+12025550100", urls=URLS) for number in numbers)
    )
    assert [one.provider_id for one in placed] == [f"CA{number}" for number in numbers]
    assert len(twilio.asked) == 3000
    await line.close()


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        *(
            (says(400, {"code": code, "message": "+8613800001234 is wrong"}), "permanent", str(code))
            for code in (21211, 21212, 21214, 21215, 21216, 21217, 21219, 13224, 21610)
        ),
        (says(401, {"code": 20003, "message": "Authenticate"}), "permanent", "auth"),
        (says(429, {"code": 20429, "message": "Too Many Requests"}), "throttled", "20429"),
        (says(500, {"code": 20500, "message": "Internal"}), "ambiguous", "20500"),
        (says(503, "<html>busy</html>"), "ambiguous", "http_503"),
        (says(302, "", Location="https://elsewhere/"), "permanent", "http_302"),
        (says(201, '{"sid": "CA'), "ambiguous", "unreadable"),
        (says(201, {"status": "queued"}), "ambiguous", "unreadable"),
        (says(201, ""), "ambiguous", "unreadable"),
        (says(201, "[]"), "ambiguous", "unreadable"),
        (cut, "ambiguous", "network"),
        (silence, "ambiguous", "network"),
    ],
)
async def test_fw14_fw15_fw17_fw23_a_call_that_failed_says_how(line, twilio, fault, kind, code) -> None:
    twilio.say.append(fault)
    with pytest.raises(DeliveryError) as caught:
        await line.place("+8613800001234", caller="+12025550100", urls=URLS)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert "13800001234" not in str(caught.value)
    assert len(twilio.asked) == 1, "asked once, whatever happened"


async def test_a_throttled_call_says_how_long_to_wait(line, twilio) -> None:
    twilio.say.append(says(429, {"code": 20429}, **{"Retry-After": "7"}))
    with pytest.raises(DeliveryError) as caught:
        await line.place("+8613800001234", caller="+12025550100", urls=URLS)
    assert caught.value.retry_after == 7.0


async def test_a_carrier_that_is_not_there_is_safe_to_try_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = TwilioLine(ACCOUNT, "token", http=PooledHttpClient(f"http://127.0.0.1:{port}"))
    with pytest.raises(DeliveryError) as caught:
        await line.place("+8613800001234", caller="+12025550100", urls=URLS)
    assert caught.value.kind == "transient"
    await line.close()


async def test_fw14_calls_are_found_by_number_and_time(line, twilio) -> None:
    twilio.calls = [
        {
            "sid": "CA1",
            "status": "completed",
            "start_time": "Sun, 22 Nov 2026 03:00:00 +0000",
            "duration": "21",
            "from": "+12025550100",
            "answered_by": "machine_start",
            "price": "-0.013",
            "price_unit": "USD",
        },
        {"sid": "CA2", "status": "queued", "start_time": None, "duration": None},
    ]
    since = datetime(2026, 11, 22, 2, 59, tzinfo=UTC)
    first, second = await line.find(to="+8613800001234", since=since)
    assert (first.provider_id, first.status, first.duration) == ("CA1", CallStatus.COMPLETED, 21)
    assert first.started_at == datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    assert (first.answered_by, first.cost) == (Answerer.MACHINE, "0.013 USD")
    assert (second.status, second.started_at, second.duration) == (CallStatus.QUEUED, None, None)
    assert twilio.asked[0][2]["To"] == ["+8613800001234"]
    assert twilio.asked[0][2]["StartTime>"] == ["2026-11-22T02:59:00Z"]
    twilio.say.append(says(500, {}))
    with pytest.raises(DeliveryError) as caught:
        await line.find(to="+8613800001234", since=since)
    assert caught.value.kind == "transient"


async def test_hanging_up_a_call_that_has_ended_is_no_error(line, twilio) -> None:
    twilio.say.append(says(400, {"code": 21220, "message": "Call is not in-progress"}))
    await line.hang_up("CA1")
    await line.hang_up("CA2")
    assert twilio.asked[-1][2]["Status"] == ["completed"]
    twilio.say.append(cut)
    with pytest.raises(DeliveryError) as caught:
        await line.hang_up("CA3")
    assert caught.value.kind == "transient"


PARAMS = {"CallSid": "CA1", "AccountSid": ACCOUNT, "Digits": " 1 ", "Empty": "", "名": "值"}
URL = "https://jiesu.example/hooks/twilio/answer?letter=7"


def signed(token: str, url: str = URL, params: Any = None) -> str:
    signature: str = RequestValidator(token).compute_signature(url, PARAMS if params is None else params)
    return signature


def plain_line() -> TwilioLine:
    return TwilioLine(ACCOUNT, "token", token_old="older")


def test_fw1_fw3_fw30_only_what_the_carrier_signed_is_believed() -> None:
    line, good = plain_line(), signed("token")
    assert line.genuine(url=URL, params=PARAMS, signature=good)
    assert line.genuine(url=URL, params=list(PARAMS.items()), signature=good)
    assert line.genuine(url=URL, params=PARAMS, signature=signed("older")), "both tokens during a change"
    for bad in (
        None,
        "",
        good[:-1],
        f"{good}, {good}",
        "签" * 28,
        "A" * 100_000,
        signed("other"),
        "\x00" * 28,
    ):
        assert not line.genuine(url=URL, params=PARAMS, signature=bad)
    assert not line.genuine(url=URL + "1", params=PARAMS, signature=good)
    assert not line.genuine(url=URL, params=PARAMS | {"Digits": "1"}, signature=good), "blanks count"
    assert not line.genuine(url=URL, params=PARAMS | {"Digits": "\ud800"}, signature=good)
    assert not line.genuine(url="https://h:port/", params=PARAMS, signature=good)
    assert not TwilioLine(ACCOUNT, "token").genuine(url=URL, params=PARAMS, signature=signed("older"))


def test_fw3_repeated_fields_are_all_signed() -> None:
    line = plain_line()
    good = signed("token", params={"A": "12", "AccountSid": ACCOUNT})
    assert line.genuine(url=URL, params=[("AccountSid", ACCOUNT), ("A", "12")], signature=good)
    assert not line.genuine(
        url=URL, params=[("AccountSid", ACCOUNT), ("A", "3"), ("A", "12")], signature=good
    )


def test_fw24_another_account_is_refused_however_it_is_signed() -> None:
    other = PARAMS | {"AccountSid": "AC" + "1" * 32}
    assert not plain_line().genuine(url=URL, params=other, signature=signed("token", params=other))


def test_fw8_a_webhook_is_read_as_it_is_and_nonsense_as_absent() -> None:
    line = plain_line()
    event = line.read(
        {
            "CallSid": "CA1",
            "CallStatus": "in-progress",
            "SequenceNumber": "2",
            "Digits": "５",
            "SpeechResult": "不满意",
            "Confidence": "0.87",
            "AnsweredBy": "machine_end_beep",
            "CallDuration": "17",
            "From": "+1",
            "To": "+2",
            "AccountSid": ACCOUNT,
            "DialCallStatus": "no-answer",
        }
    )
    assert (event.status, event.sequence, event.digits) == (CallStatus.IN_PROGRESS, 2, "５")
    assert (event.speech, event.confidence, event.answered_by) == ("不满意", 0.87, Answerer.MACHINE)
    assert (event.duration, event.dial_status) == (17, CallStatus.NO_ANSWER)
    odd = line.read(
        {
            "CallStatus": "weird",
            "SequenceNumber": "-1",
            "Confidence": "NaN",
            "CallDuration": "９",
            "Digits": "1" * 500,
        }
    )
    assert (odd.status, odd.sequence, odd.confidence, odd.duration) == (CallStatus.UNSAID, None, None, None)
    assert len(odd.digits) == 64
    assert line.read({"Digits": "hangup"}).digits == ""
    assert line.read({"CallStatus": "initiated"}).status is CallStatus.QUEUED


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=6), st.text(max_size=40))
def test_g16_no_webhook_breaks_the_reading(params: dict[str, str], value: str) -> None:
    line = plain_line()
    fuzzed = params | dict.fromkeys(("CallStatus", "Confidence", "SequenceNumber", "CallDuration"), value)
    line.read(fuzzed)
    assert not line.genuine(url=URL, params=fuzzed, signature=value)


def test_fw20_completed_is_the_end_and_ringing_is_not() -> None:
    assert [status for status in CallStatus if status.terminal] == [
        "completed",
        "busy",
        "no-answer",
        "failed",
        "canceled",
    ]


def spoken(twiml: str) -> list[str]:
    return [say.text or "" for say in fromstring(twiml).iter("Say")]


def test_a_question_is_asked_inside_its_own_ear() -> None:
    ask = Ask("12390", speech=True, hints=("满意", "不满意"))
    root = fromstring(plain_line().render(Prompt(("您好。", "请按键。"), ask=ask), next_url=NEXT))
    [gather] = root
    assert gather.tag == "Gather"
    assert gather.attrib == {
        "input": "dtmf speech",
        "action": NEXT,
        "method": "POST",
        "actionOnEmptyResult": "true",
        "numDigits": "1",
        "finishOnKey": "",
        "timeout": "6",
        "language": "zh-CN",
        "hints": "满意,不满意",
        "speechTimeout": "auto",
    }
    assert [say.attrib for say in gather] == [{"language": "zh-CN"}] * 2


def test_a_pin_is_ended_by_the_hash_key() -> None:
    root = fromstring(
        plain_line().render(Prompt(("请输入",), ask=Ask("0123456789", 4, "#", 10)), next_url=NEXT)
    )
    [gather] = root
    assert (gather.get("numDigits"), gather.get("finishOnKey"), gather.get("input")) == ("4", "#", "dtmf")


def test_a_recording_of_nothing_still_goes_on() -> None:
    root = fromstring(plain_line().render(Prompt(("请说",), record=Record(30)), next_url=NEXT))
    assert [verb.tag for verb in root] == ["Say", "Record", "Redirect"]
    assert root[1].get("maxLength") == "30"
    assert root[2].text == NEXT


def test_a_bridge_rings_the_other_side_and_comes_back() -> None:
    dial = Dial("+8613900000000", announce_url="https://h/announce", record=True)
    root = fromstring(plain_line().render(Prompt(("正在接通",), dial=dial), next_url=NEXT))
    assert [verb.tag for verb in root] == ["Say", "Dial"]
    assert root[1].get("action") == NEXT
    assert root[1].get("record") == "record-from-answer-dual"
    assert (root[1][0].text, root[1][0].get("url")) == ("+8613900000000", "https://h/announce")


@pytest.mark.parametrize(("then", "last"), [("next", "Redirect"), ("hangup", "Hangup")])
def test_words_alone_go_on_or_end_the_call(then: Any, last: str) -> None:
    root = fromstring(plain_line().render(Prompt(("请稍候",), pause=2, then=then), next_url=NEXT))
    assert [verb.tag for verb in root] == ["Pause", "Say", last]


def test_a_prompt_does_one_thing_at_a_time() -> None:
    with pytest.raises(ValueError, match="one at a time"):
        Prompt((), ask=Ask("1"), record=Record(5))


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("A&B <b>急</b>", "A&B <b>急</b>"),
        ("坏\x0b了\x00\ud800", "坏了"),
        ("一\n二\t三", "一 二 三"),
        ("零\u200b宽 😀好", "零宽 好"),
        ("字" * 5000, "字" * 499 + "…"),
    ],
)
def test_fw13_hostile_words_are_valid_sayable_and_cut(text: str, heard: str) -> None:
    assert spoken(plain_line().render(Prompt((text,)), next_url=NEXT)) == [heard]


@given(st.lists(st.text(st.characters(), max_size=200), max_size=8))
def test_g15_every_prompt_is_well_formed(say: list[str]) -> None:
    twiml = plain_line().render(
        Prompt(tuple(say), ask=Ask("1", speech=True, hints=tuple(say))), next_url=NEXT
    )
    assert sum(map(len, spoken(twiml))) <= 1500
    assert len(twiml.encode()) < 64_000


def test_the_line_is_found_by_its_file_and_says_what_it_needs() -> None:
    line = Registry.discover().line("twilio", {"account_sid": ACCOUNT, "auth_token": "t"})
    assert line.name == "twilio"
    assert line.can.unserved == ("+86",)
    assert line.buckets("+1")[0].key == "phone.caller:+1"


@pytest.fixture
async def texter(twilio: FakeTwilio):
    texter = TwilioTexter(ACCOUNT, "t", "+12025550100", http=PooledHttpClient(twilio.base, request_seconds=1))
    yield texter
    await texter.close()


async def test_a_text_is_sent_and_its_failures_read_the_same(texter, twilio) -> None:
    receipt = await texter.send(
        "+8613800001234", "【热线】您单位有一件工单待签收", status_url="https://h/sms"
    )
    assert receipt.provider_id == "CA+8613800001234"
    assert twilio.asked[0][1].endswith("/Messages.json")
    assert twilio.asked[0][2]["Body"] == ["【热线】您单位有一件工单待签收"]
    assert twilio.asked[0][2]["StatusCallback"] == ["https://h/sms"]
    for fault, kind in (
        (says(400, {"code": 21610}), "permanent"),
        (cut, "ambiguous"),
        (says(429), "throttled"),
    ):
        twilio.say.append(fault)
        with pytest.raises(DeliveryError) as caught:
            await texter.send("+8613800001234", "x")
        assert caught.value.kind == kind


async def test_texts_to_the_mainland_are_one_way_and_carry_no_links(texter, twilio) -> None:
    assert not texter.can.for_number("+8613800001234").two_way
    assert texter.can.for_number("+12025550111").two_way
    with pytest.raises(DeliveryError) as caught:
        await texter.send("+8613800001234", "见 https://x.cn")
    assert (caught.value.kind, caught.value.code) == ("permanent", "link_not_allowed")
    assert not twilio.asked


def test_a_delivery_report_is_read_in_our_words(twilio) -> None:
    texter = TwilioTexter(ACCOUNT, "t", "+1")
    event = texter.read({"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"})
    assert (event.provider_id, event.status, event.error_code) == ("SM1", "undelivered", "30006")
    assert texter.read({}).status == ""
