"""What the network refuses, and what follows: waiting, one marked copy, a lost chat, a call, the next contact, a task."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.ticket_enums import Grade
from notify.channel import DeliveryError, EditResult, Edits
from tests.delivery.world import HANDLER, World

BLOCKED = DeliveryError("dead_address", "blocked")
CUT = DeliveryError("ambiguous", "network")
DOWN = DeliveryError("transient", "5xx")


async def list_called(world: World, no: str = "T1") -> list[str]:
    """Who is to be called about a ticket."""
    return [d.message.person for d in await world.list_deliveries(no, channel="phone")]


async def test_a_429_holds_that_chat_and_the_others_go_on_FT17(world: World) -> None:
    world.channel.plan("chat-H1", DeliveryError("throttled", "429", retry_after=3))
    await world.dispatch_ticket("T1")
    await world.dispatch_ticket("T2")
    await world.worker.run_once()
    assert len(world.channel.list_sent("chat-H2")) == 2 and world.channel.list_sent("chat-H1") == []
    assert world.channel.requested.count("chat-H1") == 1
    world.pass_time(seconds=4)
    await world.worker.run_once()
    assert [s.text.split("\n")[0][-2:] for s in world.channel.list_sent("chat-H1")] == ["T1", "T2"]
    assert not any("重发" in s.text for s in world.channel.sent)


async def test_a_429_of_an_hour_leads_to_a_call_and_the_chat_is_not_asked_again_FT18(world: World) -> None:
    world.channel.plan("chat-H2", DeliveryError("throttled", "429", retry_after=3600))
    await world.dispatch_ticket("T1")
    await world.worker.run_once()
    calls = [d.message for d in await world.list_deliveries(channel="phone")]
    failed = next(
        d for d in await world.list_deliveries() if (d.message.kind, d.message.person) == ("ticket_dispatched", "H2")
    )
    assert failed.message.state == "failed" and failed.error == "throttled 3600"
    assert [c.person for c in calls] == ["H1"] and calls[0].not_before <= world.at  # the planned call, brought forward
    await world.dispatch_ticket("T2")
    await world.worker.run_once()
    assert world.channel.requested.count("chat-H2") == 1


async def test_who_blocked_the_bot_is_unbound_and_called_and_the_liaison_told_FT20(world: World) -> None:
    world.channel.plan("chat-H1", BLOCKED)
    await world.dispatch_ticket(grade=Grade.URGENT)
    assert await list_called(world) == ["H1"]  # about an urgent ticket the first handler is called anyway
    await world.worker.run_once()
    assert await list_called(world) == ["H1"]  # no second call
    assert world.dropped_bindings == [("H1", "telegram", "blocked")]
    assert any("H1某 的消息通道已失效" in s.text for s in world.channel.list_sent("chat-L1"))
    assert "chat_lost" in await world.list_audit_events()
    await world.worker.run_once()
    assert world.channel.requested.count("chat-H1") == 1


async def test_who_is_not_bound_any_more_is_not_written_to_but_the_unit_is_called_FA7(world: World) -> None:
    await world.dispatch_ticket()
    await world.drop_binding("H2", "telegram", "moved")
    world.office.invalidate()
    await world.worker.run_once()
    assert (await world.list_states())["ticket_dispatched", "H2"] == ["failed"]
    assert "chat-H2" not in world.channel.requested
    [call] = await world.list_deliveries(channel="phone")
    assert call.message.person == "H1" and call.message.not_before <= world.at  # the planned call, brought forward


@pytest.mark.parametrize(("why", "told"), [("no_answer", []), ("number_refused", ["message_dead"])])
async def test_each_failed_call_leads_to_the_next_contact_and_at_last_to_a_task(
    world: World, why: str, told: list[str]
) -> None:
    """Administrators know at once of what nobody could hear; of a telephone nobody took a person has the task."""
    await world.dispatch_ticket()
    await world.worker.run_once()
    called, alarms = [], []
    world.worker = world.build_worker(tell_alarm=lambda cause, **_: alarms.append(cause))
    for _ in range(6):
        waiting = [d.message for d in await world.list_deliveries(channel="phone") if d.message.state == "pending"]
        if not waiting:
            break
        called.append(waiting[0].person)
        assert alarms == []
        await world.worker.report_unreachable(waiting[0].id, why)
        await world.worker.report_unreachable(waiting[0].id, why)  # a second report changes nothing
    assert called == ["H1", "H2", "L1", "G1"] and alarms == told
    await world.worker.run_once()
    tasks = [s.text for s in world.channel.list_sent("chat-D1")]
    assert len(tasks) == 1 and "请人工联系 住建局" in tasks[0]
    assert (await world.list_audit_events()).count("unreached") == 1
    messages = {d.message.id: d.message for d in await world.list_deliveries()}
    last = next(message for message in messages.values() if message.kind == "contact_by_hand")
    replaced = []
    while last.fallback_of is not None:
        last = messages[last.fallback_of]
        replaced.append(last.person)
    assert replaced == ["G1", "L1", "H2", "H1"]


async def test_nobody_else_is_called_about_a_ticket_signed_meanwhile_FW18(world: World) -> None:
    await world.dispatch_ticket(grade=Grade.URGENT)
    [call] = await world.list_deliveries(channel="phone")
    await world.act("sign", HANDLER)
    await world.worker.report_unreachable(call.message.id, "busy")
    assert len(await world.list_deliveries(channel="phone")) == 1


async def test_a_group_with_a_new_address_gets_its_message_there_once_FT21(world: World) -> None:
    world.channel.plan("chat-H1", DeliveryError("dead_address", "migrated", new_address="-100777"))
    await world.dispatch_ticket()
    await world.worker.run_once()
    assert [s.address for s in world.channel.sent if s.address != "chat-H2"] == ["-100777"]
    assert world.dropped_bindings == []
    await world.dispatch_ticket("T2")
    await world.worker.run_once()
    assert len(world.channel.list_sent("-100777")) == 2


async def test_a_deleted_card_is_sent_anew_when_it_matters_FT22(world: World) -> None:
    await world.dispatch_ticket()
    await world.worker.run_once()
    world.channel.plan("chat-H1", EditResult.GONE)
    await world.act("sign", HANDLER)
    await world.worker.run_once()
    anew = world.channel.list_sent("chat-H1")[-1]
    assert "已签收：H1某" in anew.text and "联系诉求人" in anew.buttons
    await world.act("reply", HANDLER, text="修好了", way="phone")
    await world.worker.run_once()
    assert {e.message_id for e in world.channel.edits if e.address == "chat-H1"} == {anew.message_id}


async def test_a_card_that_the_network_no_longer_lets_us_change_is_sent_anew_without_asking_FT22(world: World) -> None:
    world.channel.can = replace(world.channel.can, edits=Edits("token", lives=timedelta(hours=72)))
    await world.dispatch_ticket()
    await world.worker.run_once()
    await world.act("sign", HANDLER)
    await world.worker.run_once()
    assert [e.address for e in world.channel.edits if e.address == "chat-H1"] == ["chat-H1"]
    world.pass_time(hours=73)
    await world.act("reply", HANDLER, text="修好了", way="phone")
    await world.worker.run_once()
    await world.worker.run_once()
    anew = world.channel.list_sent("chat-H1")[-1]
    assert "办结" in anew.buttons and len([e for e in world.channel.edits if e.address == "chat-H1"]) == 1


async def test_cards_that_can_never_be_changed_are_let_be(world: World) -> None:
    world.channel.can = replace(world.channel.can, edits=Edits("none"))
    await world.dispatch_ticket()
    await world.worker.run_once()
    await world.act("sign", HANDLER)
    await world.worker.run_once()
    assert world.channel.edits == [] and len(world.channel.list_sent("chat-H1")) == 1


async def test_trouble_at_the_server_is_waited_out_with_growing_pauses_and_then_a_call_is_made_FT23(
    world: World,
) -> None:
    world.channel.plan("chat-H1", *[DOWN] * 8)
    await world.dispatch_ticket()
    await world.worker.run_once()
    for _ in range(12):
        world.pass_time(seconds=300)
        await world.worker.run_once()
    assert world.channel.requested.count("chat-H1") == 8 and world.channel.list_sent("chat-H1") == []
    assert (await world.list_states())["ticket_dispatched", "H1"] == ["failed"]
    assert "H1" in await list_called(world)


async def test_an_ambiguous_message_is_sent_once_more_marked_and_never_again_FT24(world: World) -> None:
    world.channel.plan("chat-H1", CUT, CUT)
    world.channel.plan("chat-H2", CUT)
    await world.dispatch_ticket()
    await world.worker.run_once()
    for _ in range(4):
        world.pass_time(seconds=60)
        await world.worker.run_once()
    assert world.channel.requested.count("chat-H1") == 2
    assert [s.text[:4] for s in world.channel.list_sent("chat-H2")] == ["（重发）"]
    states = await world.list_states()
    assert states["ticket_dispatched", "H1"] == ["ambiguous"] and states["ticket_dispatched", "H2"] == ["sent"]


async def test_a_wrong_token_is_our_fault_and_nobody_is_unbound_or_called_for_it(world: World) -> None:
    world.channel.plan("chat-H2", DeliveryError("permanent", "auth"))
    await world.dispatch_ticket()
    called = await list_called(world)
    told: list[str] = []
    world.worker = world.build_worker(tell_alarm=lambda cause, **_: told.append(cause))
    await world.worker.run_once()
    assert told == ["bot_refused"]  # administrators know (FS6)
    assert world.dropped_bindings == [] and (await world.list_states())["ticket_dispatched", "H2"] == ["pending"]
    assert await list_called(world) == called
    world.pass_time(minutes=1)
    await world.worker.run_once()
    assert len(world.channel.list_sent("chat-H2")) == 1


async def test_administrators_are_told_of_a_message_that_is_given_up_FS6(world: World) -> None:
    async def fail(*_: object) -> None:
        raise ValueError("cannot be drawn")

    told: list[tuple[str, dict[str, object]]] = []
    world.renderer.render = fail  # type: ignore[method-assign]
    world.worker = world.build_worker(tell_alarm=lambda cause, **facts: told.append((cause, facts)))
    await world.dispatch_ticket()
    for _ in range(6):
        await world.worker.run_once()
        world.pass_time(minutes=1)
    assert {cause for cause, _ in told} == {"message_dead"}
    assert ("message_dead", {"person": "H1", "message": "ticket_dispatched"}) in told
