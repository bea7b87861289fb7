"""Which webhooks of a carrier are taken as genuine, and how they are read."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from notify.carrier import AnsweredBy, CallStatus
from notify.voice.twilio.carrier import TwilioCarrier
from tests.notify.fake_twilio import ACCOUNT

PARAMS = {"CallSid": "CA1", "AccountSid": ACCOUNT, "Digits": " 1 ", "Empty": "", "名": "值"}
URL = "https://jiesu.example/hooks/twilio/answer?call=7"


def sign(token: str, url: str = URL, params: Any = None) -> str:
    signature: str = RequestValidator(token).compute_signature(url, PARAMS if params is None else params)
    return signature


def build_carrier() -> TwilioCarrier:
    return TwilioCarrier(ACCOUNT, "token", token_old="older")


def test_only_what_the_carrier_signed_is_genuine_FW1_FW3_FW30() -> None:
    carrier, good = build_carrier(), sign("token")
    assert carrier.is_genuine(url=URL, params=PARAMS, signature=good)
    assert carrier.is_genuine(url=URL, params=list(PARAMS.items()), signature=good)
    assert carrier.is_genuine(url=URL, params=PARAMS, signature=sign("older")), "both tokens during a change"
    for bad in (
        None,
        "",
        good[:-1],
        f"{good}, {good}",
        "签" * 28,
        "A" * 100_000,
        sign("other"),
        "\x00" * 28,
    ):
        assert not carrier.is_genuine(url=URL, params=PARAMS, signature=bad)
    assert not carrier.is_genuine(url=URL + "1", params=PARAMS, signature=good)
    assert not carrier.is_genuine(url=URL, params=PARAMS | {"Digits": "1"}, signature=good), (
        "blanks are part of what is signed"
    )
    assert not carrier.is_genuine(url=URL, params=PARAMS | {"Digits": "\ud800"}, signature=good)
    assert not carrier.is_genuine(url="https://h:port/", params=PARAMS, signature=good)
    assert not TwilioCarrier(ACCOUNT, "token").is_genuine(url=URL, params=PARAMS, signature=sign("older"))


def test_the_signature_covers_every_repeated_field_FW3() -> None:
    carrier = build_carrier()
    good = sign("token", params={"A": "12", "AccountSid": ACCOUNT})
    assert carrier.is_genuine(url=URL, params=[("AccountSid", ACCOUNT), ("A", "12")], signature=good)
    assert not carrier.is_genuine(url=URL, params=[("AccountSid", ACCOUNT), ("A", "3"), ("A", "12")], signature=good)


def test_another_account_is_refused_however_it_is_signed_FW24() -> None:
    other = PARAMS | {"AccountSid": "AC" + "1" * 32}
    assert not build_carrier().is_genuine(url=URL, params=other, signature=sign("token", params=other))


def test_a_webhook_is_read_as_it_is_and_nonsense_as_absent_FW8() -> None:
    carrier = build_carrier()
    event = carrier.read(
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
    assert (event.speech, event.confidence, event.answered_by) == ("不满意", 0.87, AnsweredBy.MACHINE)
    assert (event.duration, event.leg_status) == (17, CallStatus.NO_ANSWER)
    odd = carrier.read(
        {
            "CallStatus": "weird",
            "SequenceNumber": "-1",
            "Confidence": "NaN",
            "CallDuration": "９",
            "Digits": "1" * 500,
        }
    )
    assert (odd.status, odd.sequence, odd.confidence, odd.duration) == (CallStatus.NOT_GIVEN, None, None, None)
    assert len(odd.digits) == 64
    assert carrier.read({"Digits": "hangup"}).digits == ""
    assert carrier.read({"CallStatus": "initiated"}).status is CallStatus.QUEUED


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=6), st.text(max_size=40))
def test_no_webhook_makes_reading_fail_G16(params: dict[str, str], value: str) -> None:
    carrier = build_carrier()
    fuzzed = params | dict.fromkeys(("CallStatus", "Confidence", "SequenceNumber", "CallDuration"), value)
    carrier.read(fuzzed)
    assert not carrier.is_genuine(url=URL, params=fuzzed, signature=value)


def test_a_completed_call_is_over_and_a_ringing_one_is_not_FW20() -> None:
    assert [status for status in CallStatus if status.is_terminal] == [
        "completed",
        "busy",
        "no-answer",
        "failed",
        "canceled",
    ]
