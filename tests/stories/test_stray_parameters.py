"""Nobody adds to the address of a webhook: one parameter more, and the request is refused and changes nothing (XR10, G16)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from backend.web.webhooks import chat, platform
from backend.web.webhooks.drivers import add_driver_routes
from backend.web.webhooks.hosts import CallHost, TextHost
from notify.platform_client import SIGN_HEADER, TIME_HEADER, sign_request
from notify.sms.twilio import build as build_gateway
from notify.voice.twilio import build as build_carrier
from sandbox.twilio.webhooks import compute_signature
from storage import tables as t
from tests.stories.office import PHONES, Office
from tests.telegram import build_telegram

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
HOOKS = "/hooks/twilio"
#: route → the path that is asked for, of the one call (`{dial}`) and the one SMS (`{text}`) of the story
SIGNED = {
    "/voice/{dial}": "/voice/{dial}?s=0",
    "/status/{dial}": "/status/{dial}",
    "/record/{dial}": "/record/{dial}",
    "/announce/{dial}": "/announce/{dial}",
    "/inbound": "/inbound",
    "/fallback": "/fallback",
    "/sms": "/sms",
    "/sms/status/{text}": "/sms/status/{text}",
    "/alarm/{cause}": "/alarm/read_only",
    "/alarm-status": "/alarm-status",
}
ADDED = ("x=1", "utm=", "a", "s=7", "w=1", "h=x", "Digits=1", "%73=0")


def test_every_webhook_is_tried_here() -> None:
    app = web.Application()
    nobody: Any = None
    twilio = {"account_sid": "AC1", "auth_token": "t", "from": "+861084012345"}
    add_driver_routes(app, "twilio", build_carrier(twilio).routes(CallHost(nobody, "twilio", "")), "")
    add_driver_routes(app, "twilio", build_gateway(twilio).routes(TextHost(nobody, nobody)), "")
    assert {resource.canonical.removeprefix(HOOKS) for resource in app.router.resources()} == SIGNED.keys()
    other = web.Application()
    chat.ChatHook(nobody, [build_telegram("1:x", secret="geheim_1")], "").add_routes(other)
    platform.add_routes(other)
    assert {resource.canonical for resource in other.router.resources()} == {"/hooks/telegram", "/hooks/platform"}


def _list_stray(path: str) -> Iterator[str]:
    for added in ADDED:
        yield f"{path}{'&' if '?' in path else '?'}{added}"


async def _load_rows(office: Office) -> list[Any]:
    tables = (t.calls, t.call_attempts, t.outbox, t.journal, t.inbox, t.visits)
    return [await office.application.core.db.read(lambda c, one=one: c.execute(one.select()).all()) for one in tables]


@SQLITE
async def test_a_stray_parameter_is_refused_by_every_webhook_of_the_carrier_XR10_G16(office: Office) -> None:
    office.confirm_calls()
    await office.dispatch_ticket("JS0001", grade="urgent")
    config, core = office.config, office.application.core
    [dial] = await core.db.read(lambda c: c.execute(t.call_attempts.select()).all())
    before = await _load_rows(office)
    fields = {
        "CallSid": dial.provider_id or "", "AccountSid": config.drivers["twilio"]["account_sid"], "CallStatus": "completed",
        "From": config.drivers["twilio"]["from"], "To": PHONES["H101"], "MessageSid": "SM" + "1" * 32, "Body": "1",
    }  # fmt: skip
    token = config.drivers["twilio"]["auth_token"]
    for shape in SIGNED.values():
        path = f"{HOOKS}{shape.format(dial=dial.id, text=4711)}"
        headers = {"X-Twilio-Signature": compute_signature(token, f"{config.base_url}{path}", fields)}
        for stray in _list_stray(path):
            async with office.http.post(f"{config.base_url}{stray}", data=fields, headers=headers) as answer:
                assert answer.status == 403, stray
    assert await _load_rows(office) == before
    path = f"{HOOKS}/fallback"  # as signed it is taken
    headers = {"X-Twilio-Signature": compute_signature(token, f"{config.base_url}{path}", fields)}
    async with office.http.post(f"{config.base_url}{path}", data=fields, headers=headers) as answer:
        assert answer.status == 200


@SQLITE
async def test_a_stray_parameter_is_refused_by_the_webhooks_of_the_chat_and_of_the_platform_XR10_G16(
    office: Office,
) -> None:
    config = office.config
    before = await _load_rows(office)
    secret = config.drivers["telegram"]["secret"]
    update = {"update_id": 77}
    for stray in _list_stray("/hooks/telegram"):
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with office.http.post(f"{config.base_url}{stray}", json=update, headers=headers) as answer:
            assert answer.status == 401, stray
    assert await _load_rows(office) == before
    async with office.http.post(f"{config.base_url}/hooks/telegram", json=update, headers=headers) as answer:
        assert answer.status == 200
    body = json.dumps({"confirmations": []}).encode()
    moment = int(office.application.core.clock.real_time())
    secret = config.platform_secret.get_secret_value()
    signed = {TIME_HEADER: str(moment), SIGN_HEADER: sign_request(secret, moment, "POST", "/hooks/platform", body)}
    for path, status in [("/hooks/platform", 200), *((stray, 401) for stray in _list_stray("/hooks/platform"))]:
        async with office.http.post(f"{config.base_url}{path}", data=body, headers=signed) as answer:
            assert answer.status == status, path
