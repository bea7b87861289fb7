"""What is planted by hand is found by the running checks within two minutes, whatever stands beside it (G24, XR14)."""

from datetime import timedelta

import pytest

from backend.domain.instants import to_micros
from backend.integrity.checks import CATCH_UP
from tests.figures import Figures
from tests.integrity.world import CheckedWorld

STEP = timedelta(seconds=10)  # between two turns of the worker
LEAD = "(SELECT lead_id FROM tickets WHERE ticket_no = 'T1')"
#: kind → what somebody did to the database; `{now}` in microseconds.
PLANTS = {
    "state_differs": "UPDATE assignments SET state = 'signed'",
    "state_unrecorded": "UPDATE tickets SET state = 'signed'",
    "assignment_missing": f"DELETE FROM assignments WHERE id = {LEAD}",
    "assignment_orphan": "INSERT INTO assignments (id, ticket_id, unit, lead, state, version, dispatched_at, dispatched_by,"
                         " sign_due_at, close_due_at) VALUES (990001, 990000, 'U01', false, 'signed', 1, 0, 'D1', 0, 0)",
    "duty_orphan": "INSERT INTO duties (id, ticket_id, kind, grade, start_at, due_at) VALUES (990002, 990000, 'close', 'general', 0, {now})",
    "due_missed": "UPDATE duties SET check_at = {now} - 360000000 WHERE kind = 'close'",
    "duty_unwatched": "UPDATE duties SET check_at = NULL WHERE kind = 'sign'",
    "no_close_duty": "DELETE FROM duties WHERE kind = 'close'",
    "no_sign_duty": "UPDATE duties SET met_at = start_at, check_at = NULL, outcome = 'void' WHERE kind = 'sign'",
    "no_dispatch_duty": "DELETE FROM duties WHERE kind = 'dispatch' AND met_at IS NULL",
    "version_differs": "UPDATE tickets SET version = version + 1",
    "duty_left": "UPDATE tickets SET state = 'archived'",
    "sign_overdue": "UPDATE duties SET due_at = {now} - 360000000 WHERE kind = 'sign'",
    "close_overdue": "UPDATE duties SET due_at = {now} - 360000000 WHERE kind = 'close'",
    "message_late": "UPDATE outbox SET state = 'pending', not_before = {now} - 960000000",
    "lease_over": "UPDATE outbox SET state = 'sending', owner = 'dead', lease_until = 1",
    "untold": "UPDATE outbox SET state = 'dead', sent_at = NULL",
    "inbox_dead": "INSERT INTO inbox (id, source, external_id, conversation, body, received_at, state) VALUES (990003, 'chat', '1', '', '', 0, 'dead')",
    "dial_stuck": "INSERT INTO call_attempts (id, call_id, attempt_no, state, asked_at, keys) VALUES (990004, 1, 1, 'placed', 0, '')",
    "unit_unstaffed": "UPDATE people SET active = false WHERE unit = 'U01'",
}  # fmt: skip


@pytest.mark.parametrize("kind", PLANTS)
async def test_each_planted_inconsistency_is_found_within_two_minutes_G24_XR14(
    world: CheckedWorld, kind: str, figures: Figures
) -> None:
    await world.add_ticket("T2")
    if kind == "untold":  # it becomes one only fifteen minutes after the dispatch
        world.at += timedelta(minutes=16)
    await world.checks.run_once()
    world.real += CATCH_UP
    world.at += CATCH_UP
    await world.checks.run_once()
    assert kind not in {finding.kind for finding in await world.checks.list_findings()}
    await world.change(PLANTS[kind].format(now=to_micros(world.at)))
    spent = timedelta()
    while kind not in {finding.kind for finding in await world.checks.list_findings()}:
        assert spent < timedelta(minutes=3)
        spent, world.at, world.real = spent + STEP, world.at + STEP, world.real + STEP
        await world.checks.run_once()
    figures.report("G24", planted=1, seconds=spent.total_seconds())


def test_twelve_kinds_at_least_are_planted_G24() -> None:
    assert len(PLANTS) >= 12
