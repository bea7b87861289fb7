"""What a carrier's webhook is believed to be, and how it is read."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from notify.carrier import AnsweredBy, CallStatus
from notify.voice.twilio import TwilioCarrier
from tests.notify.fake_twilio import ACCOUNT

PARAMS = {"CallSid": "CA1", "AccountSid": ACCOUNT, "Digits": " 1 ", "Empty": "", "名": "值"}
URL = "https://jiesu.example/hooks/twilio/answer?letter=7"


def signed(token: str, url: str = URL, params: Any = None) -> str:
    signature: str = RequestValidator(token).compute_signature(url, PARAMS if params is None else params)
    return signature


def plain_line() -> TwilioCarrier:
    return TwilioCarrier(ACCOUNT, "token", token_old="older")


def test_fw1_fw3_fw30_only_what_the_carrier_signed_is_believed() -> None:
    line, good = plain_line(), signed("token")
    assert line.is_genuine(url=URL, params=PARAMS, signature=good)
    assert line.is_genuine(url=URL, params=list(PARAMS.items()), signature=good)
    assert line.is_genuine(url=URL, params=PARAMS, signature=signed("older")), "both tokens during a change"
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
        assert not line.is_genuine(url=URL, params=PARAMS, signature=bad)
    assert not line.is_genuine(url=URL + "1", params=PARAMS, signature=good)
    assert not line.is_genuine(url=URL, params=PARAMS | {"Digits": "1"}, signature=good), "blanks count"
    assert not line.is_genuine(url=URL, params=PARAMS | {"Digits": "\ud800"}, signature=good)
    assert not line.is_genuine(url="https://h:port/", params=PARAMS, signature=good)
    assert not TwilioCarrier(ACCOUNT, "token").is_genuine(url=URL, params=PARAMS, signature=signed("older"))


def test_fw3_repeated_fields_are_all_signed() -> None:
    line = plain_line()
    good = signed("token", params={"A": "12", "AccountSid": ACCOUNT})
    assert line.is_genuine(url=URL, params=[("AccountSid", ACCOUNT), ("A", "12")], signature=good)
    assert not line.is_genuine(url=URL, params=[("AccountSid", ACCOUNT), ("A", "3"), ("A", "12")], signature=good)


def test_fw24_another_account_is_refused_however_it_is_signed() -> None:
    other = PARAMS | {"AccountSid": "AC" + "1" * 32}
    assert not plain_line().is_genuine(url=URL, params=other, signature=signed("token", params=other))


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
    assert (event.speech, event.confidence, event.answered_by) == ("不满意", 0.87, AnsweredBy.MACHINE)
    assert (event.duration, event.leg_status) == (17, CallStatus.NO_ANSWER)
    odd = line.read(
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
    assert line.read({"Digits": "hangup"}).digits == ""
    assert line.read({"CallStatus": "initiated"}).status is CallStatus.QUEUED


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=6), st.text(max_size=40))
def test_g16_no_webhook_breaks_the_reading(params: dict[str, str], value: str) -> None:
    line = plain_line()
    fuzzed = params | dict.fromkeys(("CallStatus", "Confidence", "SequenceNumber", "CallDuration"), value)
    line.read(fuzzed)
    assert not line.is_genuine(url=URL, params=fuzzed, signature=value)


def test_fw20_completed_is_the_end_and_ringing_is_not() -> None:
    assert [status for status in CallStatus if status.is_terminal] == [
        "completed",
        "busy",
        "no-answer",
        "failed",
        "canceled",
    ]
