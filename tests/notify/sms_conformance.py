"""What every SMS gateway promises, whatever company is behind it; a driver's rig supplies the company.

A new driver `notify/sms/<name>.py` is run through these tests as soon as it is found; it needs a rig in
`tests/notify/test_gateways.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from notify.channel import DeliveryError
from notify.driver import DriverRefused, HookRefused, HookRequest
from notify.driver_registry import DriverRegistry
from notify.sms_gateway import SmsEvent, SmsGateway
from tests.notify.voice_conformance import mutate, serve

NUMBER = "+8613800001234"


@dataclass
class FakeTextHost:
    """Our side: remembers every reply and report."""

    accepted: list[tuple[str, object]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    unknown: bool = False

    def is_open(self) -> bool:
        return True

    async def receive(self, from_: str, text: str) -> None:
        if self.unknown:
            raise HookRefused(404)
        self.accepted.append(("reply", (from_, text)))

    async def report(self, text_id: int, event: SmsEvent) -> None:
        if self.unknown:
            raise HookRefused(404)
        self.accepted.append(("report", (text_id, event)))

    async def record_unknown(self, path: str, provider_id: str = "") -> None:
        return None

    def log_failure(self, error: BaseException) -> None:
        self.failures.append(error)


@dataclass
class SmsRig:
    """A gateway connected to a simulated company, and what a test may do with that company."""

    gateway: SmsGateway
    settings: dict[str, str]
    sign: Callable[[str, dict[str, str]], HookRequest]
    #: what the company sends: (path, contents)
    genuine: list[tuple[str, dict[str, str]]]
    #: make the next request fail: "busy", "broken", "cut_after", "empty"
    fail: Callable[[str], None]
    #: the texts that arrived
    list_texts: Callable[[], list[str]]


class SmsConformance:
    """Inherited by the tests of each driver, with a fixture `rig`."""

    async def test_a_text_arrives_once_and_has_an_id(self, rig: SmsRig) -> None:
        receipt = await rig.gateway.send(NUMBER, "【12345】工单待签收")
        assert rig.list_texts() == ["【12345】工单待签收"] and receipt.provider_id
        assert rig.gateway.can.reaches(NUMBER) and rig.gateway.buckets()

    async def test_a_text_that_is_too_long_is_cut_and_a_link_goes_only_where_links_may(self, rig: SmsRig) -> None:
        rules = rig.gateway.can.find_rules(NUMBER)
        await rig.gateway.send(NUMBER, "字" * (rules.max_chars + 50))
        assert len(rig.list_texts()[-1]) <= rules.max_chars
        if not rules.links:
            with pytest.raises(DeliveryError, match="link_not_allowed"):
                await rig.gateway.send(NUMBER, "请看 https://example.cn/x")

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [("busy", "throttled"), ("broken", "ambiguous"), ("cut_after", "ambiguous"), ("empty", "ambiguous")],
    )
    async def test_a_text_that_was_not_simply_sent_says_how_FW14_FW15(self, rig: SmsRig, fault: str, kind: str) -> None:
        rig.fail(fault)
        with pytest.raises(DeliveryError) as caught:
            await rig.gateway.send(NUMBER, "短信")
        assert caught.value.kind == kind and NUMBER[3:] not in str(caught.value)

    async def test_a_gateway_without_one_of_its_settings_is_refused(self, rig: SmsRig) -> None:
        registry = DriverRegistry.discover()
        for setting in registry.load("sms", rig.gateway.name).settings:
            if setting.required:
                with pytest.raises(DriverRefused) as caught:
                    registry.build_gateway(rig.gateway.name, {**rig.settings, setting.name: ""})
                assert setting.name.upper() in caught.value.facts["setting"]

    async def test_what_is_genuine_is_taken_and_what_is_forged_or_changed_is_not_FW1_FW22(self, rig: SmsRig) -> None:
        host, name = FakeTextHost(), rig.gateway.name
        routes = list(rig.gateway.routes(host))
        for path, contents in rig.genuine:
            good = rig.sign(path, contents)
            more = [replace(good, target=f"{good.target}?{stray}") for stray in ("x=1", "a", "s=7")]
            for forged in (replace(good, headers=()), *mutate(good), *more):
                assert (await serve(routes, name, forged)).status in (400, 403)
        assert host.accepted == []
        for path, contents in rig.genuine:
            assert 200 <= (await serve(routes, name, rig.sign(path, contents))).status < 300
        assert len(host.accepted) == len(rig.genuine) and host.failures == []
        host.unknown = True
        for path, contents in rig.genuine:
            assert (await serve(routes, name, rig.sign(path, contents))).status == 404
