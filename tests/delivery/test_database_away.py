"""The database is away in the middle of a send: what the provider said is kept, nobody is told twice, no message dies."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from backend.ports.availability import Unavailable
from backend.ports.outbox import Ask, SendResult
from notify.channel import DeliveryError
from storage import tables as t
from tests.delivery.world import World


class Outage:
    """While it lasts, every call of these stores fails; `begin_at` starts it with the first call of that method."""

    def __init__(self, *stores: Any) -> None:
        self.lasts = False
        self.begins: tuple[str, Callable[..., bool]] | None = None
        for store in stores:
            for name in dir(type(store)):
                if not name.startswith("_") and asyncio.iscoroutinefunction(getattr(store, name)):
                    setattr(store, name, self._wrap(name, getattr(store, name)))

    def begin_at(self, name: str, when: Callable[..., bool] = lambda *_: True) -> None:
        """Begin with the first call of a method for which `when` is true."""
        self.begins = name, when

    def _wrap(self, name: str, real: Any) -> Any:
        async def call(*arguments: Any, **named: Any) -> Any:
            if self.begins and self.begins[0] == name and self.begins[1](*arguments):
                self.begins, self.lasts = None, True
            if self.lasts:
                raise Unavailable("away")
            return await real(*arguments, **named)

        return call


def settles(*kinds: type) -> Callable[..., bool]:
    """Whether a call of `settle` writes something of these kinds."""
    return lambda items: any(isinstance(item, kinds) for item in items)


async def live_through(world: World, outage: Outage, minutes: float = 3) -> None:
    """Work into the outage, let time pass in it, and work on when it is over."""
    running = asyncio.create_task(world.worker.run_once())
    for _ in range(100):
        await asyncio.sleep(0.01)
        if outage.lasts:
            break
    assert outage.lasts
    await asyncio.sleep(0.3)
    world.pass_time(minutes=minutes)  # leases end; nobody could renew them
    outage.lasts = False
    world.worker.resume()
    await asyncio.gather(running, return_exceptions=True)
    for _ in range(3):
        world.pass_time(seconds=1)
        await world.worker.run_once()


@pytest.mark.parametrize(
    ("method", "when"),
    [("settle", settles(SendResult)), ("settle", settles(Ask)), ("load", lambda *_: True), ("claim", lambda *_: True)],
    ids=["after the send", "before the ask", "while it is rendered", "at the claim"],
)
async def test_an_outage_at_any_step_costs_no_message_and_makes_no_copy_XR6_G5(
    world: World, method: str, when: Callable[..., bool]
) -> None:
    for number in range(12):
        await world.dispatch_ticket(f"T{number}")
    outage = Outage(world.outbox, world.moves)
    outage.begin_at(method, when)
    await live_through(world, outage)
    assert len({(sent.address, sent.text) for sent in world.channel.sent}) == len(world.channel.sent) == 24
    assert not any("重发" in sent.text for sent in world.channel.sent)
    rows = await world.db.read(lambda c: c.execute(select(t.outbox.c).where(t.outbox.c.channel == "telegram")).all())
    assert {(row.state, row.deaths, row.uncertain_sends, row.asks) for row in rows} == {("sent", 0, 0, 1)}


async def test_what_the_provider_said_in_an_outage_is_not_forgotten_FT17(world: World) -> None:
    await world.dispatch_ticket()
    world.channel.plan("chat-H1", DeliveryError("throttled", "429", retry_after=4))
    outage = Outage(world.outbox, world.moves)
    outage.begin_at("postpone")
    await live_through(world, outage)
    world.pass_time(seconds=5)
    await world.worker.run_once()
    texts = [sent.text for sent in world.channel.list_sent("chat-H1")]
    assert len(texts) == 1 and "重发" not in texts[0], "it was refused, so this is no copy"


async def test_ten_outages_kill_no_message_FM7(world: World) -> None:
    await world.dispatch_ticket()
    load = world.moves.load

    async def fail(*_: Any) -> Any:
        raise Unavailable("pool")

    world.moves.load = fail  # type: ignore[method-assign]
    for _ in range(10):
        await world.worker.run_once()
        world.pass_time(seconds=2)
    assert world.channel.sent == []
    world.moves.load = load  # type: ignore[method-assign]
    await world.worker.run_once()
    assert len(world.channel.sent) == 2 and (await world.list_states())["ticket_dispatched", "H1"] == ["sent"]
