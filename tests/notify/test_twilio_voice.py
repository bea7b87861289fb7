"""The telephone line: what is asked of Twilio, and what its failures mean."""

import asyncio
import random
import socket
from datetime import UTC, datetime

import pytest

from notify.carrier import AnswerDetection, AnsweredBy, CallStatus, CallUrls
from notify.channel import DeliveryError
from notify.registry import DriverRegistry
from notify.voice.twilio import TwilioCarrier
from notify.voice.twilio_http import PooledHttpClient
from tests.notify.fake_twilio import ACCOUNT, FakeTwilio, cut, says, silence

URLS = CallUrls("https://h/answer?letter=7", "https://h/status?letter=7", "https://h/fallback")


@pytest.fixture
async def line(twilio: FakeTwilio):
    http = PooledHttpClient(f"{twilio.base}/sandbox/twilio/", request_seconds=1)
    line = TwilioCarrier(ACCOUNT, "token", token_old="older", http=http)
    yield line
    await line.close()


async def test_a_call_carries_its_addresses_and_is_asked_for_once(line, twilio) -> None:
    placed = await line.place("+8613800001234", caller="+12025550100", urls=URLS, detect=AnswerDetection.FIRST)
    assert placed.provider_id == "CA+8613800001234"
    method, path, fields = twilio.asked[-1]
    assert (method, path) == ("POST", f"/sandbox/twilio/2010-04-01/Accounts/{ACCOUNT}/Calls.json")
    assert fields["Url"] == [URLS.answer]
    assert fields["StatusCallback"] == [URLS.status]
    assert fields["FallbackUrl"] == [URLS.fallback]
    assert fields["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert (fields["Timeout"], fields["MachineDetection"]) == (["30"], ["Enable"])
    assert "AsyncAmd" not in fields
    await line.place("+8613800001234", caller="+12025550100", urls=URLS, detect=AnswerDetection.HINT)
    fields = twilio.asked[-1][2]
    assert (fields["AsyncAmd"], fields["AsyncAmdStatusCallback"]) == (["true"], [URLS.status])


async def test_g13_three_thousand_calls_at_once_each_get_their_own_answer(twilio) -> None:
    twilio.unhurried = random.Random(7)
    line = TwilioCarrier(ACCOUNT, "token", http=PooledHttpClient(twilio.base, request_seconds=90, connect_seconds=90))
    numbers = [f"+86138{n:08d}" for n in range(3000)]
    placed = await asyncio.gather(*(line.place(number, caller="+12025550100", urls=URLS) for number in numbers))
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
    line = TwilioCarrier(ACCOUNT, "token", http=PooledHttpClient(f"http://127.0.0.1:{port}"))
    with pytest.raises(DeliveryError) as caught:
        await line.place("+8613800001234", caller="+12025550100", urls=URLS)
    assert caught.value.kind == "transient"
    await line.close()


async def test_fw17_only_the_call_that_left_is_in_doubt(twilio) -> None:
    twilio.say += [silence, silence]
    http = PooledHttpClient(twilio.base, request_seconds=0.6, connect_seconds=0.2, connections=1)
    line = TwilioCarrier(ACCOUNT, "token", http=http)
    first, second = await asyncio.gather(
        *(line.place(number, caller="+12025550100", urls=URLS) for number in ("+1", "+2")),
        return_exceptions=True,
    )
    assert isinstance(first, DeliveryError)
    assert isinstance(second, DeliveryError)
    # the second never got a connection to leave by
    assert (first.kind, second.kind) == ("ambiguous", "transient")
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
    assert (first.answered_by, first.cost) == (AnsweredBy.MACHINE, "0.013 USD")
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


def test_the_line_is_found_by_its_file_and_says_what_it_needs() -> None:
    line = DriverRegistry.discover().build_carrier("twilio", {"account_sid": ACCOUNT, "auth_token": "t"})
    assert line.name == "twilio"
    assert line.can.unserved == ("+86",)
    assert line.buckets("+1")[0].key == "phone.caller:+1"
