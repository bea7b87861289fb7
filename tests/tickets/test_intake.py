"""A demand that arrives becomes a ticket: complete ones wait for dispatch, repeats are seen, persons are sealed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Channel, Grade, Obligation, Role, Source, State
from backend.ports.moves import TicketRef
from backend.tickets.intake import TicketForm
from storage import tables as t
from tests.tickets.conftest import CLERK, Bench

FORM = TicketForm(
    category=Category.HELP, grade=Grade.GENERAL, channel=Channel.PHONE, text="路灯不亮", place="东风桥",
    requester_name="李红", requester_phone="138 0000 2005",
)  # fmt: skip


async def receive(bench: Bench, form: TicketForm, by: Actor = CLERK) -> str:
    return await bench.house.intake.receive(form, by, Source.API)


@pytest.mark.parametrize(("grade", "hours"), [(Grade.GENERAL, 12), (Grade.URGENT, 2)])
async def test_a_complete_demand_waits_for_dispatch_and_the_clock_runs_from_when_it_was_made(
    bench: Bench, grade: Grade, hours: int
) -> None:
    made = bench.house.clock.now() - timedelta(hours=1)
    no = await receive(bench, replace(FORM, grade=grade, generated_at=made))
    snap = await bench.house.moves.load(TicketRef(no=no))
    assert snap is not None
    assert snap.ticket.state is State.PENDING_DISPATCH
    assert snap.ticket.management == snap.ticket.first_receiver == "M01"
    (duty,) = snap.duties
    assert (duty.kind, duty.unit, duty.due_at) == (Obligation.DISPATCH, "M01", made + timedelta(hours=hours))
    assert duty.next_at is not None and duty.next_at <= duty.due_at
    assert snap.last_entry is not None and snap.last_entry.verb == "create" and snap.ticket.head == snap.last_entry.hash


@pytest.mark.parametrize("gap", ["category", "grade", "channel", "text"])
async def test_what_lacks_a_field_waits_to_be_accepted(bench: Bench, gap: str) -> None:
    no = await receive(bench, replace(FORM, **{gap: None}))
    snap = await bench.house.moves.load(TicketRef(no=no))
    assert snap is not None and snap.ticket.state is State.REGISTERED and not snap.duties


async def test_a_ticket_without_a_number_gets_one_of_the_day_that_nobody_else_has(bench: Bench) -> None:
    await receive(bench, replace(FORM, ticket_no="JS20261110002"))
    numbers = [await receive(bench, FORM) for _ in range(3)]
    assert numbers == ["JS20261110001", "JS20261110003", "JS20261110004"]


async def test_a_known_number_is_refused_and_nothing_is_changed(bench: Bench) -> None:
    await receive(bench, replace(FORM, ticket_no="T1"))
    with pytest.raises(Refused, match="exists"):
        await receive(bench, replace(FORM, ticket_no="T1", text="别的"))
    assert (await bench.ticket("T1")).text == "路灯不亮"


async def test_names_and_numbers_are_sealed_and_only_the_tail_is_plain(bench: Bench) -> None:
    no = await receive(bench, FORM)
    row = await bench.ticket(no)
    vault = bench.house.encryption
    assert vault.open("tickets", row.id, "name", row.name_sealed) == "李红"
    assert vault.open("tickets", row.id, "phone", row.phone_sealed) == "+8613800002005"
    assert row.phone_index == vault.blind_index("+8613800002005")
    assert row.phone_tail == "2005"
    words = await bench.house.db.read(lambda c: c.execute(select(t.journal.c.words)).scalars().all())
    assert not any("李红" in w or "13800002005" in w for w in words)


async def test_the_same_caller_with_the_same_kind_of_matter_is_flagged_as_a_repeat(bench: Bench) -> None:
    first = await receive(bench, FORM)
    second = await receive(bench, replace(FORM, requester_phone="+86 13800002005"))
    other = await receive(bench, replace(FORM, category=Category.PRAISE))
    bench.later(days=31)
    late = await receive(bench, FORM)
    flags = [(await bench.ticket(no)).flags for no in (first, second, other, late)]
    assert flags == ["", "suspected_repeat", "", ""]


async def test_repeats_are_seen_within_one_file_as_well(bench: Bench) -> None:
    numbers = await bench.house.intake.receive_many([FORM, FORM], CLERK, Source.IMPORT)
    assert [(await bench.ticket(str(no))).flags for no in numbers] == ["", "suspected_repeat"]


async def test_who_asked_not_to_be_rung_is_not_rung_for_his_next_demand_either_FW33(bench: Bench) -> None:
    await receive(bench, replace(FORM, no_visit=True))
    assert (await bench.ticket(await receive(bench, FORM))).no_visit


async def test_a_confidential_demand_is_flagged_from_the_first_moment(bench: Bench) -> None:
    assert (await bench.ticket(await receive(bench, replace(FORM, confidential=True)))).flags == "confidential"


@pytest.mark.parametrize("at", [
    datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC),
    datetime(2026, 11, 10),  # noqa: DTZ001 - the fault under test
])  # fmt: skip
@pytest.mark.parametrize("name", ["generated_at", "submitted_at"])
async def test_times_that_cannot_be_are_refused_at_the_door_FS19(bench: Bench, at: datetime, name: str) -> None:
    with pytest.raises(Refused, match="bad_field") as refused:
        await receive(bench, replace(FORM, **{name: at}))
    assert refused.value.facts["field"] == name


@pytest.mark.parametrize(("field", "value", "code"), [
    ("requester_phone", "12345", "bad_phone"), ("requester_phone", "1.38E+10", "bad_phone"),
    ("ticket_no", "a b", "bad_code"), ("title", "长" * 301, "too_long"), ("text", "\0", "bad_character"),
])  # fmt: skip
async def test_a_bad_field_is_named(bench: Bench, field: str, value: str, code: str) -> None:
    with pytest.raises(Refused, match=code) as refused:
        await receive(bench, replace(FORM, **{field: value}))
    assert refused.value.facts["field"] == field
    assert await bench.count(t.tickets) == 0


async def test_a_handler_brings_no_demands(bench: Bench) -> None:
    with pytest.raises(Refused, match="forbidden"):
        await receive(bench, FORM, Actor("H101", Role.HANDLER, "U01"))


async def test_each_new_ticket_is_told_to_whoever_listens(bench: Bench) -> None:
    heard: list[str] = []
    bench.house.tickets.listeners.append(lambda plan, no: heard.append(f"{plan.entry.verb} {no}"))
    await bench.house.intake.receive_many([replace(FORM, ticket_no=f"T{n}") for n in range(20)], CLERK, Source.IMPORT)
    assert heard == [f"create T{n}" for n in range(20)]


async def test_who_rang_is_known_of_each_of_many_as_of_one_T4(bench: Bench) -> None:
    await receive(bench, FORM)
    await bench.house.intake.receive_many([FORM] * 20, CLERK, Source.IMPORT)
    rows = await bench.house.db.read(lambda c: c.execute(select(t.tickets.c.phone_index)).scalars().all())
    assert len(rows) == 21 and len(set(rows)) == 1 and rows[0]
