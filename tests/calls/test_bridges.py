"""联系诉求人: the handler is called, then the requester; the result is recorded automatically (P3, A11, B49)."""

import pytest

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Grade, Role
from sandbox.telephone.behaviour import BUSY, FAILED, MACHINE, NO_ANSWER, Behaviour, HangUp, answer_with
from storage import tables as t
from tests.calls.world import ASKER, H1, HANDLER, OWN, World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def sign_ticket(world: World, phone: str | None = ASKER) -> None:
    """A ticket that the handler has signed."""
    await world.create_ticket("T1001", Grade.GENERAL, phone)
    await world.act("dispatch", Actor("D1", Role.DISPATCHER, "M01"), unit="U01")
    await world.act("sign", HANDLER)
    await world.settle()


async def list_contacts(world: World) -> list[tuple[str, str, bool]]:
    """By whom, through what and with which result the requester was contacted."""
    entries = [r for r in await world.rows(t.journal) if r.verb == "contact"]
    return [(r.by, r.source, '"reached":true' in r.arguments.replace(" ", "")) for r in entries]


async def test_both_are_called_neither_sees_the_others_number_and_the_contact_is_recorded(world: World) -> None:
    await sign_ticket(world)
    world.phone(H1).answer_with([])
    world.phone(ASKER).answer_with([])
    started = await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.settle()
    assert started.to == "138****1001"
    legs = [(c.to, c.caller) for c in world.simulator.phones.calls.values()]
    assert legs == [(H1, OWN), (ASKER, OWN)]
    assert "正在为您接通诉求人，本次通话将录音" in world.phone(H1).heard
    assert "住建局工作人员就您反映的事项与您联系，通话将录音" in world.phone(ASKER).heard
    call, attempt = await world.call(), await world.attempt()
    assert (call.purpose, call.outcome, call.to_masked) == ("bridge", "completed", "138****1001")
    assert attempt.recording is not None
    assert await list_contacts(world) == [("H1", "phone", True)]
    assert (await world.load()).lead.contacted_at is not None
    note = next(r.arguments for r in await world.rows(t.journal) if r.verb == "contact")
    assert str(call.id) in note and ASKER[-8:] not in note


@ONE_ENGINE
async def test_three_vain_attempts_are_evidence_that_the_requester_cannot_be_reached_B49(world: World) -> None:
    await sign_ticket(world)
    world.phone(H1).answer_with([])
    world.phone(ASKER).set_behaviours(BUSY)
    for _ in range(2):
        await world.calls.start_bridge(HANDLER, ticket_no="T1001")
        await world.settle()
    ticket = (await world.load()).ticket.id
    assert not (await world.calls.get_contact_attempts(ticket)).exempt
    world.phone(ASKER).ring_out()
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.settle()
    found = await world.calls.get_contact_attempts(ticket)
    assert (found.unreached, found.exempt) == (3, True)
    assert await list_contacts(world) == [("H1", "phone", False)] * 3
    assert (await world.list_audit_events()).count("requester_unreachable") == 1
    assert "诉求人电话暂时无法接通" in world.phone(H1).heard
    assert (await world.load()).lead.contacted_at is None


@ONE_ENGINE
async def test_a_fault_of_the_carrier_is_no_evidence_against_the_requester(world: World) -> None:
    await sign_ticket(world)
    world.phone(H1).answer_with([])
    world.phone(ASKER).set_behaviours(FAILED)
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.settle()
    assert await list_contacts(world) == [] and (await world.call()).outcome == "carrier_failed"
    assert (await world.calls.get_contact_attempts((await world.load()).ticket.id)).unreached == 0


@ONE_ENGINE
@pytest.mark.parametrize("behaviour", [NO_ANSWER, MACHINE], ids=["no answer", "machine"])
async def test_a_handler_who_does_not_answer_gets_a_message_and_the_requester_is_not_called(
    world: World, behaviour: Behaviour
) -> None:
    await sign_ticket(world)
    world.phone(H1).set_behaviours(behaviour)
    await world.bind("H1")
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.settle()
    await world.advance(minutes=30)
    assert world.count_calls(H1) == 1 and world.phone(ASKER).calls == []
    assert [r.kind for r in await world.rows(t.outbox) if r.kind.startswith("bridge_")] == ["bridge_not_started"]
    assert await list_contacts(world) == []


@ONE_ENGINE
async def test_a_handler_who_hangs_up_while_it_rings_has_contacted_nobody(world: World) -> None:
    await sign_ticket(world)
    own, requester = world.phone(H1).operate_by_hand(), world.phone(ASKER).operate_by_hand()
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.calls.run_once()
    live = await own.wait_for_ring()
    live.answer()
    await live.wait_to_hear("正在为您接通")
    await requester.wait_for_ring()
    live.hang_up()
    await live.wait_until_over()
    await world.advance(minutes=2)
    assert (await world.call()).outcome == "partial" and await list_contacts(world) == []


@ONE_ENGINE
async def test_pressing_the_button_twice_makes_one_call(world: World) -> None:
    await sign_ticket(world)
    world.phone(H1).answer_with([])
    world.phone(ASKER).answer_with([])
    first = await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    assert await world.calls.start_bridge(HANDLER, ticket_no="T1001") == first
    await world.settle()
    assert world.count_calls(H1) == 1


@ONE_ENGINE
async def test_a_connection_is_refused_to_others_before_signing_without_a_number_and_when_calls_are_stopped(
    world: World,
) -> None:
    await sign_ticket(world)
    await world.create_ticket("T2", phone=None)
    await world.act("dispatch", Actor("D1", Role.DISPATCHER, "M01"), "T2", unit="U01")

    async def get_refusal(by: Actor, no: str) -> str:
        with pytest.raises(Refused) as caught:
            await world.calls.start_bridge(by, ticket_no=no)
        return caught.value.code

    assert await get_refusal(Actor("D1", Role.DISPATCHER, "M01"), "T1001") == "forbidden"
    assert await get_refusal(Actor("X", Role.HANDLER, "U02"), "T1001") == "not_found"
    assert await get_refusal(HANDLER, "T2") == "not_now"
    await world.act("sign", HANDLER, "T2")
    assert await get_refusal(HANDLER, "T2") == "no_phone"
    assert await get_refusal(Actor.of_key("unit", Role.HANDLER, "U01"), "T1001") == "no_phone"
    await world.set_setting("calls.stopped", "true")
    assert await get_refusal(HANDLER, "T1001") == "calls_stopped"


async def talk_for(world: World, seconds: int | None) -> None:
    """A bridge whose second leg lasted that long, by the carrier's own account."""
    world.phone(H1).operate_by_hand()
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.calls.run_once()
    attempt = await world.attempt()
    parts = {"CallSid": attempt.provider_id, "CallStatus": "in-progress"}
    assert (await world.post(f"/voice/{attempt.id}?s=0", parts))[0] == 200
    told = {} if seconds is None else {"DialCallDuration": str(seconds)}
    assert (await world.post(f"/voice/{attempt.id}?s=1", parts | {"DialCallStatus": "completed"} | told))[0] == 200
    await world.settle()


@pytest.mark.proves("contact.min_seconds")
@pytest.mark.parametrize(
    ("setting", "seconds", "is_contact"),
    [(None, 3, False), (None, 14, False), (None, 15, True), (None, None, True), ("60", 59, False), ("0", 0, True)],
)
@ONE_ENGINE
async def test_a_talk_counts_as_a_contact_from_a_set_number_of_seconds_XM15(
    world: World, setting: str | None, seconds: int | None, is_contact: bool
) -> None:
    if setting is not None:
        await world.set_setting("contact.min_seconds", setting)
    await sign_ticket(world)
    await world.bind("H1")
    await talk_for(world, seconds)
    assert await list_contacts(world) == [("H1", "phone", True)] * is_contact
    assert ((await world.load()).lead.contacted_at is not None) is is_contact
    assert (await world.call()).outcome == "completed"
    told = [r.kind for r in await world.rows(t.outbox) if r.kind.startswith("bridge_")]
    assert told == ["bridge_done" if is_contact else "bridge_too_short"]
    found = await world.calls.get_contact_attempts((await world.load()).ticket.id)
    assert (found.unreached, found.exempt) == (0, False)


@ONE_ENGINE
async def test_a_requester_who_hangs_up_ends_the_call_as_a_contact(world: World) -> None:
    await sign_ticket(world)
    own = world.phone(H1).operate_by_hand()
    world.phone(ASKER).set_behaviours(answer_with([HangUp()]))
    await world.set_setting("contact.min_seconds", "0")
    await world.calls.start_bridge(HANDLER, ticket_no="T1001")
    await world.calls.run_once()
    live = await own.wait_for_ring()
    live.answer()
    await live.wait_to_hear("正在为您接通")
    await world.simulator.broadcast.wait(lambda: live.peer, 5)
    live.hang_up()
    await world.advance(minutes=2)
    assert await list_contacts(world) == [("H1", "phone", True)] and (await world.call()).outcome == "completed"
