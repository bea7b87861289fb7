"""A demand becomes a ticket: a complete one waits for dispatch, repeats are flagged, personal data is encrypted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Channel, Grade, Obligation, Source, State
from backend.ports.tickets import TicketRef
from backend.tickets.new_ticket import NewTicket
from storage import tables as t
from tests.tickets.conftest import DISPATCHER, HANDLER, SampleCity

FORM = NewTicket(
    category=Category.HELP, grade=Grade.GENERAL, channel=Channel.PHONE, text="路灯不亮", place="东风桥",
    requester_name="李红", requester_phone="138 0000 2005",
)  # fmt: skip


async def receive(city: SampleCity, form: NewTicket, by: Actor = DISPATCHER) -> str:
    return await city.services.intake.receive(form, by, Source.API)


@pytest.mark.parametrize(("grade", "hours"), [(Grade.GENERAL, 12), (Grade.URGENT, 2)])
async def test_a_complete_demand_waits_for_dispatch_and_its_time_runs_from_when_it_was_made(
    city: SampleCity, grade: Grade, hours: int
) -> None:
    generated = city.core.clock.now() - timedelta(hours=1)
    no = await receive(city, replace(FORM, grade=grade, generated_at=generated))
    snap = await city.built.moves.load(TicketRef(ticket_no=no))
    assert snap is not None
    assert snap.ticket.state is State.PENDING_DISPATCH
    assert snap.ticket.management == snap.ticket.first_receiver == "M01"
    (duty,) = snap.duties
    assert (duty.kind, duty.unit, duty.due_at) == (Obligation.DISPATCH, "M01", generated + timedelta(hours=hours))
    assert duty.check_at is not None and duty.check_at <= duty.due_at
    assert (
        snap.last_entry is not None
        and snap.last_entry.verb == "create"
        and snap.ticket.journal_head == snap.last_entry.hash
    )


@pytest.mark.parametrize(
    "nothing", [NewTicket(), NewTicket(category=Category.HELP, text=" ", title="\u3000", requester_phone=" ")]
)
async def test_a_demand_that_says_nothing_and_names_nobody_to_ask_is_refused(
    city: SampleCity, nothing: NewTicket
) -> None:
    with pytest.raises(Refused) as refusal:
        await receive(city, nothing)
    assert (refusal.value.code, refusal.value.facts["field"]) == ("missing", "text")
    assert [answer.code for answer in await city.services.intake.check([nothing]) if isinstance(answer, Refused)] == [
        "missing"
    ]
    assert await city.count(t.tickets) == 0


@pytest.mark.parametrize("missing", ["category", "grade", "channel", "text"])
async def test_a_demand_that_lacks_a_field_waits_to_be_accepted(city: SampleCity, missing: str) -> None:
    no = await receive(city, replace(FORM, **{missing: None}))
    snap = await city.built.moves.load(TicketRef(ticket_no=no))
    assert snap is not None and snap.ticket.state is State.REGISTERED and not snap.duties


async def test_a_ticket_without_a_number_gets_one_of_the_day_that_no_other_has(city: SampleCity) -> None:
    await receive(city, replace(FORM, ticket_no="JS20261110002"))
    numbers = [await receive(city, FORM) for _ in range(3)]
    assert numbers == ["JS20261110001", "JS20261110003", "JS20261110004"]


async def test_a_known_number_is_refused_and_nothing_is_changed(city: SampleCity) -> None:
    await receive(city, replace(FORM, ticket_no="T1"))
    with pytest.raises(Refused, match="exists"):
        await receive(city, replace(FORM, ticket_no="T1", text="别的"))
    assert (await city.load_row("T1")).text == "路灯不亮"


async def test_names_and_phone_numbers_are_encrypted_and_only_the_last_four_digits_are_plain(city: SampleCity) -> None:
    no = await receive(city, FORM)
    row = await city.load_row(no)
    encryption = city.built.encryption
    assert encryption.open("tickets", row.id, "name", row.name_sealed) == "李红"
    assert encryption.open("tickets", row.id, "phone", row.phone_sealed) == "+8613800002005"
    assert row.phone_index == encryption.blind_index("+8613800002005")
    assert row.phone_tail == "2005"
    entries = await city.core.db.read(lambda c: c.execute(select(t.journal.c.arguments)).scalars().all())
    assert not any("李红" in entry or "13800002005" in entry for entry in entries)


async def test_the_same_requester_with_the_same_category_within_thirty_days_is_a_suspected_repeat(
    city: SampleCity,
) -> None:
    first = await receive(city, FORM)
    second = await receive(city, replace(FORM, requester_phone="+86 13800002005"))
    other = await receive(city, replace(FORM, category=Category.PRAISE))
    city.advance(days=31)
    late = await receive(city, FORM)
    flags = [(await city.load_row(no)).flags for no in (first, second, other, late)]
    assert flags == ["", "suspected_repeat", "", ""]


async def test_repeats_within_one_file_are_flagged_as_well(city: SampleCity) -> None:
    numbers = await city.services.intake.receive_many([FORM, FORM], DISPATCHER, Source.IMPORT)
    assert [(await city.load_row(str(no))).flags for no in numbers] == ["", "suspected_repeat"]


async def test_a_requester_who_asked_not_to_be_called_is_not_called_about_their_next_demand_either_FW33(
    city: SampleCity,
) -> None:
    await receive(city, replace(FORM, do_not_call=True))
    assert (await city.load_row(await receive(city, FORM))).do_not_call is True
    stranger = replace(FORM, requester_phone="13800002006")
    assert (await city.load_row(await receive(city, stranger))).do_not_call is False


async def test_a_confidential_demand_is_flagged_from_the_first_moment(city: SampleCity) -> None:
    assert (await city.load_row(await receive(city, replace(FORM, confidential=True)))).flags == "confidential"


@pytest.mark.parametrize("at", [
    datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC),
    datetime(2026, 11, 10),  # noqa: DTZ001 - the fault under test
])  # fmt: skip
@pytest.mark.parametrize("name", ["generated_at", "submitted_at"])
async def test_a_time_that_cannot_be_is_refused_at_intake_FS19(city: SampleCity, at: datetime, name: str) -> None:
    with pytest.raises(Refused, match="bad_field") as refused:
        await receive(city, replace(FORM, **{name: at}))
    assert refused.value.facts["field"] == name


@pytest.mark.parametrize(("field", "value", "code"), [
    ("requester_phone", "12345", "bad_phone"), ("requester_phone", "1.38E+10", "bad_phone"),
    ("ticket_no", "a b", "bad_code"), ("title", "长" * 301, "too_long"), ("text", "\0", "bad_character"),
])  # fmt: skip
async def test_a_bad_field_is_refused_by_name_and_nothing_is_kept(
    city: SampleCity, field: str, value: str, code: str
) -> None:
    with pytest.raises(Refused, match=code) as refused:
        await receive(city, replace(FORM, **{field: value}))
    assert refused.value.facts["field"] == field
    assert await city.count(t.tickets) == 0


async def test_a_handler_may_not_enter_demands(city: SampleCity) -> None:
    with pytest.raises(Refused, match="forbidden"):
        await receive(city, FORM, HANDLER)


async def test_each_new_ticket_is_reported_to_every_listener(city: SampleCity) -> None:
    reported: list[str] = []
    city.services.tickets.listeners.add(lambda plan, no: reported.append(f"{plan.entry.verb} {no}"))
    await city.services.intake.receive_many(
        [replace(FORM, ticket_no=f"T{n}") for n in range(20)], DISPATCHER, Source.IMPORT
    )
    assert reported == [f"create T{n}" for n in range(20)]


async def test_the_requester_is_recognised_in_each_of_many_demands_as_in_one_T4(city: SampleCity) -> None:
    await receive(city, FORM)
    await city.services.intake.receive_many([FORM] * 20, DISPATCHER, Source.IMPORT)
    rows = await city.core.db.read(lambda c: c.execute(select(t.tickets.c.phone_index)).scalars().all())
    assert len(rows) == 21 and len(set(rows)) == 1 and rows[0]
