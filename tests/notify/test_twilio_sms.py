"""Short messages: sent, refused where the country forbids them, and reported on."""

import pytest

from notify.channel import DeliveryError
from notify.sms.twilio import TwilioSmsGateway
from notify.voice.twilio_http import PooledHttpClient
from tests.notify.fake_twilio import ACCOUNT, FakeTwilio, cut, says


@pytest.fixture
async def texter(twilio: FakeTwilio):
    texter = TwilioSmsGateway(ACCOUNT, "t", "+12025550100", http=PooledHttpClient(twilio.base, request_seconds=1))
    yield texter
    await texter.close()


async def test_a_text_is_sent_and_its_failures_read_the_same(texter, twilio) -> None:
    receipt = await texter.send("+8613800001234", "【热线】您单位有一件工单待签收", status_url="https://h/sms")
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
    assert not texter.can.find_rules("+8613800001234").two_way
    assert texter.can.find_rules("+12025550111").two_way
    with pytest.raises(DeliveryError) as caught:
        await texter.send("+8613800001234", "见 https://x.cn")
    assert (caught.value.kind, caught.value.code) == ("permanent", "link_not_allowed")
    assert not twilio.asked


def test_a_delivery_report_is_read_in_our_words(twilio) -> None:
    texter = TwilioSmsGateway(ACCOUNT, "t", "+1")
    event = texter.read({"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"})
    assert (event.provider_id, event.status, event.error_code) == ("SM1", "undelivered", "30006")
    assert texter.read({}).status == ""
