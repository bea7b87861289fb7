"""What the simulated Vonage application refuses: unknown fields, wrong types, wrong tokens, sizes, rates; and its handset."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from notify.voice.vonage.ncco import NccoWriter
from notify.voice.vonage.tokens import ApplicationToken, load_key
from sandbox.vonage.rehearsal import create_key
from sandbox.vonage.shapes import ShapeError, check_ncco
from tests.notify.voice_conformance import PROMPTS
from tests.simulated_networks import OWN_NUMBER, serve_networks
from tests.time_and_chance import REAL

KEY, OTHER_KEY = create_key(), create_key()
APPLICATION = "12345678-1234-1234-1234-123456789012"
SETTINGS = {"application_id": APPLICATION, "private_key": KEY, "signature_secret": "s" * 32, "from": OWN_NUMBER}
GOOD: dict[str, Any] = {
    "to": [{"type": "phone", "number": "8613800001234"}],
    "from": {"type": "phone", "number": OWN_NUMBER[1:]},
    "answer_url": ["https://jiesu.example/a"],
    "answer_method": "POST",
    "event_url": ["https://jiesu.example/e"],
    "ringing_timer": 30,
}


def sign(key: str = KEY, application: str = APPLICATION, ahead: float = 0) -> str:
    return f"Bearer {ApplicationToken(application, load_key(key), lambda: REAL['real_time']() + ahead).sign()}"


async def ask(
    body: bytes | dict[str, Any], token: str | None = None, times: int = 1, limit: float | None = None
) -> list[int]:
    """POST a call so often; the statuses."""
    async with serve_networks(lambda: datetime.now(UTC), carriers={"vonage": SETTINGS}) as (simulator, url):
        line: Any = simulator.carriers["vonage"]
        line.calls_per_second = limit
        statuses = []
        async with aiohttp.ClientSession() as http:
            for _ in range(times):
                headers = {"Authorization": token or sign(), "Content-Type": "application/json"}
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                async with http.post(f"{url}/sandbox/vonage/v1/calls", data=data, headers=headers) as answer:
                    statuses.append(answer.status)
        assert bool(simulator.list_violations()) == (max(statuses) >= 400)
        return statuses


async def test_a_call_as_documented_is_taken() -> None:
    assert await ask(GOOD) == [201]


@pytest.mark.violates
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"colour": "red"}, 400), ({"to": []}, 400), ({"to": [{"type": "phone", "number": "+8613800001234"}]}, 400),
        ({"to": [{"type": "phone", "number": "8613800001234", "x": 1}]}, 400), ({"answer_url": "https://a"}, 400),
        ({"ringing_timer": "30"}, 400), ({"ringing_timer": 121}, 400), ({"ringing_timer": True}, 400),
        ({"machine_detection": "on"}, 400), ({"from": {"type": "phone", "number": "12025550100"}}, 403),
        ({"event_url": ["https://jiesu.example/" + "x" * 70_000]}, 400),
    ],
)  # fmt: skip
async def test_what_is_not_documented_is_refused_XR9(change: dict[str, Any], status: int) -> None:
    assert await ask(GOOD | change) == [status]


@pytest.mark.violates
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null"])
async def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert await ask(body) == [400]


@pytest.mark.violates
@pytest.mark.parametrize("token", ["", "Basic x", "Bearer a.b.c", "another key", "another application", "old"])
async def test_a_wrong_token_is_refused(token: str) -> None:
    made = {
        "another key": lambda: sign(OTHER_KEY), "another application": lambda: sign(application="x"),
        "old": lambda: sign(ahead=-3600), "": lambda: "none",
    }.get(token, lambda: token)()  # fmt: skip
    assert await ask(GOOD, made) == [401]


@pytest.mark.violates
async def test_a_token_is_good_once_and_calls_are_only_so_many_a_second_FW18() -> None:
    assert await ask(GOOD, sign(), times=2) == [201, 401]
    assert (await ask(GOOD, times=4, limit=3))[:3] == [201, 201, 201]
    assert 429 in await ask(GOOD, times=6, limit=3)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_prompt_is_a_valid_document(prompt: Any) -> None:
    url = "https://jiesu.example/hooks"
    ncco = NccoWriter("cmn-Hans-CN").render(prompt, next_url=url, record_url=url, leg_url=url)
    assert check_ncco(json.loads(ncco)), "an empty document would leave the former one in force"


@pytest.mark.parametrize(
    "document",
    [
        {}, ["talk"], [{"action": "sing"}], [{"action": "talk"}], [{"action": "talk", "text": "x" * 1501}],
        [{"action": "talk", "text": "x", "voice": "y"}], [{"action": "talk", "text": "x", "bargeIn": True}],
        [{"action": "input", "type": ["dtmf"], "dtmf": {"maxDigits": 21}}], [{"action": "notify", "payload": {}, "eventUrl": "https://a"}],
        [{"action": "connect", "endpoint": [{"type": "phone", "number": "+86138"}], "from": "861084012345"}],
        [{"action": "record", "endOnSilence": 1}], [{"action": "wait", "timeout": "1"}],
    ],
)  # fmt: skip
def test_an_invalid_document_is_none(document: Any) -> None:
    with pytest.raises(ShapeError):
        check_ncco(document)


async def test_a_handset_is_answered_and_keyed_by_hand() -> None:
    from aiohttp import web

    office = web.Application()
    keyed: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        fields = await request.json()
        keyed.append(fields.get("dtmf"))
        ask = {
            "action": "input",
            "type": ["dtmf"],
            "dtmf": {"maxDigits": 1, "timeOut": 5},
            "eventUrl": ["https://jiesu.example/a"],
        }
        said = {"action": "talk", "text": "再见" if len(keyed) > 1 else "请按1"}
        return web.json_response([said] if len(keyed) > 1 else [said, ask])

    async def note(request: web.Request) -> web.Response:
        return web.Response(status=204)

    office.router.add_post("/a", answer)
    office.router.add_post("/e", note)
    async with serve_networks(lambda: datetime.now(UTC), office, {"vonage": SETTINGS}) as (simulator, url):
        phone = simulator.phones.get_phone("+8613800001234").operate_by_hand()
        async with aiohttp.ClientSession() as http:
            headers = {"Authorization": sign()}
            async with http.post(f"{url}/sandbox/vonage/v1/calls", json=GOOD, headers=headers) as asked:
                assert asked.status == 201
            live = await phone.wait_for_ring()
            async with http.get(f"{url}/sandbox/api/view?phone=%2B8613800001234") as shown:
                assert (await shown.json())["ringing"][0]["phone"] == "+8613800001234"
            live.answer()
            await live.wait_to_hear("请按1")
            live.press("1")
            await live.wait_to_hear("再见")
            assert await live.wait_until_over() == "completed"
        assert keyed[1] == {"digits": "1", "timed_out": False}
        await asyncio.sleep(0)
