"""A person on two networks: the one in use first, the next when it is dead, the telephone after the last."""

import pytest
from sqlalchemy import Connection, insert, select, update

from backend.domain.ticket_enums import Grade
from notify.channel import DeliveryError, EditResult
from storage import tables as t
from storage.office.config import bump_epoch
from tests.delivery.world import HANDLER, FakeChannel, SentMessage, World

BLOCKED = DeliveryError("dead_address", "blocked")
DOWN = DeliveryError("transient", "5xx")
CUT = DeliveryError("ambiguous", "network")


class SecondNetwork(FakeChannel):
    """Another network, whose messages have the same numbers as the first one's."""

    name = "feige"


async def bind_second(world: World, *people: str) -> SecondNetwork:
    """Bind people on a second network too, earlier than on the first: it is used second."""
    second = SecondNetwork()
    world.other_channels["feige"] = second
    world.worker = world.build_worker()

    def work(c: Connection) -> None:
        for number, person in enumerate(people):
            row = {"id": 800_000 + number, "person": person, "channel": "feige", "address": f"fei-{person}",
                   "user_id": person, "state": "live", "how": "code", "bound_at": 0}  # fmt: skip
            c.execute(insert(t.bindings).values(**row))
        bump_epoch(c)

    await world.db.write(work)
    world.office.invalidate()
    return second


async def choose(world: World, person: str, network: str) -> None:
    """What `People.prefer_chat` stores."""

    def work(c: Connection) -> None:
        c.execute(update(t.people).where(t.people.c.code == person).values(preferred_chat=network))
        bump_epoch(c)

    await world.db.write(work)
    world.office.invalidate()


async def test_a_dead_chat_leads_to_the_next_network_once_and_nobody_is_called_for_it_FT20(world: World) -> None:
    second = await bind_second(world, "H1")
    world.channel.plan("chat-H1", BLOCKED)
    await world.dispatch_ticket()
    planned = [d.message.id for d in await world.list_deliveries(channel="phone")]
    await world.worker.run_once()
    await world.worker.run_once()
    [card] = second.list_sent("fei-H1")
    assert "T1" in card.text and "重发" not in card.text
    assert world.channel.list_sent("chat-H1") == [] and world.channel.requested.count("chat-H1") == 1
    assert world.dropped_bindings == [("H1", "telegram", "blocked")]
    assert [d.message.id for d in await world.list_deliveries(channel="phone")] == planned, "nobody is rung for it"
    assert not any("消息通道已失效" in s.text for s in world.channel.sent), "one chat is left"
    assert "chat_lost" in await world.list_audit_events(), "but it is noted"
    failed = next(
        d for d in await world.list_deliveries() if d.message.person == "H1" and d.message.channel == "telegram"
    )
    copy = next(d for d in await world.list_deliveries() if d.message.channel == "feige")
    assert (failed.message.state, copy.message.state, copy.message.fallback_of) == ("failed", "sent", failed.message.id)


async def test_when_both_are_dead_it_is_the_telephone_and_the_colleagues_are_told_once_FT20(world: World) -> None:
    second = await bind_second(world, "H1")
    world.channel.plan("chat-H1", BLOCKED)
    second.plan("fei-H1", BLOCKED)
    await world.dispatch_ticket(grade=Grade.URGENT)
    await world.worker.run_once()
    await world.worker.run_once()
    assert [b[:2] for b in world.dropped_bindings] == [("H1", "telegram"), ("H1", "feige")]
    assert second.sent == [] and second.requested == ["fei-H1"]
    assert [d.message.person for d in await world.list_deliveries(channel="phone")] == ["H1"]
    assert sum("H1某 的消息通道已失效" in s.text for s in world.channel.list_sent("chat-L1")) == 1


async def test_a_message_for_a_chat_that_ended_meanwhile_goes_to_the_other(world: World) -> None:
    second = await bind_second(world, "H1")
    await world.dispatch_ticket()
    await world.drop_binding("H1", "telegram", "unbound")
    world.office.invalidate()
    await world.worker.run_once()
    assert len(second.list_sent("fei-H1")) == 1 and "chat-H1" not in world.channel.requested


@pytest.mark.parametrize("state", ["down", "throttled"])
async def test_a_network_that_is_down_or_shut_for_an_hour_is_passed_over_but_the_chat_stays_bound(
    world: World, state: str
) -> None:
    second = await bind_second(world, "H1")
    error = DOWN if state == "down" else DeliveryError("throttled", "429", retry_after=3600)
    world.channel.plan("chat-H1", *[error] * 20)
    second.plan("fei-H1", *[error] * 20)
    await world.dispatch_ticket()
    for _ in range(20):
        await world.worker.run_once()
        world.pass_time(minutes=10)
    mine = [
        d.message
        for d in await world.list_deliveries()
        if d.message.person == "H1" and d.message.kind == "ticket_dispatched"
    ]
    assert sorted((m.channel, m.state) for m in mine) == [("feige", "failed"), ("telegram", "failed")], "no third try"
    assert world.dropped_bindings == []


async def test_what_may_have_arrived_is_not_sent_to_the_other_network_FT24(world: World) -> None:
    second = await bind_second(world, "H1")
    world.channel.plan("chat-H1", CUT, BLOCKED)
    await world.dispatch_ticket()
    for _ in range(3):
        await world.worker.run_once()
        world.pass_time(minutes=1)
    assert second.sent == []


async def test_the_network_a_person_chose_gets_the_next_message_and_its_reminder(world: World) -> None:
    second = await bind_second(world, "H1")
    await world.dispatch_ticket("T1")
    await choose(world, "H1", "feige")
    await world.dispatch_ticket("T2")
    await world.worker.run_once()
    assert ["T1" in s.text for s in world.channel.list_sent("chat-H1")] == [True]
    assert ["T2" in s.text for s in second.list_sent("fei-H1")] == [True]


@pytest.mark.proves("chat.prefer")
async def test_the_offices_preference_counts_where_the_person_chose_none(world: World) -> None:
    second = await bind_second(world, "H1", "H2")
    await choose(world, "H2", "telegram")
    await world.set_setting("chat.prefer", "feige")
    await world.dispatch_ticket("T1")
    await world.worker.run_once()
    assert len(second.list_sent("fei-H1")) == 1 and second.list_sent("fei-H2") == []
    assert len(world.channel.list_sent("chat-H2")) == 1 and world.channel.list_sent("chat-H1") == []


async def test_a_card_gone_on_one_network_is_not_sent_again_where_the_other_has_a_newer_FT22(world: World) -> None:
    second = await bind_second(world, "H1")
    await world.dispatch_ticket()
    await world.worker.run_once()
    find = select(t.chat_cards).where(t.chat_cards.c.person == "H1")
    [first] = await world.db.fetch_all(find, lambda row: dict(row._mapping))
    newer = first | {"id": 700_001, "channel": "feige", "address": "fei-H1", "sent_at": first["sent_at"] + 1}
    await world.db.write(lambda c: c.execute(insert(t.chat_cards).values(**newer)))
    second.sent.append(SentMessage("fei-H1", "", [], first["message_id"], {}))
    world.channel.plan("chat-H1", EditResult.GONE)
    await world.act("sign", HANDLER)
    await world.worker.run_once()
    await world.worker.run_once()
    assert len(second.edits) == 1 and len(world.channel.list_sent("chat-H1")) == 1
    assert not any(d.message.kind == "card_resent" for d in await world.list_deliveries())
