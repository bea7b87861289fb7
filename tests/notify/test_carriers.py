"""Every voice carrier keeps what all of them promise; each has a rig with its company behind it."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestServer

from notify.carrier import Menu
from notify.driver import HookRequest
from notify.driver_registry import DriverRegistry
from notify.voice.vonage.carrier import VonageCarrier
from sandbox.faults import Fault
from sandbox.twilio.webhooks import compute_signature
from sandbox.vonage.rehearsal import create_key
from sandbox.vonage.signing import sign_webhook
from tests.notify.fake_aliyun import FakeAliyun
from tests.notify.network_faults import cut, find_closed_url
from tests.notify.voice_conformance import ADDRESS, VoiceConformance, VoiceRig
from tests.simulated_networks import OWN_NUMBER, TWILIO_SID, TWILIO_TOKEN, serve_networks

REGISTRY = DriverRegistry.discover()
FAULTS = {"busy": Fault.TOO_MANY, "broken": Fault.UNAVAILABLE, "cut_after": Fault.CUT_AFTER, "empty": Fault.EMPTY}
KEY = create_key()
SECRET = "q7Zr2mXw9Kd4Tb6Ns8Vy3Hc5Lp1Ja0Ge"  # the tests' own


def _now() -> datetime:
    return datetime.now(UTC)


def _build_request(name: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes) -> HookRequest:
    target = f"/hooks/{name}{path}"
    return HookRequest("POST", ADDRESS, target, target.partition("?")[0], {}, headers, body)


@asynccontextmanager
async def rig_twilio() -> AsyncIterator[VoiceRig]:
    async with serve_networks(_now) as (simulator, url):
        settings = {
            "account_sid": TWILIO_SID,
            "auth_token": TWILIO_TOKEN,
            "from": OWN_NUMBER,
            "api_url": f"{url}/sandbox/twilio",
        }

        def sign(path: str, contents: dict[str, str], age: float = 0) -> HookRequest:
            signature = compute_signature(TWILIO_TOKEN, f"{ADDRESS}/hooks/twilio{path}", contents)
            headers = (("X-Twilio-Signature", signature), ("Content-Type", "application/x-www-form-urlencoded"))
            return _build_request("twilio", path, headers, urlencode(contents).encode())

        fields = {"CallSid": "CA" + "1" * 32, "AccountSid": TWILIO_SID, "From": "+8613800001234", "To": OWN_NUMBER}
        carrier = REGISTRY.build_carrier("twilio", settings)
        yield VoiceRig(
            carrier,
            settings,
            sign,
            [
                ("/voice/7?s=0", {**fields, "Digits": "1"}),
                ("/status/7", {**fields, "CallStatus": "completed"}),
                ("/inbound", {**fields, "CallStatus": "ringing"}),
                ("/announce/7", fields),
            ],
            lambda what: simulator.phones.faults.plan_next(FAULTS[what]),
            lambda: REGISTRY.build_carrier("twilio", {**settings, "api_url": find_closed_url()}),
            ages=False,
        )
        await carrier.close()


@asynccontextmanager
async def rig_vonage() -> AsyncIterator[VoiceRig]:
    settings = {
        "application_id": "12345678-1234-1234-1234-123456789012",
        "private_key": KEY,
        "signature_secret": SECRET,
        "from": OWN_NUMBER,
    }
    async with serve_networks(_now, carriers={"vonage": settings}) as (simulator, url):
        settings["api_url"] = f"{url}/sandbox/vonage"
        carrier = REGISTRY.build_carrier("vonage", settings)
        assert isinstance(carrier, VonageCarrier)

        def sign(path: str, contents: dict[str, str], age: float = 0) -> HookRequest:
            body = json.dumps(contents, separators=(",", ":")).encode()
            token = sign_webhook(SECRET, settings["application_id"], body, time.time() - age, secrets.token_hex(16))
            url = f"{ADDRESS}/hooks/vonage{path}"
            marked = carrier._token.mark(url) if path != "/inbound" else url  # written into the console by hand
            headers = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
            return _build_request("vonage", marked.removeprefix(f"{ADDRESS}/hooks/vonage"), headers, body)

        ends = {"from": "8613800001234", "to": OWN_NUMBER[1:], "uuid": "63f61863-4a51-4f6b-86e1-46edebcf9356"}
        network = simulator.carriers["vonage"]
        yield VoiceRig(
            carrier,
            settings,
            sign,
            [
                ("/voice/7?s=0", {**ends, "dtmf": {"digits": "1", "timed_out": False}}),
                ("/status/7", {**ends, "status": "completed", "duration": "12"}),
                ("/inbound", ends),
                ("/announce/7", ends),
                ("/record/7", {"recording_url": "https://x", "recording_uuid": "1", "conversation_uuid": "CON-1"}),
                ("/leg/7?s=1", {**ends, "status": "busy"}),
            ],
            lambda what: network.faults.plan_next(FAULTS[what]),  # type: ignore[attr-defined]
            lambda: REGISTRY.build_carrier("vonage", {**settings, "api_url": find_closed_url()}),
        )
        await carrier.close()


@asynccontextmanager
async def rig_aliyun() -> AsyncIterator[VoiceRig]:
    fake = FakeAliyun()
    answers = {
        "busy": {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "x"},
        "broken": {"Code": "isp.SYSTEM_ERROR", "Message": "x"},
        "cut_after": cut,
        "empty": {"Code": "OK"},
    }
    async with TestServer(fake.build_app()) as server:
        settings = {
            "access_key_id": "k",
            "access_key_secret": "s",
            "hook_secret": SECRET,
            "templates": "phone.call_to_sign=TTS_1",
            "endpoint": str(server.make_url("/")).rstrip("/"),
        }

        def sign(path: str, contents: dict[str, str], age: float = 0) -> HookRequest:
            return _build_request(
                "aliyun", path, (("Content-Type", "application/json"),), json.dumps([contents]).encode()
            )

        yield VoiceRig(
            REGISTRY.build_carrier("aliyun", settings),
            settings,
            sign,
            [(f"/reports/{SECRET}", {"call_id": "c1", "out_id": "7", "status_code": "200000", "dtmf": "1"})],
            lambda what: fake.answers.append(answers[what]),
            lambda: REGISTRY.build_carrier("aliyun", {**settings, "endpoint": find_closed_url()}),
            signs=False,
            ages=False,
            menu=Menu("phone.call_to_sign", {}, {}, {}, "7"),
        )


RIGS: dict[str, Callable[[], AbstractAsyncContextManager[VoiceRig]]] = {
    "aliyun": rig_aliyun,
    "twilio": rig_twilio,
    "vonage": rig_vonage,
}


@pytest.fixture(params=REGISTRY.list_names("voice"))
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[VoiceRig]:
    async with RIGS[request.param]() as built:  # no rig: write one
        yield built


class TestCarriers(VoiceConformance):
    """Each of them."""


def test_who_asks_nothing_during_a_call_says_so() -> None:
    live = {name: REGISTRY.build_carrier(name, SETTINGS[name]).can.live for name in REGISTRY.list_names("voice")}
    assert live == {"aliyun": False, "twilio": True, "vonage": True}


SETTINGS = {
    "aliyun": {"access_key_id": "k", "access_key_secret": "s", "hook_secret": SECRET, "templates": "a=b"},
    "twilio": {"account_sid": "AC1", "auth_token": "t", "from": OWN_NUMBER},
    "vonage": {"application_id": "1", "private_key": KEY, "signature_secret": SECRET, "from": OWN_NUMBER},
}
