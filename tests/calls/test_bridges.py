"""联系诉求人: the handler's telephone rings, then the requester's; what came of it is on record by itself (P3, A11, B49)."""

import pytest

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Grade, Role
from sandbox.twilio.behaviour import BUSY, FAILED, HangUp, answer_with
from storage import tables as t
from tests.calls.world import ASKER, H1, HANDLER, OWN, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def in_hand(world: World, phone: str | None = ASKER) -> None:
    await world.ticket("T1001", Grade.GENERAL, phone)
    await world.act("dispatch", Actor("D1", Role.DISPATCHER, "M01"), unit="U01")
    await world.act("sign", HANDLER)
    await world.settle()


async def contacts(world: World) -> list[tuple[str, str, bool]]:
    lines = [r for r in await world.rows(t.journal) if r.verb == "contact"]
    return [(r.by, r.source, '"reached":true' in r.words.replace(" ", "")) for r in lines]


async def test_both_are_rung_neither_sees_the_other_and_the_contact_is_logged(world: World) -> None:
    await in_hand(world)
    world.phone(H1).answer_with([])
    world.phone(ASKER).answer_with([])
    begun = await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.settle()
    assert begun.to == "138****1001"
    legs = [(c.to, c.caller) for c in world.town.phones.calls.values()]
    assert legs == [(H1, OWN), (ASKER, OWN)]
    assert "正在为您接通诉求人，本次通话将录音" in world.phone(H1).heard
    assert "住建局工作人员就您反映的事项与您联系，通话将录音" in world.phone(ASKER).heard
    call, attempt = await world.call(), await world.attempt()
    assert (call.purpose, call.outcome, call.to_masked) == ("bridge", "completed", "138****1001")
    assert attempt.recording is not None
    assert await contacts(world) == [("H1", "phone", True)]
    assert (await world.snap()).lead.contacted_at is not None
    note = next(r.words for r in await world.rows(t.journal) if r.verb == "contact")
    assert str(call.id) in note and ASKER[-8:] not in note


@ONE_ENGINE
async def test_three_attempts_in_vain_are_evidence_that_the_requester_cannot_be_reached_B49(world: World) -> None:
    await in_hand(world)
    world.phone(H1).answer_with([])
    world.phone(ASKER).set_behaviours(BUSY)
    for _ in range(2):
        await world.calls.start_bridge(HANDLER, ticket_no="T1001")
        await world.settle()
    ticket = (await world.snap()).ticket.id
    assert not (await world.calls.get_contact_attempts(ticket)).exempt
    world.phone(ASKER).ring_out()
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.settle()
    found = await world.calls.get_contact_attempts(ticket)
    assert (found.unreached, found.exempt) == (3, True)
    assert await contacts(world) == [("H1", "phone", False)] * 3
    assert (await world.audited()).count("requester_unreachable") == 1
    assert "诉求人电话暂时无法接通" in world.phone(H1).heard
    assert (await world.snap()).lead.contacted_at is None


@ONE_ENGINE
async def test_a_fault_of_the_line_is_no_evidence_against_the_requester(world: World) -> None:
    await in_hand(world)
    world.phone(H1).answer_with([])
    world.phone(ASKER).set_behaviours(FAILED)
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.settle()
    assert await contacts(world) == [] and (await world.call()).outcome == "carrier_failed"
    assert (await world.calls.get_contact_attempts((await world.snap()).ticket.id)).unreached == 0


@ONE_ENGINE
@pytest.mark.parametrize("fate", ["does_not_answer", "is_machine"])
async def test_a_handler_who_does_not_answer_is_told_and_the_requester_is_left_in_peace(
    world: World, fate: str
) -> None:
    await in_hand(world)
    getattr(world.phone(H1), fate)()
    person = (await world.office.snapshot()).by_code["H1"]
    await world.bound("H1")
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.settle()
    await world.go(minutes=30)
    assert world.rung(H1) == 1 and world.phone(ASKER).calls == [] and person.code == "H1"
    assert [r.kind for r in await world.rows(t.letters) if r.kind.startswith("B")] == ["B1"]
    assert await contacts(world) == []


@ONE_ENGINE
async def test_whoever_puts_the_receiver_down_while_it_rings_has_contacted_nobody(world: World) -> None:
    await in_hand(world)
    mine, theirs = world.phone(H1).operate_by_hand(), world.phone(ASKER).operate_by_hand()
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.calls.run_once()
    live = await mine.wait_for_ring()
    live.answer()
    await live.wait_to_hear("正在为您接通")
    await theirs.wait_for_ring()
    live.hang_up()
    await live.wait_until_over()
    await world.go(minutes=2)
    assert (await world.call()).outcome == "partial" and await contacts(world) == []


@ONE_ENGINE
async def test_pressed_twice_it_rings_once(world: World) -> None:
    await in_hand(world)
    world.phone(H1).answer_with([])
    world.phone(ASKER).answer_with([])
    first = await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    assert await world.calls.start_bridge(HANDLER, ticket_no="T1001") == first
    await world.settle()
    assert world.rung(H1) == 1


@ONE_ENGINE
async def test_who_may_not_and_when_it_cannot_be(world: World) -> None:
    await in_hand(world)
    await world.ticket("T2", phone=None)
    await world.act("dispatch", Actor("D1", Role.DISPATCHER, "M01"), "T2", unit="U01")

    async def refused(by: Actor, no: str) -> str:
        with pytest.raises(Refused) as caught:
            await world.calls.start_bridge(by, ticket_no=no)
        return caught.value.code

    assert await refused(Actor("D1", Role.DISPATCHER, "M01"), "T1001") == "forbidden"
    assert await refused(Actor("X", Role.HANDLER, "U02"), "T1001") == "not_found"
    assert await refused(HANDLER, "T2") == "not_now"
    await world.act("sign", HANDLER, "T2")
    assert await refused(HANDLER, "T2") == "no_phone"
    assert await refused(Actor("key:unit", Role.HANDLER, "U01"), "T1001") == "no_phone"
    await world.set("calls.stopped", "true")
    assert await refused(HANDLER, "T1001") == "calls_stopped"


@ONE_ENGINE
async def test_a_key_pressed_or_a_receiver_put_down_by_the_requester_ends_it_as_a_contact(world: World) -> None:
    await in_hand(world)
    mine = world.phone(H1).operate_by_hand()
    world.phone(ASKER).set_behaviours(answer_with([HangUp()]))
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.calls.run_once()
    live = await mine.wait_for_ring()
    live.answer()
    await live.wait_to_hear("正在为您接通")
    await world.town.broadcast.wait(lambda: live.peer, 5)
    live.hang_up()
    await world.go(minutes=2)
    assert await contacts(world) == [("H1", "phone", True)] and (await world.call()).outcome == "completed"
