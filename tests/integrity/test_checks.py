"""The integrity checks find what should have happened and did not (G24): each fault is made by hand."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.domain.instants import to_micros
from backend.domain.texts import Texts
from backend.integrity.checks import ALLOWED_DELAYS
from storage.integrity.audit import SqlAuditStore
from storage.integrity.check_queries import DOORS, MANY_REFUSALS
from tests.integrity.world import CheckedWorld
from tests.tickets.world import HANDLER

MINUTE = timedelta(minutes=1)


async def _close(world: CheckedWorld) -> None:
    await world.act("sign", HANDLER)
    await world.act("reply", HANDLER, text="已修复", way="phone")
    await world.act("close", HANDLER, feedback="满意", no_objection=True)
    await world.mark_sent()


async def test_a_dispatched_ticket_of_which_nobody_was_notified_is_found(world: CheckedWorld) -> None:
    await world.change("UPDATE outbox SET state = 'dead', sent_at = NULL")
    assert await world.checks.check() == []  # not yet: it was dispatched a moment ago
    world.at += ALLOWED_DELAYS["unnotified"] + MINUTE
    finding = await world.find_one("untold")
    assert finding.subject == "T1"
    assert finding.facts["unit"] == "U01"


async def test_a_message_that_waits_for_office_hours_is_not_late(world: CheckedWorld) -> None:
    soon = to_micros(world.at + timedelta(hours=2))
    await world.change("UPDATE outbox SET state = 'pending', not_before = :soon", soon=soon)
    world.at += timedelta(hours=1)
    assert await world.checks.check() == []
    world.at += timedelta(hours=1) + ALLOWED_DELAYS["message"] + MINUTE
    assert {f.kind for f in await world.checks.check()} == {"message_late", "untold"}


async def test_an_open_assignment_without_a_time_limit_for_closing_is_found(world: CheckedWorld) -> None:
    await world.change("DELETE FROM duties WHERE kind = 'close'")
    assert (await world.find_one("no_close_duty")).subject == "T1"


async def test_a_dispatched_assignment_without_a_time_limit_for_signing_is_found(world: CheckedWorld) -> None:
    await world.change("UPDATE duties SET met_at = start_at, outcome = 'void' WHERE kind = 'sign'")
    assert (await world.find_one("no_sign_duty")).facts["ticket_no"] == "T1"


async def test_a_time_limit_for_signing_that_passed_without_an_automatic_signature_is_found(
    world: CheckedWorld,
) -> None:
    await world.pass_time(timedelta(days=2))
    assert (await world.find_one("sign_overdue")).facts["unit"] == "U01"


async def test_a_time_limit_for_closing_that_passed_without_a_red_card_is_found(world: CheckedWorld) -> None:
    await world.act("sign", HANDLER)
    await world.pass_time(timedelta(days=40))
    assert (await world.find_one("close_overdue")).facts["ticket_no"] == "T1"


@pytest.mark.parametrize("excuse", [
    "UPDATE tickets SET flags = 'mass_incident red'",
    "UPDATE assignments SET red_card_at = dispatched_at",
])  # fmt: skip
async def test_no_red_card_is_missing_where_none_is_due(world: CheckedWorld, excuse: str) -> None:
    await world.act("sign", HANDLER)
    await world.change(excuse)
    await world.pass_time(timedelta(days=40))
    assert await world.checks.check() == []


@pytest.mark.parametrize("replied", [False, True])
async def test_no_red_card_is_missing_while_an_extension_is_being_decided_XM20(
    world: CheckedWorld, replied: bool
) -> None:
    await world.act("sign", HANDLER)
    lead = (await world.load()).lead
    assert lead is not None
    await world.act("extend", HANDLER, new_due_at=(lead.close_due_at + timedelta(days=1)).isoformat(),
                    reason="等待材料", requester_informed={"at": world.at.isoformat(), "way": "phone"})  # fmt: skip
    if replied:
        await world.act("reply", HANDLER, text="已更换配件，恢复照明")
    await world.pass_time(timedelta(days=40))
    assert await world.checks.check() == []


async def test_a_message_held_past_its_lease_is_found(world: CheckedWorld) -> None:
    await world.change("UPDATE outbox SET state = 'sending', owner = 'w1', lease_until = :then",
                     then=world.leases_at - 120_000_000)  # fmt: skip
    assert (await world.find_one("lease_over")).facts["channel"] == "phone"


async def test_a_message_may_be_held_as_long_as_its_call_is_open(world: CheckedWorld) -> None:
    message = await world.db.read(lambda c: c.execute(text("SELECT min(id) FROM outbox")).scalar_one())
    await world.change("UPDATE outbox SET state = 'sending', owner = 'calls', lease_until = NULL")
    await world.change(
        "INSERT INTO calls (id, purpose, outbox_id, to_masked, script, position, facts, answers, keys, state, created_at)"
        " VALUES (1, 'notice', :message, '138****0001', 'notice', '', '{}', '{}', '', 'waiting', :now)",
        message=message, now=to_micros(world.at),
    )  # fmt: skip
    assert await world.checks.check() == []
    await world.change("UPDATE calls SET state = 'done'")
    await world.find_one("lease_over")


async def test_a_message_that_should_have_been_sent_is_found(world: CheckedWorld) -> None:
    await world.change("UPDATE outbox SET state = 'pending'")
    await world.change("UPDATE assignments SET opened_at = dispatched_at")  # they saw it all the same
    world.at += ALLOWED_DELAYS["message"] + MINUTE
    assert (await world.find_one("message_late")).facts["person"] == "H1"


@pytest.mark.parametrize("state", ["asking", "placed", "ambiguous"])
async def test_a_call_without_a_result_is_found(world: CheckedWorld, state: str) -> None:
    await world.change("INSERT INTO call_attempts (id, call_id, attempt_no, state, asked_at, keys) VALUES (1, 1, 1, :state, :at, '')",
                     state=state, at=to_micros(world.at))  # fmt: skip
    world.at += ALLOWED_DELAYS["attempt"] - MINUTE
    assert await world.checks.check() == []
    world.at += 2 * MINUTE
    assert (await world.find_one("dial_stuck")).facts["dial_state"] == state


async def test_a_long_conversation_is_not_a_call_without_a_result(world: CheckedWorld) -> None:
    await world.change("INSERT INTO call_attempts (id, call_id, attempt_no, state, asked_at, answered_at, keys) "
                     "VALUES (1, 1, 1, 'placed', :at, :at, '')", at=to_micros(world.at))  # fmt: skip
    world.at += ALLOWED_DELAYS["attempt"] + MINUTE
    assert await world.checks.check() == []


async def test_a_ticket_whose_state_differs_from_its_lead_assignments_is_found(world: CheckedWorld) -> None:
    await world.change("UPDATE tickets SET state = 'replied'")
    found = {f.kind: f for f in await world.checks.check()}
    assert set(found) == {"state_differs", "state_unrecorded"}
    finding = found["state_differs"]
    assert (finding.facts["ticket_state"], finding.facts["assignment_state"]) == ("replied", "dispatched")


async def test_an_archived_ticket_whose_state_differs_is_found_as_well(world: CheckedWorld) -> None:
    await world.change("UPDATE tickets SET state = 'archived'")
    assert {f.kind for f in await world.checks.check()} == {"state_differs", "state_unrecorded", "duty_left"}


async def test_a_version_without_its_journal_entry_is_found(world: CheckedWorld) -> None:
    await world.change("UPDATE tickets SET version = version + 1")
    finding = await world.find_one("version_differs")
    assert (finding.facts["ticket_version"], finding.facts["journal_version"]) == (3, 2)


async def test_a_journal_entry_missing_is_found_in_a_cancelled_ticket_as_well(world: CheckedWorld) -> None:
    await world.change("UPDATE duties SET met_at = start_at, outcome = 'void'")
    await world.change("UPDATE assignments SET ended_at = dispatched_at, state = 'cancelled'")
    await world.change("UPDATE tickets SET state = 'cancelled'")
    await world.change("UPDATE journal SET to_state = 'cancelled' WHERE version = 2")
    assert await world.checks.check() == []
    await world.change("DELETE FROM journal")
    await world.find_one("version_differs")


async def test_a_closed_ticket_with_an_open_time_limit_is_found(world: CheckedWorld) -> None:
    await _close(world)
    assert await world.checks.check() == []
    await world.change("UPDATE duties SET met_at = NULL, outcome = NULL WHERE kind = 'close'")
    assert (await world.find_one("duty_left")).facts["duty"] == "close"


async def test_an_update_received_and_not_handled_is_found(world: CheckedWorld) -> None:
    row = "INSERT INTO inbox (id, source, external_id, conversation, body, received_at, state) VALUES (:id, 'telegram', :id2, '', '{}', :at, :state)"
    await world.change(row, id=1, id2="1", at=to_micros(world.real - ALLOWED_DELAYS["inbox"] + MINUTE), state="new")
    assert await world.checks.check() == []
    await world.change(row, id=2, id2="2", at=to_micros(world.real - ALLOWED_DELAYS["inbox"] - MINUTE), state="new")
    await world.find_one("inbox_late")
    await world.change(row, id=3, id2="3", at=to_micros(world.real), state="dead")
    await world.find_one("inbox_dead")


async def test_a_card_that_stays_out_of_date_is_found(world: CheckedWorld) -> None:
    snap = await world.load()
    assert snap.lead is not None
    await world.change(
        "INSERT INTO chat_cards (id, channel, address, message_id, person, ticket_id, assignment_id, kind, shown_version, target_version,"
        " facts, sent_at, state) VALUES (1, 'telegram', '5', '6', 'H1', :ticket, :assignment, 'ticket_dispatched', 2, 2, '{}', :at, 'live')",
        ticket=snap.ticket.id, assignment=snap.lead.id, at=to_micros(world.at),
    )  # fmt: skip
    world.at += timedelta(hours=1)
    await world.act("sign", HANDLER)
    world.at += ALLOWED_DELAYS["card"] - MINUTE
    assert await world.checks.check() == []
    world.at += 2 * MINUTE
    assert (await world.find_one("card_stale")).facts["person"] == "H1"


async def test_an_automatic_visit_without_a_call_is_found(world: CheckedWorld) -> None:
    await _close(world)
    await world.change("UPDATE tickets SET state = 'revisit_auto', visit_round = 1")
    await world.change("UPDATE assignments SET state = 'revisit_auto'")
    await world.change("UPDATE journal SET to_state = 'revisit_auto' WHERE verb = 'close'")
    assert await world.checks.check() == []
    world.at += ALLOWED_DELAYS["visit"] + MINUTE
    assert (await world.find_one("visit_unplanned")).facts["round"] == 1


async def test_an_automatic_visit_whose_call_waits_is_no_finding(world: CheckedWorld) -> None:
    await _close(world)
    await world.change("UPDATE tickets SET state = 'revisit_auto', visit_round = 1")
    await world.change("UPDATE assignments SET state = 'revisit_auto'")
    await world.change("UPDATE journal SET to_state = 'revisit_auto' WHERE verb = 'close'")
    await world.change(
        "INSERT INTO calls (id, purpose, ticket_id, round, to_masked, script, position, facts, answers, keys, state, "
        "created_at) SELECT 1, 'visit', id, 1, '', 'visit', '', '{}', '{}', '', 'waiting', :now FROM tickets",
        now=to_micros(world.at),
    )  # fmt: skip
    world.at += ALLOWED_DELAYS["visit"] + MINUTE
    assert await world.checks.check() == []


async def test_a_ticket_waiting_for_dispatch_without_a_time_limit_is_found(world: CheckedWorld) -> None:
    await world.add_ticket("T2")
    assert await world.checks.check() == []
    await world.change("DELETE FROM duties WHERE kind = 'dispatch' AND met_at IS NULL")
    assert (await world.find_one("no_dispatch_duty")).subject == "T2"


async def test_a_unit_with_tickets_and_nobody_to_handle_them_is_found_A21(world: CheckedWorld) -> None:
    await world.change("UPDATE people SET active = :no WHERE code = 'H1'", no=False)
    assert await world.checks.check() == []
    await world.change("UPDATE people SET valid_to = :then WHERE code = 'H2'", then=to_micros(world.at))
    assert (await world.find_one("unit_unstaffed")).subject == "U01"


async def test_a_binding_of_a_person_who_left_is_found_FA7(world: CheckedWorld) -> None:
    await world.change("INSERT INTO bindings (id, person, channel, address, user_id, state, how, bound_at) "
                     "VALUES (1, 'H2', 'telegram', '5', '5', 'live', 'code', 0)")  # fmt: skip
    assert await world.checks.check() == []
    await world.change("UPDATE people SET active = :no WHERE code = 'H2'", no=False)
    assert (await world.find_one("binding_left")).facts["person"] == "H2"


@pytest.mark.parametrize("door", DOORS)
async def test_many_refusals_of_one_account_are_found_and_heal_XS14(world: CheckedWorld, door: str) -> None:
    audit = SqlAuditStore(world.db, world.ids)
    for n in range(MANY_REFUSALS):
        await audit.record(world.at + n * timedelta(seconds=1), "H9", ("refused", door)[n % 2], "GET /tickets/{no}")
        await audit.record(world.at, "?", "refused", "api_key")
        await audit.record(world.at, "H1", "sign_in")
        if n == MANY_REFUSALS - 2:
            assert await world.checks.check() == []
    found = await world.find_one("many_refusals")
    assert (found.subject, found.facts["refusals"]) == ("H9", MANY_REFUSALS)
    assert "H9" in Texts("zh_CN").render("finding.many_refusals", subject=found.subject, **found.facts)
    world.at += timedelta(hours=2)
    await world.checks.check()
    assert "many_refusals" not in {f.kind for f in await world.checks.list_findings()}
