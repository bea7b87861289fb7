"""What goes wrong on the way, and what follows: holds, second copies, dead chats, next contacts, poison."""

import asyncio
from datetime import timedelta

from backend.domain.records import Message
from backend.domain.ticket import Grade
from backend.ports.outbox import SendResult
from notify.channel import DeliveryError, EditResult
from tests.delivery.world import DISPATCHER, HANDLER, House

BLOCKED = DeliveryError("dead_address", "blocked")
CUT = DeliveryError("ambiguous", "network")
DOWN = DeliveryError("transient", "5xx")


async def test_a_429_holds_that_chat_and_the_others_go_on_FT17(house: House) -> None:
    house.channel.plan("chat-H1", DeliveryError("throttled", "429", retry_after=3))
    await house.dispatched("T1")
    await house.dispatched("T2")
    await house.courier.run_once()
    assert len(house.channel.to("chat-H2")) == 2 and house.channel.to("chat-H1") == []
    assert house.channel.asked.count("chat-H1") == 1
    house.later(seconds=4)
    await house.courier.run_once()
    assert [s.text.split("\n")[0][-2:] for s in house.channel.to("chat-H1")] == ["T1", "T2"]
    assert not any("重发" in s.text for s in house.channel.sent)


async def test_a_429_of_an_hour_falls_back_to_the_phone_and_later_letters_do_not_even_ask_FT18(
    house: House,
) -> None:
    house.channel.plan("chat-H2", DeliveryError("throttled", "429", retry_after=3600))
    await house.dispatched("T1")
    await house.courier.run_once()
    calls = [d.message for d in await house.deliveries() if d.message.channel == "phone"]
    failed = next(d for d in await house.deliveries() if d.message.kind == "M1" and d.message.person == "H2")
    assert failed.message.state == "failed" and failed.error == "throttled 3600"
    assert [c.person for c in calls] == ["H1"] and calls[
        0
    ].not_before <= house.at  # the waiting call is brought forward
    await house.dispatched("T2")
    await house.courier.run_once()
    assert house.channel.asked.count("chat-H2") == 1


async def test_a_blocked_chat_is_forgotten_the_unit_told_and_the_person_rung_FT20(house: House) -> None:
    house.channel.plan("chat-H1", BLOCKED)
    await house.dispatched(grade=Grade.URGENT)
    before = [d.message.person for d in await house.deliveries() if d.message.channel == "phone"]
    await house.courier.run_once()
    assert before == ["H1"]  # an urgent dispatch rings the first handler anyway: no second call
    assert [d.message.person for d in await house.deliveries() if d.message.channel == "phone"] == ["H1"]
    assert house.lost == [("H1", "telegram", "blocked")]
    assert any("H1某 的消息通道已失效" in s.text for s in house.channel.to("chat-L1"))
    assert "address_dead" in await house.audit()
    await house.courier.run_once()
    assert house.channel.asked.count("chat-H1") == 1


async def test_a_chain_of_letters_leads_from_person_to_person_and_at_last_to_a_task(house: House) -> None:
    await house.dispatched()
    await house.courier.run_once()
    rung = []
    for _ in range(6):
        waiting = [d.message for d in await house.deliveries()
                   if d.message.channel == "phone" and d.message.state == "pending"]  # fmt: skip
        if not waiting:
            break
        rung.append(waiting[0].person)
        await house.courier.report_unreachable(waiting[0].id, "no_answer")
        await house.courier.report_unreachable(waiting[0].id, "no_answer")  # told twice, done once
    assert rung == ["H1", "H2", "L1", "G1"]
    await house.courier.run_once()
    tasks = [s.text for s in house.channel.to("chat-D1")]
    assert len(tasks) == 1 and "请人工联系 住建局" in tasks[0]
    assert (await house.audit()).count("unreached") == 1
    chain = {d.message.id: d.message for d in await house.deliveries()}
    last = next(x for x in chain.values() if x.kind == "T1")
    persons = []
    while last.cause_id is not None:
        last = chain[last.cause_id]
        persons.append(last.person)
    assert persons == ["G1", "L1", "H2", "H1"]


async def test_nobody_is_rung_for_a_ticket_signed_meanwhile_FW18(house: House) -> None:
    await house.dispatched(grade=Grade.URGENT)
    call = next(d.message for d in await house.deliveries() if d.message.channel == "phone")
    await house.act("sign", HANDLER)
    await house.courier.report_unreachable(call.id, "busy")
    assert sum(d.message.channel == "phone" for d in await house.deliveries()) == 1


async def test_a_migrated_group_gets_its_message_once_at_the_new_address_FT21(house: House) -> None:
    house.channel.plan("chat-H1", DeliveryError("dead_address", "migrated", new_address="-100777"))
    await house.dispatched()
    await house.courier.run_once()
    assert [s.base_url for s in house.channel.sent if s.base_url != "chat-H2"] == ["-100777"]
    assert house.lost == []
    await house.dispatched("T2")
    await house.courier.run_once()
    assert len(house.channel.to("-100777")) == 2


async def test_a_gone_message_is_sent_anew_when_it_matters_FT22(house: House) -> None:
    await house.dispatched()
    await house.courier.run_once()
    house.channel.plan("chat-H1", EditResult.GONE)
    await house.act("sign", HANDLER)
    await house.courier.run_once()
    again = house.channel.to("chat-H1")[-1]
    assert "已签收：H1某" in again.text and "联系诉求人" in again.buttons
    await house.act("reply", HANDLER, text="修好了", way="phone")
    await house.courier.run_once()
    assert {e.message_id for e in house.channel.edits if e.base_url == "chat-H1"} == {again.message_id}


async def test_trouble_at_the_server_is_waited_out_with_growing_pauses_and_then_the_phone_rings_FT23(
    house: House,
) -> None:
    house.channel.plan("chat-H1", *[DOWN] * 8)
    await house.dispatched()
    await house.courier.run_once()
    for _ in range(12):
        house.later(seconds=300)
        await house.courier.run_once()
    assert house.channel.asked.count("chat-H1") == 8 and house.channel.to("chat-H1") == []
    found = await house.deliveries()
    assert next(d for d in found if d.message.kind == "M1" and d.message.person == "H1").message.state == "failed"
    assert any(d.message.channel == "phone" and d.message.person == "H1" for d in found)


async def test_a_doubtful_send_is_repeated_once_marked_and_never_again_FT24(house: House) -> None:
    house.channel.plan("chat-H1", CUT, CUT)
    house.channel.plan("chat-H2", CUT)
    await house.dispatched()
    await house.courier.run_once()
    for _ in range(4):
        house.later(seconds=60)
        await house.courier.run_once()
    assert house.channel.asked.count("chat-H1") == 2
    assert [s.text[:4] for s in house.channel.to("chat-H2")] == ["（重发）"]
    states = await house.states()
    assert states["M1", "H1"] == ["ambiguous"] and states["M1", "H2"] == ["sent"]


async def test_a_wrong_token_is_our_fault_and_nobody_is_unbound_or_rung_for_it(house: House) -> None:
    house.channel.plan("chat-H2", DeliveryError("permanent", "auth"))
    await house.dispatched()
    await house.courier.run_once()
    assert house.lost == [] and (await house.states())["M1", "H2"] == ["pending"]
    house.later(minutes=1)
    await house.courier.run_once()
    assert len(house.channel.to("chat-H2")) == 1


async def test_no_transaction_is_open_while_the_network_is_silent_FT25(house: House) -> None:
    async def meanwhile() -> None:
        await asyncio.wait_for(house.act("regrade", DISPATCHER, "T2", grade="urgent", reason="升级"), 5)

    await house.ticket("T2")
    await house.dispatched("T1")
    once = [meanwhile()]
    house.channel.before = lambda _: once.pop() if once else None
    await house.courier.run_once()
    assert len(house.channel.sent) == 2 and not once


async def test_a_letter_that_cannot_be_drawn_dies_alone_and_the_others_go_on_FM7(house: House) -> None:
    await house.dispatched()
    now = house.at
    await house.ids.refill(2)
    await house.messages.add(
        [
            Message(
                house.ids.take(),
                "M99",
                "telegram",
                "H1",
                (await house.deliveries())[0].message.ticket_id,
                None,
                1,
                True,
                now,
                now,
            )
        ]  # fmt: skip
    )
    for _ in range(7):
        await house.courier.run_once()
        house.later(minutes=1)
    states = await house.states()
    assert states["M99", "H1"] == ["dead"] and states["M1", "H1"] == ["sent"]


async def test_a_lost_worker_s_letter_is_sent_by_another_as_a_second_copy_and_the_zombie_is_refused_FM1_FM4_FM15(
    house: House,
) -> None:
    await house.dispatched()
    first = (await house.messages.list_waiting(["telegram"], house.at, 1))[0]
    lease = timedelta(seconds=45)
    held = await house.messages.claim("zombie", ["telegram"], house.at, 1, lease, [first.id], ask=[first.id])
    await house.courier.run_once()
    assert len(house.channel.sent) == 1  # the other handler's; this one is in hand
    house.later(seconds=46)
    await house.courier.run_once()
    assert [s.text[:4] for s in house.channel.sent][1:] == ["（重发）"]
    late = SendResult(held[0].message.id, "zombie", 1, "failed", house.at, error="late")
    assert await house.messages.settle([late]) == [False]
    assert not await house.messages.renew("zombie", [first.id], lease)
    assert (await house.messages.get(first.id)).message.state == "sent"  # type: ignore[union-attr]


async def test_a_worker_paused_longer_than_its_lease_does_not_send_what_another_has_sent_FS15(
    house: House,
) -> None:
    await house.dispatched()
    other = house.new_courier("w2")
    channel = house.channel
    drawn = house.drawing.render
    paused = asyncio.Event()
    go = asyncio.Event()

    async def slow(letter):  # type: ignore[no-untyped-def]
        if letter.person == "H1" and not paused.is_set():
            paused.set()
            await go.wait()
        return await drawn(letter)

    house.drawing.render = slow  # type: ignore[method-assign]
    first = asyncio.create_task(house.courier.run_once())
    await paused.wait()
    house.later(seconds=60)  # as after SIGSTOP: the lease has run out, another worker is at it
    await other.run_once()
    go.set()
    await first
    assert len(channel.to("chat-H1")) == 1
    assert (await house.states())["M1", "H1"] == ["sent"]
    await other.close()


async def test_two_workers_send_each_letter_once_FM8(house: House) -> None:
    for number in range(10):
        await house.dispatched(f"T{number}")
    others = [house.new_courier(f"w{n}") for n in range(3)]
    await asyncio.gather(house.courier.run_once(), *(o.run_once() for o in others))
    assert len(house.channel.sent) == 20
    assert len({(s.base_url, s.text) for s in house.channel.sent}) == 20


async def test_a_failing_database_write_after_a_send_is_tried_again_and_nothing_is_sent_twice_G5(
    house: House,
) -> None:
    await house.dispatched()
    settle = house.messages.settle
    fail = [True, True]

    async def shaky(settlements):  # type: ignore[no-untyped-def]
        if fail:
            fail.pop()
            raise OSError("the database is away")
        return await settle(settlements)

    house.messages.settle = shaky  # type: ignore[method-assign]
    await house.courier.run_once()
    house.later(seconds=60)
    await house.courier.run_once()
    assert len(house.channel.sent) == 2
    assert {s for ss in (await house.states()).values() for s in ss if s != "pending"} == {"sent"}


async def test_somebody_without_a_chat_any_more_is_rung_instead_FA7(house: House) -> None:
    await house.dispatched()
    await house.drop_binding("H2", "telegram", "moved")
    house.office.invalidate()
    await house.courier.run_once()
    states = await house.states()
    assert states["M1", "H2"] == ["failed"] and "chat-H2" not in house.channel.asked


async def test_many_reminders_of_one_person_become_one_digest_FS17(house: House) -> None:
    for number in range(8):
        await house.dispatched(f"T{number}")
    await house.courier.run_once()
    house.channel.sent.clear()
    await house.ids.refill(20)
    reminders = []
    for number in range(8):
        snap = (await house.deliveries(f"T{number}"))[0].message
        reminders.append(Message(house.ids.take(), "M3", "telegram", "H1", snap.ticket_id, snap.assignment_id, 2, False,
                                house.at, house.at))  # fmt: skip
    await house.messages.add(reminders)
    await house.courier.run_once()
    assert house.channel.sent == []  # it waits for its hour
    house.at = house.at.replace(hour=14, minute=0)
    await house.courier.run_once()
    assert len(house.channel.sent) == 1
    digest = house.channel.sent[0]
    assert digest.text.startswith("H1某，您好。今日待办 8 件：待签收 8 件") and digest.buttons == [
        "逐件处理",
        "稍后提醒",
    ]


async def test_a_nudge_wakes_a_waiting_courier_at_once_P4(house: House) -> None:
    house.desk.listeners.append(house.courier.wake)
    waiting = asyncio.create_task(house.courier.wait(30))
    await house.dispatched()
    await asyncio.wait_for(waiting, 2)
    await house.courier.run_once()
    assert len(house.channel.sent) == 2


async def test_a_courier_that_is_told_to_go_finishes_what_has_left_and_takes_nothing_more_FM2(
    house: House,
) -> None:
    for number in range(5):
        await house.dispatched(f"T{number}")
    gate = asyncio.Event()
    house.channel.before = lambda _: gate.wait()
    courier = house.new_courier(at_once=2)
    house.channel.buckets = lambda _: ()
    going = asyncio.create_task(courier.run_once())
    while not house.channel.asked:
        await asyncio.sleep(0.01)
    closing = asyncio.create_task(courier.close())
    await asyncio.sleep(0.01)
    gate.set()
    await closing
    await going
    states = [
        s for n in range(5) for (kind, _), ss in (await house.states(f"T{n}")).items() for s in ss if kind == "M1"
    ]
    assert "sending" not in states and len(house.channel.sent) == states.count("sent")
    assert await courier.run_once() == 0
