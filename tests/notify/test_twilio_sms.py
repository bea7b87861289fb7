"""SMS through Twilio: sent, refused where a country forbids them, and reported on."""

import pytest

from notify.channel import DeliveryError
from notify.sms.twilio import TwilioSmsGateway
from notify.voice.twilio.http import PooledHttpClient
from tests.notify.fake_twilio import ACCOUNT, FakeTwilio, answer
from tests.notify.network_faults import cut


@pytest.fixture
async def gateway(twilio: FakeTwilio):
    gateway = TwilioSmsGateway(ACCOUNT, "t", "+12025550100", http=PooledHttpClient(twilio.url))
    yield gateway
    await gateway.close()


async def test_an_sms_is_sent_and_its_failures_have_the_kinds_of_a_call(gateway, twilio) -> None:
    receipt = await gateway.send("+8613800001234", "【热线】您单位有一件工单待签收", status_url="https://h/sms")
    assert receipt.provider_id == "CA+8613800001234"
    assert twilio.requests[0][1].endswith("/Messages.json")
    assert twilio.requests[0][2]["Body"] == ["【热线】您单位有一件工单待签收"]
    assert twilio.requests[0][2]["StatusCallback"] == ["https://h/sms"]
    for fault, kind in (
        (answer(400, {"code": 21610}), "permanent"),
        (cut, "ambiguous"),
        (answer(429), "throttled"),
    ):
        twilio.answers.append(fault)
        with pytest.raises(DeliveryError) as caught:
            await gateway.send("+8613800001234", "x")
        assert caught.value.kind == kind


async def test_sms_to_the_mainland_are_one_way_and_carry_no_links(gateway, twilio) -> None:
    assert not gateway.can.find_rules("+8613800001234").two_way
    assert gateway.can.find_rules("+12025550111").two_way
    with pytest.raises(DeliveryError) as caught:
        await gateway.send("+8613800001234", "见 https://x.cn")
    assert (caught.value.kind, caught.value.code) == ("permanent", "link_not_allowed")
    assert not twilio.requests


def test_a_delivery_report_is_read_in_our_words() -> None:
    gateway = TwilioSmsGateway(ACCOUNT, "t", "+1")
    event = gateway.read({"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"})
    assert (event.provider_id, event.status, event.error_code) == ("SM1", "undelivered", "30006")
    assert gateway.read({}).status == ""
