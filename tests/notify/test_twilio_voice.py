"""The voice carrier Twilio: what is asked of it, and what its failures mean."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from notify.carrier import AnswerDetection, AnsweredBy, CallStatus, CallUrls
from notify.channel import DeliveryError
from notify.driver_registry import DriverRegistry
from notify.voice.twilio.carrier import TwilioCarrier
from notify.voice.twilio.http import PooledHttpClient
from tests.figures import Figures
from tests.notify.fake_twilio import ACCOUNT, FakeTwilio, answer
from tests.notify.network_faults import cut, find_closed_url, stay_silent

URLS = CallUrls("https://h/answer?call=7", "https://h/status?call=7", "https://h/fallback")


@pytest.fixture
async def carrier(twilio: FakeTwilio):
    http = PooledHttpClient(f"{twilio.url}/sandbox/twilio/")
    carrier = TwilioCarrier(ACCOUNT, "token", token_old="older", http=http)
    yield carrier
    await carrier.close()


async def test_a_call_is_requested_with_its_webhooks_and_detection(carrier, twilio) -> None:
    placed = await carrier.place("+8613800001234", caller="+12025550100", urls=URLS, detect=AnswerDetection.FIRST)
    assert placed.provider_id == "CA+8613800001234"
    method, path, fields = twilio.requests[-1]
    assert (method, path) == ("POST", f"/sandbox/twilio/2010-04-01/Accounts/{ACCOUNT}/Calls.json")
    assert fields["Url"] == [URLS.answer]
    assert fields["StatusCallback"] == [URLS.status]
    assert fields["FallbackUrl"] == [URLS.fallback]
    assert fields["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert (fields["Timeout"], fields["MachineDetection"]) == (["30"], ["Enable"])
    assert "AsyncAmd" not in fields
    await carrier.place("+8613800001234", caller="+12025550100", urls=URLS, detect=AnswerDetection.HINT)
    fields = twilio.requests[-1][2]
    assert (fields["AsyncAmd"], fields["AsyncAmdStatusCallback"]) == (["true"], [URLS.status])


async def test_three_thousand_calls_at_once_each_get_their_own_answer_G13(twilio, figures: Figures) -> None:
    twilio.delays = random.Random(7)
    carrier = TwilioCarrier(ACCOUNT, "token", http=PooledHttpClient(twilio.url, request_seconds=90, connect_seconds=90))
    numbers = [f"+86138{n:08d}" for n in range(3000)]
    placed = await asyncio.gather(*(carrier.place(number, caller="+12025550100", urls=URLS) for number in numbers))
    mixed = sum(call.provider_id != f"CA{number}" for call, number in zip(placed, numbers, strict=True))
    figures.report("G13", requests=3000, lost=3000 - len(placed), copies=len(twilio.requests) - 3000, mixed_up=mixed)
    await carrier.close()


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        *(
            (answer(400, {"code": code, "message": "+8613800001234 is wrong"}), "permanent", str(code))
            for code in (21211, 21212, 21214, 21215, 21216, 21217, 21219, 13224, 21610)
        ),
        (answer(401, {"code": 20003, "message": "Authenticate"}), "permanent", "auth"),
        (answer(429, {"code": 20429, "message": "Too Many Requests"}), "throttled", "20429"),
        (answer(500, {"code": 20500, "message": "Internal"}), "ambiguous", "20500"),
        (answer(503, "<html>busy</html>"), "ambiguous", "http_503"),
        (answer(302, "", Location="https://elsewhere/"), "permanent", "http_302"),
        (answer(201, '{"sid": "CA'), "ambiguous", "unreadable"),
        (answer(201, {"status": "queued"}), "ambiguous", "unreadable"),
        (answer(201, ""), "ambiguous", "unreadable"),
        (answer(201, "[]"), "ambiguous", "unreadable"),
        (cut, "ambiguous", "network"),
        (stay_silent, "ambiguous", "network"),
    ],
)
async def test_a_call_that_failed_says_how_FW14_FW15_FW17_FW23(twilio, fault, kind, code) -> None:
    twilio.answers.append(fault)
    http = PooledHttpClient(twilio.url, request_seconds=1 if fault is stay_silent else 30)
    carrier = TwilioCarrier(ACCOUNT, "token", http=http)
    with pytest.raises(DeliveryError) as caught:
        await carrier.place("+8613800001234", caller="+12025550100", urls=URLS)
    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert "13800001234" not in str(caught.value)
    assert len(twilio.requests) == 1, "requested once, whatever happened"
    await carrier.close()


async def test_a_throttled_call_says_how_long_to_wait(carrier, twilio) -> None:
    twilio.answers.append(answer(429, {"code": 20429}, **{"Retry-After": "7"}))
    with pytest.raises(DeliveryError) as caught:
        await carrier.place("+8613800001234", caller="+12025550100", urls=URLS)
    assert caught.value.retry_after == 7.0


async def test_a_carrier_that_is_not_there_is_safe_to_try_again() -> None:
    carrier = TwilioCarrier(ACCOUNT, "token", http=PooledHttpClient(find_closed_url()))
    with pytest.raises(DeliveryError) as caught:
        await carrier.place("+8613800001234", caller="+12025550100", urls=URLS)
    assert caught.value.kind == "transient"
    await carrier.close()


async def test_only_a_request_that_left_is_ambiguous_FW17(twilio) -> None:
    twilio.answers += [stay_silent, stay_silent]
    http = PooledHttpClient(twilio.url, request_seconds=2.0, connect_seconds=1.0, connections=1)
    carrier = TwilioCarrier(ACCOUNT, "token", http=http)
    first, second = await asyncio.gather(
        *(carrier.place(number, caller="+12025550100", urls=URLS) for number in ("+1", "+2")),
        return_exceptions=True,
    )
    assert isinstance(first, DeliveryError)
    assert isinstance(second, DeliveryError)
    # the second never got a connection
    assert (first.kind, second.kind) == ("ambiguous", "transient")
    await carrier.close()


async def test_calls_are_found_by_number_and_time_FW14(carrier, twilio) -> None:
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
    first, second = await carrier.find(to="+8613800001234", since=since)
    assert (first.provider_id, first.status, first.duration) == ("CA1", CallStatus.COMPLETED, 21)
    assert first.started_at == datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    assert (first.answered_by, first.cost) == (AnsweredBy.MACHINE, "0.013 USD")
    assert (second.status, second.started_at, second.duration) == (CallStatus.QUEUED, None, None)
    assert twilio.requests[0][2]["To"] == ["+8613800001234"]
    assert twilio.requests[0][2]["StartTime>"] == ["2026-11-22T02:59:00Z"]
    twilio.answers.append(answer(500, {}))
    with pytest.raises(DeliveryError) as caught:
        await carrier.find(to="+8613800001234", since=since)
    assert caught.value.kind == "transient"


async def test_hanging_up_a_call_that_has_ended_is_no_error(carrier, twilio) -> None:
    twilio.answers.append(answer(400, {"code": 21220, "message": "Call is not in-progress"}))
    await carrier.hang_up("CA1")
    await carrier.hang_up("CA2")
    assert twilio.requests[-1][2]["Status"] == ["completed"]
    twilio.answers.append(cut)
    with pytest.raises(DeliveryError) as caught:
        await carrier.hang_up("CA3")
    assert caught.value.kind == "transient"


def test_the_carrier_is_found_by_its_file_and_says_whom_it_does_not_serve() -> None:
    carrier = DriverRegistry.discover().build_carrier(
        "twilio", {"account_sid": ACCOUNT, "auth_token": "t", "from": "+12025550100"}
    )
    assert carrier.number == "+12025550100" and not carrier.can.reaches("+8613800001234")
    assert carrier.name == "twilio"
    assert carrier.can.unserved == ("+86",)
    assert carrier.buckets("+1")[0].key == "phone.caller:+1"
