"""Every SMS gateway keeps what all of them promise; each has a rig with its company behind it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from notify.driver import HookRequest
from notify.driver_registry import DriverRegistry
from sandbox.faults import Fault
from sandbox.twilio.webhooks import compute_signature
from tests.notify.sms_conformance import SmsConformance, SmsRig
from tests.notify.voice_conformance import ADDRESS
from tests.simulated_networks import OWN_NUMBER, TWILIO_SID, TWILIO_TOKEN, serve_networks

REGISTRY = DriverRegistry.discover()
FAULTS = {"busy": Fault.TOO_MANY, "broken": Fault.UNAVAILABLE, "cut_after": Fault.CUT_AFTER, "empty": Fault.EMPTY}


@asynccontextmanager
async def rig_twilio() -> AsyncIterator[SmsRig]:
    async with serve_networks(lambda: datetime.now(UTC)) as (simulator, url):
        settings = {
            "account_sid": TWILIO_SID,
            "auth_token": TWILIO_TOKEN,
            "from": OWN_NUMBER,
            "api_url": f"{url}/sandbox/twilio",
        }

        def sign(path: str, contents: dict[str, str]) -> HookRequest:
            target = f"/hooks/twilio{path}"
            signature = compute_signature(TWILIO_TOKEN, f"{ADDRESS}{target}", contents)
            headers = (("X-Twilio-Signature", signature), ("Content-Type", "application/x-www-form-urlencoded"))
            return HookRequest("POST", ADDRESS, target, target, {}, headers, urlencode(contents).encode())

        fields = {"MessageSid": "SM" + "1" * 32, "AccountSid": TWILIO_SID, "From": "+8613800001234", "To": OWN_NUMBER}
        gateway = REGISTRY.build_gateway("twilio", settings)
        yield SmsRig(
            gateway,
            settings,
            sign,
            [("/sms", {**fields, "Body": "1"}), ("/sms/status/7", {**fields, "MessageStatus": "delivered"})],
            lambda what: simulator.phones.faults.plan_next(FAULTS[what]),
            lambda: [one.body for one in simulator.phones.messages],
        )
        await gateway.close()


RIGS: dict[str, Callable[[], AbstractAsyncContextManager[SmsRig]]] = {"twilio": rig_twilio}


@pytest.fixture(params=REGISTRY.list_names("sms"))
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[SmsRig]:
    async with RIGS[request.param]() as built:  # no rig: write one
        yield built


class TestGateways(SmsConformance):
    """Each of them."""
