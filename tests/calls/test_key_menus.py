"""A carrier that asks nothing during a call: it gets the whole menu, reports keys afterwards, and all else is the same."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from backend.calls.carriers import Carriers
from backend.calls.service import Calls
from backend.visits.automatic import AutoVisits
from backend.web.webhooks.drivers import add_driver_routes
from backend.web.webhooks.hosts import CallHost
from notify.driver_registry import DriverRegistry
from storage import tables as t
from tests.calls.world import ASKER, H1, World, offer_nothing
from tests.notify.fake_aliyun import FakeAliyun
from tests.notify.network_faults import cut

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
SECRET = "s" * 24
TEXTS = "phone.call_to_sign phone.sign_noted phone.no_duty phone.call_supervised phone.supervised_noted visit.menu visit.V6 visit.menu_sorry visit.person"


class Menus:
    """The office with such a carrier: what it asked of the carrier, and the carrier's reports."""

    def __init__(self, world: World, carrier: FakeAliyun, url: str, host: CallHost) -> None:
        self.world, self.carrier, self.url, self.host = world, carrier, url, host

    async def send_report(
        self, code: str, dtmf: str = "", place: int = -1, secret: str = SECRET, query: str = "", **more: Any
    ) -> int:
        """Send one report about an attempt, as the carrier does; the status."""
        attempt = await self.world.attempt(place)
        body = [{"call_id": attempt.provider_id, "out_id": str(attempt.id), "status_code": code, "dtmf": dtmf, **more}]
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.url}/hooks/aliyun/reports/{secret}{query}", json=body) as answer,
        ):
            if answer.status == 200:
                assert (await answer.json())["code"] == 0
            return answer.status


@pytest.fixture
async def menus(world: World) -> AsyncIterator[Menus]:
    fake = FakeAliyun()
    async with TestServer(fake.build_app()) as carrier:
        texts = ",".join(f"{text}=TTS_{text}" for text in TEXTS.split())
        driver = DriverRegistry.discover().build_carrier("aliyun", {
            "access_key_id": "a", "access_key_secret": "b", "hook_secret": SECRET, "templates": texts,
            "endpoint": str(carrier.make_url("/")).rstrip("/"),
        })  # fmt: skip
        world.dependencies.carriers = Carriers((driver,))
        world.visits = AutoVisits(world.dependencies, offer_nothing, offer_nothing)
        world.calls = Calls(world.dependencies, {"visit": world.visits})
        app = web.Application()
        host = CallHost(world.calls, driver.name, "https://jiesu.example")
        add_driver_routes(app, driver.name, driver.routes(host), host.address)
        async with TestServer(app) as server:
            yield Menus(world, fake, str(server.make_url("/")).rstrip("/"), host)


async def test_key_1_confirms_and_key_2_is_not_offered_as_no_pin_can_be_asked_for_Q43(menus: Menus) -> None:
    world = menus.world
    await world.dispatch_ticket()
    await world.settle()
    [asked] = menus.carrier.requests
    assert {asked["MenuKeyMap.1.Key"], asked["MenuKeyMap.2.Key"]} == {"1", "0"} and "MenuKeyMap.3.Key" not in asked
    assert '"tail": "1 0 0 1"' in asked["StartTtsParams"] and "路灯" not in str(asked) and "sign_key" not in str(asked)
    assert await menus.send_report("300000", "1") == 200
    assert await menus.send_report("200000", duration="21") == 200
    call, attempt = await world.call(), await world.attempt()
    assert (call.outcome, call.keys, attempt.duration) == ("confirmed", "1", 21)
    assert (await world.message()).state == "sent" and await world.state() == "dispatched"


async def test_a_key_that_was_not_offered_confirms_nothing_and_the_call_is_repeated(menus: Menus) -> None:
    world = menus.world
    await world.dispatch_ticket()
    await world.settle()
    await menus.send_report("200001", "2")
    assert (await world.call()).outcome == "no_reply" and await world.state() == "dispatched"
    await world.advance(minutes=6)
    assert len(menus.carrier.requests) == 2


async def test_outcomes_are_retried_like_those_of_any_carrier_FW20(menus: Menus) -> None:
    world = menus.world
    await world.dispatch_ticket()
    await world.settle()
    for code, outcome in (("200002", "busy"), ("200003", "no_answer"), ("200121", "carrier_failed")):
        await menus.send_report(code)
        assert (await world.attempt()).outcome == outcome
        await world.advance(minutes=6)
    assert len(menus.carrier.requests) == 4 and menus.carrier.requests[-1]["CalledNumber"] != H1.removeprefix("+86")


async def test_key_0_asks_somebody_on_duty_to_call_back(menus: Menus) -> None:
    world = menus.world
    await world.bind("D1")
    await world.dispatch_ticket()
    await world.settle()
    await menus.send_report("200000", "0")
    assert "duty_wanted" in await world.list_audit_events()
    assert [(r.kind, r.person) for r in await world.rows(t.outbox) if r.kind == "duty_callback"] == [
        ("duty_callback", "D1")
    ]


async def test_a_visit_by_one_key_says_nothing_of_the_matter_and_records_the_answer(menus: Menus) -> None:
    world = menus.world
    await world.create_ticket("T1001")
    await world.update_rows(t.tickets, state="revisit_auto", visit_round=1)
    await world.settle()
    [asked] = menus.carrier.requests
    assert (asked["StartCode"], asked["CalledNumber"]) == ("TTS_visit.menu", ASKER.removeprefix("+86"))
    assert "help" not in str(asked) and "求助" not in str(asked)
    await menus.send_report("200000", "1")
    assert (await world.load()).ticket.final_answer == "satisfied"


async def test_reports_without_the_secret_repeated_or_about_no_call_of_ours_change_nothing(menus: Menus) -> None:
    world = menus.world
    await world.dispatch_ticket()
    await world.settle()
    assert await menus.send_report("200000", "1", secret="x" * 24) == 403
    assert (await world.attempt()).outcome is None
    assert await menus.send_report("200000", "1", out_id="999999999") == 200
    assert "unknown_call" in await world.list_audit_events() and (await world.attempt()).outcome is None
    await menus.send_report("200000", "1")
    await menus.send_report("200003")  # later, and too late
    assert (await world.call()).outcome == "confirmed"


async def test_a_call_in_doubt_is_not_made_again_while_its_report_can_still_come_FW14(menus: Menus) -> None:
    world = menus.world
    menus.carrier.answers.append(cut)
    await world.dispatch_ticket()
    await world.settle()
    await world.advance(minutes=14)
    assert len(menus.carrier.requests) == 1
    attempt = await world.attempt()
    assert attempt.state == "ambiguous"
    await menus.send_report("200000", "1", call_id="late^1")
    assert (await world.call()).outcome == "confirmed"


@pytest.mark.parametrize("added", ["?x=1", "?a", "?secret=" + SECRET])
async def test_a_parameter_added_to_the_address_of_reports_is_refused_XR10_G16(menus: Menus, added: str) -> None:
    await menus.world.dispatch_ticket()
    await menus.world.settle()
    before = await menus.world.attempt(), await menus.world.call()
    assert await menus.send_report("300000", "1", query=added) == 403
    assert (await menus.world.attempt(), await menus.world.call()) == before
    assert await menus.send_report("300000", "1") == 200


async def test_while_the_system_is_upgraded_a_report_is_to_be_sent_again_FD12(menus: Menus) -> None:
    await menus.world.dispatch_ticket()
    await menus.world.settle()
    menus.host.is_open = lambda: False
    assert await menus.send_report("200000", "1") == 503 and (await menus.world.call()).outcome is None
    assert await menus.send_report("200000", "1", secret="wrong") == 403
    menus.host.is_open = lambda: True
    assert await menus.send_report("200000", "1") == 200 and (await menus.world.call()).outcome == "confirmed"
