"""A handler on two chat networks: blocked on one, told on the other; lost on both, rung; told where they choose."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.app import build
from backend.app.config import Config
from backend.app.drivers import Drivers, build_drivers
from notify.channel import DeliveryError
from tests.delivery.world import FakeChannel
from tests.paper import PaperNetwork
from tests.stories.office import PHONES, Office, open_office

BLOCKED = DeliveryError("dead_address", "blocked")


class Feige(FakeChannel):
    """A second network, of these tests."""

    name = "feige"


class FeigeNetwork(PaperNetwork):
    """It is heard as paper is."""

    name = "feige"

    def __init__(self) -> None:
        super().__init__("a key")
        self.channel = Feige()  # type: ignore[assignment]


@pytest.fixture
async def office(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    def build_two(config: Config) -> Drivers:
        drivers = build_drivers(config)
        return replace(drivers, networks={**drivers.networks, "feige": FeigeNetwork()})

    monkeypatch.setattr(build, "build_drivers", build_two)
    async with open_office(tmp_path, database_url) as opened:
        yield opened
        await opened.assert_running()  # what a dead chat could not take stays dead


async def bind_second(office: Office, code: str) -> FakeChannel:
    """Bind a person on the second network too; it is the newer, so it is used first."""
    await office.advance("1m")
    people = office.application.services.people
    opened = await people.create_binding_code(code, "admin")
    await people.start_binding("feige", code, f"fei-{code}", opened.code)
    await people.confirm_binding("feige", code, code, PHONES[code])
    channel = office.application.built.drivers.channels["feige"]
    assert isinstance(channel, FakeChannel)
    return channel


async def test_blocked_on_one_network_told_on_the_other_once_FT20(office: Office) -> None:
    handler, liaison = await office.bind("H101"), await office.bind("L101")
    second = await bind_second(office, "H101")
    second.plan("fei-H101", BLOCKED)
    await office.dispatch_ticket("JS0001")
    await office.settle()
    await handler.expect("JS0001")
    assert sum("JS0001" in m.text for m in handler.messages) == 1 and second.sent == []
    assert not any("消息通道已失效" in m.text for m in liaison.messages) and office.calls_to("H101") == []
    shown = await office.request("GET", "/people/H101", "admin")
    assert [c["network"] for c in shown["chats"]] == ["telegram"]


async def test_lost_on_both_networks_the_telephone_rings_and_the_colleagues_are_told_FT20(office: Office) -> None:
    handler, liaison = await office.bind("H101"), await office.bind("L101")
    second = await bind_second(office, "H101")
    handler.block()
    await office.settle()
    assert not any("消息通道已失效" in m.text for m in liaison.messages)
    second.plan("fei-H101", BLOCKED)
    await office.dispatch_ticket("JS0001", grade="urgent")
    await office.settle()
    await liaison.expect("消息通道已失效")
    assert second.sent == [] and len(office.calls_to("H101")) >= 1


async def test_a_chosen_network_gets_the_next_card_and_the_warnings_too(office: Office) -> None:
    handler = await office.bind("H101")
    second = await bind_second(office, "H101")
    await office.dispatch_ticket("JS0001")
    await office.settle()
    assert ["JS0001" in m.text for m in second.list_sent("fei-H101")] == [True]
    await handler.say("/chat telegram")
    await handler.expect("先发到Telegram")
    await office.dispatch_ticket("JS0002")
    await office.settle()
    await handler.expect("JS0002")
    assert not any("JS0002" in m.text for m in second.sent)
    await office.advance("40h")
    assert any("JS0001" in m.text for m in handler.messages), "a reminder follows the choice"
    assert len(second.list_sent("fei-H101")) == 1 and second.complaints == []
    assert second.edits, "and the older card is kept up to date where it is"
