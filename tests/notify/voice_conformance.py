"""What every voice carrier promises, whatever company is behind it; a driver's rig supplies the company.

A new driver `notify/voice/<name>/` is run through these tests as soon as it is found; it needs a rig in
`tests/notify/test_carriers.py`.
"""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from notify.carrier import CallEvent, CallUrls, Menu, Spoken, VoiceCarrier
from notify.channel import DeliveryError
from notify.driver import DriverRefused, HookRefused, HookRequest, HookResponse, Route
from notify.driver_registry import DriverRegistry
from notify.message import Ask, Connect, Prompt, Record

ADDRESS = "https://jiesu.example"
EXAMPLES = 400  # broken requests a driver is sent
NUMBER = "+8613800001234"
PROMPTS = (
    Prompt(("您好。", "请按键。"), ask=Ask("12", 1, timeout=6, speech=True, hints=("满意",))),
    Prompt(("请输入密码",), ask=Ask("0123456789", 4, "#", 10)),
    Prompt(("请说",), record=Record(30)),
    Prompt(
        ("正在接通",),
        connect=Connect("+8613900005678", f"{ADDRESS}/hooks/x/announce/7", record=True, caller="+861080000000"),
    ),
    Prompt(("请稍候",), pause=2, then="next"),
    Prompt(("再见",)),
    Prompt(()),
    Prompt(("坐标 <b>&amp;\x00\ud800 👩‍👩‍👧",), then="join"),
)


@dataclass
class FakeHost:
    """Our side: remembers every event it was given, and says the next prompt."""

    address: str = ADDRESS
    accepted: list[tuple[str, Any]] = field(default_factory=list)
    prompt: Prompt = PROMPTS[0]
    wait_prompt: Prompt = PROMPTS[4]
    unavailable_prompt: Prompt = PROMPTS[5]
    failures: list[BaseException] = field(default_factory=list)
    unknown: bool = False

    def is_open(self) -> bool:
        return True

    def _take(self, what: str, *about: Any) -> None:
        if self.unknown:
            raise HookRefused(404)
        self.accepted.append((what, about))

    async def answer(self, attempt_id: int, step: int, event: CallEvent) -> Spoken:
        self._take("answer", attempt_id, step, event)
        return Spoken(self.prompt, step + 1, attempt_id)

    async def answer_inbound(self, event: CallEvent) -> Spoken:
        self._take("inbound", event)
        return Spoken(self.prompt, 1, 7)

    async def announce(self, attempt_id: int) -> Prompt:
        self._take("announce", attempt_id)
        return PROMPTS[7]

    async def receive_status(self, attempt_id: int, event: CallEvent) -> None:
        self._take("status", attempt_id, event)

    async def report(self, event: CallEvent) -> None:
        self._take("report", event)

    def build_alarm(self, cause: str) -> Prompt:
        return PROMPTS[5]

    async def record_unknown(self, path: str, provider_id: str = "") -> None:
        return None

    def seal(self, attempt_id: int, text: str) -> str:
        return "sealed"

    def open_seal(self, attempt_id: int, sealed: str) -> str:
        raise ValueError

    def log_failure(self, error: BaseException) -> None:
        self.failures.append(error)


@dataclass
class VoiceRig:
    """A carrier connected to a simulated company, and what a test may do with that company."""

    carrier: VoiceCarrier
    settings: dict[str, str]
    #: a genuine request to this path below `/hooks/<name>`, with these contents, that many seconds old
    sign: Callable[..., HookRequest]
    #: what the company sends about a call: (path, contents)
    genuine: list[tuple[str, dict[str, str]]]
    #: make the next request fail: "busy" (429), "broken" (503), "cut_after" (accepted, then cut), "empty" (200 without words)
    fail: Callable[[str], None]
    build_unreachable: Callable[[], VoiceCarrier]
    #: whether what it sends is signed over its contents, and is refused when old
    signs: bool = True
    ages: bool = True
    menu: Menu | None = None


async def serve(routes: list[Route], name: str, request: HookRequest) -> HookResponse:
    """Answer a request as the web server does: by its route, 404 without one."""
    app, found = web.Application(), {}

    async def nothing(_: web.Request) -> web.Response:
        raise AssertionError

    for place, route in enumerate(routes):
        resource = app.router.add_resource(f"/hooks/{name}{route.path}", name=f"r{place}")
        found[resource] = route
    for resource, route in found.items():
        parts = resource._match(request.path)
        if parts is not None and route.method == request.method:
            return await route.handle(replace(request, parts=parts))
    return HookResponse(404)


async def place(rig: VoiceRig) -> str:
    hooks = f"{ADDRESS}/hooks/{rig.carrier.name}"
    urls = CallUrls(f"{hooks}/voice/7?s=0", f"{hooks}/status/7", f"{hooks}/fallback")
    return (await rig.carrier.place(NUMBER, caller=rig.carrier.number, urls=urls, menu=rig.menu)).provider_id


class VoiceConformance:
    """Inherited by the tests of each driver, with a fixture `rig`."""

    async def test_a_call_is_placed_found_by_its_id_and_by_its_number_and_ended_FW14(self, rig: VoiceRig) -> None:
        uuid = await place(rig)
        since = datetime.now(UTC) - timedelta(hours=1)
        by_id = await rig.carrier.find(to=NUMBER, since=since, provider_id=uuid)
        assert [one.provider_id for one in by_id] in ([uuid], []) and (by_id or not rig.carrier.can.search)
        by_number = await rig.carrier.find(to=NUMBER, since=since)
        assert [one.provider_id for one in by_number] == ([uuid] if rig.carrier.can.search else [])
        assert await rig.carrier.find(to="+8613900000000", since=since) == []
        for _ in range(2):  # ending what has ended is no error
            await rig.carrier.hang_up(uuid)
        with pytest.raises(ValueError):
            await rig.carrier.find(to=NUMBER, since=datetime(2026, 1, 1), provider_id=uuid)  # noqa: DTZ001 - no zone

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [("busy", "throttled"), ("broken", "ambiguous"), ("cut_after", "ambiguous"), ("empty", "ambiguous")],
    )
    async def test_a_call_that_was_not_simply_placed_says_how_FW14_FW15(
        self, rig: VoiceRig, fault: str, kind: str
    ) -> None:
        rig.fail(fault)
        with pytest.raises(DeliveryError) as caught:
            await place(rig)
        assert caught.value.kind == kind and NUMBER[3:] not in str(caught.value)

    async def test_a_company_that_is_not_there_was_not_asked_FW17(self, rig: VoiceRig) -> None:
        lone = replace(rig, carrier=rig.build_unreachable())
        with pytest.raises(DeliveryError) as caught:
            await place(lone)
        assert caught.value.kind == "transient"
        assert [one.health for one in await lone.carrier.examine()] in (["broken"], ["ok"])
        await lone.carrier.close()

    async def test_a_carrier_without_one_of_its_settings_is_refused(self, rig: VoiceRig) -> None:
        registry = DriverRegistry.discover()
        for setting in registry.load("voice", rig.carrier.name).settings:
            assert not setting.required or rig.settings[setting.name]
            if setting.required:
                with pytest.raises(DriverRefused) as caught:
                    registry.build_carrier(rig.carrier.name, {**rig.settings, setting.name: ""})
                assert setting.name.upper() in caught.value.facts["setting"]

    async def test_what_the_company_sends_is_taken_and_what_it_is_told_can_be_said_FW13(self, rig: VoiceRig) -> None:
        host = FakeHost()
        routes = list(rig.carrier.routes(host))
        for prompt in PROMPTS:
            host.prompt = prompt
            for path, contents in rig.genuine:
                answer = await serve(routes, rig.carrier.name, rig.sign(path, contents))
                assert 200 <= answer.status < 300, path
                answer.text.encode("utf-8")
        assert len(host.accepted) == len(PROMPTS) * len(rig.genuine) and host.failures == []

    async def test_a_genuine_request_about_an_unknown_call_is_refused_FW24(self, rig: VoiceRig) -> None:
        host = FakeHost(unknown=True)
        for path, contents in rig.genuine:
            answer = await serve(list(rig.carrier.routes(host)), rig.carrier.name, rig.sign(path, contents))
            assert answer.status in (404, 200) and host.accepted == []

    async def test_forged_and_changed_requests_are_refused_FW1_FW2_XR10(self, rig: VoiceRig) -> None:
        host = FakeHost()
        routes, name = list(rig.carrier.routes(host)), rig.carrier.name
        for path, contents in rig.genuine:
            good = rig.sign(path, contents)
            forged = [
                replace(good, target=good.target + ("&" if "?" in good.target else "?") + more)
                for more in ("x=1", "s=7", "a", "k=0", "%73=0")
            ]
            forged.append(replace(good, headers=()) if rig.signs else _change_secret(good))
            if rig.signs:
                forged += mutate(good)
                other = "/status/8" if path != "/status/8" else "/status/9"
                forged.append(replace(good, path=f"/hooks/{name}{other}", target=f"/hooks/{name}{other}"))
            for one in forged:
                answer = await serve(routes, name, one)
                assert answer.status in (400, 403, 404), (path, one)
            if rig.ages:
                for age in (3600, -3600):
                    assert (await serve(routes, name, rig.sign(path, contents, age=age))).status == 403
        assert host.accepted == [] and host.failures == []

    async def test_a_request_sent_again_means_the_same_and_elsewhere_nothing_FW7(self, rig: VoiceRig) -> None:
        host = FakeHost()
        routes, name = list(rig.carrier.routes(host)), rig.carrier.name
        for path, contents in rig.genuine:
            good = rig.sign(path, contents)
            host.accepted.clear()
            first = await serve(routes, name, good)
            again = await serve(routes, name, good)
            assert (first.status, first.text) == (again.status, again.text) or again.status == 403
            assert all(one == host.accepted[0] for one in host.accepted)  # nothing that the first had not said
            if rig.signs:
                host.accepted.clear()
                for elsewhere in (rig.sign(*one) for one in rig.genuine if one[0] != path):
                    answer = await serve(routes, name, replace(elsewhere, headers=good.headers, body=good.body))
                    assert answer.status == 403 and host.accepted == []

    async def test_whatever_is_sent_is_answered_without_failing_FW8(self, rig: VoiceRig) -> None:
        host, dice = FakeHost(), random.Random(20261130)
        routes, name = list(rig.carrier.routes(host)), rig.carrier.name
        for _ in range(EXAMPLES):
            path, contents = dice.choice(rig.genuine)
            good = rig.sign(path, contents)
            body = bytearray(good.body or b"{}")
            for _ in range(dice.randrange(1, 6)):
                body[dice.randrange(len(body))] = dice.randrange(256)
            sent = replace(good, body=bytes(body[: dice.randrange(len(body) + 1)] if dice.random() < 0.3 else body))
            answer = await serve(routes, name, sent)
            assert answer.status < 500
        if rig.signs:
            assert all(one[1] for one in host.accepted) and len(host.accepted) <= 1 + EXAMPLES // 20
        assert host.failures == []


def respell(value: str) -> str:
    """A base64url signature with the next letter at its end: of a canonical one it stands for the same bytes."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    return value[:-1] + letters[(letters.find(value[-1]) + 1) % len(letters)]


def mutate(good: HookRequest) -> list[HookRequest]:
    """The same request with another signature, twice signed, or with another body."""
    changed = []
    for place, (header, value) in enumerate(good.headers):
        if header.lower() == "content-type":
            continue
        for other in (
            "",
            value[:-2],
            value[:-1] + ("A" if value[-1] != "A" else "B"),
            value + "x",
            "é",
            value.lower(),
            respell(value),
        ):
            if other != value:
                changed.append(
                    replace(good, headers=(*good.headers[:place], (header, other), *good.headers[place + 1 :]))
                )
        changed.append(replace(good, headers=(*good.headers, (header, value))))
    if good.body:
        changed += [replace(good, body=body) for body in (good.body[:-1], good.body + b" ", good.body.swapcase())]
    return changed


def _change_secret(good: HookRequest) -> HookRequest:
    return replace(good, path=good.path[:-1] + "#", target=good.target[:-1] + "#")
