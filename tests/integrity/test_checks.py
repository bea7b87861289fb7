"""The auditor finds what should have happened and did not (G24): each mistake is planted by hand."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from backend.domain.flow import build_entry
from backend.domain.instants import to_micros
from backend.domain.records import Duty, Ticket
from backend.domain.texts import Texts
from backend.domain.ticket import Category, Grade, Obligation, Source, State
from backend.integrity.checks import ALLOWED_DELAYS, CATCH_UP, INTERVAL, IntegrityChecks
from backend.ports.integrity import Finding
from backend.ports.moves import NewTicket, TicketRef
from storage.engine.database import Database
from storage.integrity.audit import SqlAuditStore
from storage.integrity.check_queries import FINDING_KINDS, MANY_REFUSALS
from storage.integrity.checks import SqlIntegrityStore
from tests.storage.test_moves import DISPATCHER, HANDLER, KEY, Bench
from tests.time_and_chance import build_clock

MINUTE = timedelta(minutes=1)


class Town(Bench):
    """A desk, an auditor, and a hand that writes where no hand should."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.real = datetime(2026, 1, 1, tzinfo=UTC)  # the office's clock may be moved; this one may not
        self.clock = build_clock(lambda: self.at, lambda: self.real.timestamp())  # noqa: PLW0108 - real is moved
        self.auditor = IntegrityChecks(SqlIntegrityStore(db, self.ids), self.clock)

    async def ticket(self, no: str = "T1", grade: Grade = Grade.GENERAL) -> None:
        """A ticket as the intake leaves it: waiting to be dispatched, with the clock for that running."""
        now = self.at.astimezone(UTC)
        ticket_id = self.ids.take()
        line = build_entry(KEY, prev_hash="", entry_id=self.ids.take(), ticket_id=ticket_id, version=1, assignment_id=None,
                     verb="create", from_state="", to_state="pending_dispatch", by="D1", source=Source.API, at=now,
                     recorded_at=now, words={})  # fmt: skip
        ticket = Ticket(ticket_id, no, 1, line.hash, State.PENDING_DISPATCH, Category.HELP, grade, "phone", "A市",
                        "M01", "M01", now, text="路灯不亮", has_phone=True)  # fmt: skip
        due = Duty(self.ids.take(), ticket_id, None, "M01", Obligation.DISPATCH, grade, now,
                   now + timedelta(hours=12), now + timedelta(hours=6))  # fmt: skip
        await self.moves.create([NewTicket(ticket, line, (due,))])

    async def plant(self, sql: str, **facts: object) -> None:
        """Write something by direct SQL."""
        await self.db.write(lambda c: c.execute(text(sql), facts) and None)

    async def tell_everybody(self) -> None:
        """As if the courier had done his work."""
        await self.plant("UPDATE letters SET state = 'sent', sent_at = not_before")

    async def looked(self, kind: str) -> Finding:
        """Look once; exactly this was found."""
        new = await self.auditor.check()
        assert [f.kind for f in new] == [kind]
        return new[0]

    async def audited(self) -> list[str]:
        """What stands in the audit book, oldest first."""
        rows = await self.db.read(
            lambda c: c.execute(text("SELECT what, facts FROM audit WHERE who = 'auditor' ORDER BY id")).all()
        )
        return [r.what for r in rows]


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    """One ticket, dispatched a moment ago and told to its handlers: nothing is amiss."""
    town = Town(database)
    await town.open()
    await town.ticket()
    await town.act("dispatch", DISPATCHER, unit="U01")
    await town.tell_everybody()
    assert await town.auditor.check() == []
    yield town


async def _closed(town: Town) -> None:
    await town.act("sign", HANDLER)
    await town.act("reply", HANDLER, text="已修复", way="phone")
    await town.act("close", HANDLER, feedback="满意", no_objection=True)
    await town.tell_everybody()


async def test_a_dispatched_ticket_nobody_was_told_of_is_found(town: Town) -> None:
    await town.plant("UPDATE letters SET state = 'dead', sent_at = NULL")
    assert await town.auditor.check() == []  # not yet: it was dispatched a moment ago
    town.at += ALLOWED_DELAYS["unnotified"] + MINUTE
    finding = await town.looked("untold")
    assert finding.subject == "T1"
    assert finding.facts["unit"] == "U01"


async def test_a_letter_that_waits_for_the_office_to_open_is_no_silence(town: Town) -> None:
    soon = to_micros(town.at + timedelta(hours=2))
    await town.plant("UPDATE letters SET state = 'pending', not_before = :soon", soon=soon)
    town.at += timedelta(hours=1)
    assert await town.auditor.check() == []
    town.at += timedelta(hours=1) + ALLOWED_DELAYS["message"] + MINUTE
    assert {f.kind for f in await town.auditor.check()} == {"letter_late", "untold"}


async def test_an_open_assignment_without_a_closing_limit_is_found(town: Town) -> None:
    await town.plant("DELETE FROM duties WHERE kind = 'close'")
    assert (await town.looked("no_close_duty")).subject == "T1"


async def test_a_dispatched_assignment_without_a_signing_limit_is_found(town: Town) -> None:
    await town.plant("UPDATE duties SET met_at = start_at, outcome = 'void' WHERE kind = 'sign'")
    assert (await town.looked("no_sign_duty")).facts["ticket_no"] == "T1"


async def test_a_signing_limit_that_passed_without_auto_signing_is_found(town: Town) -> None:
    town.at += timedelta(days=2)
    assert (await town.looked("sign_overdue")).facts["unit"] == "U01"


async def test_a_closing_limit_that_passed_without_a_red_card_is_found(town: Town) -> None:
    await town.act("sign", HANDLER)
    town.at += timedelta(days=40)
    assert (await town.looked("close_overdue")).facts["ticket_no"] == "T1"


@pytest.mark.parametrize("excuse", [
    "UPDATE tickets SET flags = 'mass_incident red'",
    "UPDATE assignments SET red_card_at = dispatched_at",
])  # fmt: skip
async def test_no_red_card_is_missed_where_none_is_due(town: Town, excuse: str) -> None:
    await town.act("sign", HANDLER)
    await town.plant(excuse)
    town.at += timedelta(days=40)
    assert await town.auditor.check() == []


async def test_no_red_card_is_missed_while_an_extension_is_being_decided(town: Town) -> None:
    await town.act("sign", HANDLER)
    snap = await town.moves.load(TicketRef(no="T1"))
    assert snap is not None and snap.lead is not None
    told = {"at": town.at.isoformat(), "way": "phone"}
    await town.act("extend", HANDLER, new_due_at=(snap.lead.close_due_at + timedelta(days=1)).isoformat(),
                   reason="等待材料", requester_informed=told)  # fmt: skip
    town.at += timedelta(days=40)
    assert await town.auditor.check() == []


async def test_a_letter_held_past_its_lease_is_found(town: Town) -> None:
    await town.plant("UPDATE letters SET state = 'sending', owner = 'w1', lease_until = :then",
                     then=to_micros(town.real - 2 * MINUTE))  # fmt: skip
    assert (await town.looked("letter_stuck")).facts["channel"] == "phone"


async def test_a_letter_rung_for_is_held_by_its_call(town: Town) -> None:
    message = await town.db.read(lambda c: c.execute(text("SELECT min(id) FROM letters")).scalar_one())
    await town.plant("UPDATE letters SET state = 'sending', owner = 'calls', lease_until = NULL")
    await town.plant(
        "INSERT INTO calls (id, purpose, letter_id, to_masked, script, position, facts, heard, keys, state, created_at)"
        " VALUES (1, 'notice', :letter, '138****0001', 'notice', '', '{}', '{}', '', 'waiting', :now)",
        letter=message, now=to_micros(town.at),
    )  # fmt: skip
    assert await town.auditor.check() == []
    await town.plant("UPDATE calls SET state = 'done'")
    await town.looked("letter_stuck")


async def test_a_letter_that_should_have_left_is_found(town: Town) -> None:
    await town.plant("UPDATE letters SET state = 'pending'")
    await town.plant("UPDATE assignments SET opened_at = dispatched_at")  # he saw it all the same
    town.at += ALLOWED_DELAYS["message"] + MINUTE
    assert (await town.looked("letter_late")).facts["person"] == "H1"


@pytest.mark.parametrize("state", ["asking", "placed", "ambiguous"])
async def test_a_call_without_a_result_is_found(town: Town, state: str) -> None:
    await town.plant("INSERT INTO dials (id, call_id, number, state, asked_at, keys) VALUES (1, 1, 1, :state, :at, '')",
                     state=state, at=to_micros(town.at))  # fmt: skip
    town.at += ALLOWED_DELAYS["attempt"] - MINUTE
    assert await town.auditor.check() == []
    town.at += 2 * MINUTE
    assert (await town.looked("dial_stuck")).facts["dial_state"] == state


async def test_a_long_talk_is_no_lost_call(town: Town) -> None:
    await town.plant("INSERT INTO dials (id, call_id, number, state, asked_at, answered_at, keys) "
                     "VALUES (1, 1, 1, 'placed', :at, :at, '')", at=to_micros(town.at))  # fmt: skip
    town.at += ALLOWED_DELAYS["attempt"] + MINUTE
    assert await town.auditor.check() == []


async def test_a_ticket_that_disagrees_with_its_lead_unit_is_found(town: Town) -> None:
    await town.plant("UPDATE tickets SET state = 'replied'")
    finding = await town.looked("state_differs")
    assert (finding.facts["ticket_state"], finding.facts["assignment_state"]) == ("replied", "dispatched")


async def test_a_settled_ticket_that_disagrees_is_found_on_patrol(town: Town) -> None:
    await town.plant("UPDATE tickets SET state = 'archived'")
    assert {f.kind for f in await town.auditor.check()} == {"state_differs", "duty_left"}


async def test_a_version_without_its_journal_line_is_found(town: Town) -> None:
    await town.plant("UPDATE tickets SET version = version + 1")
    finding = await town.looked("version_differs")
    assert (finding.facts["ticket_version"], finding.facts["journal_version"]) == (3, 2)


async def test_a_journal_line_gone_is_found_in_a_settled_ticket_too(town: Town) -> None:
    await town.plant("UPDATE duties SET met_at = start_at, outcome = 'void'")
    await town.plant("UPDATE assignments SET ended_at = dispatched_at, state = 'cancelled'")
    await town.plant("UPDATE tickets SET state = 'cancelled'")
    assert await town.auditor.check() == []
    await town.plant("DELETE FROM journal")
    await town.looked("version_differs")


async def test_a_closed_ticket_with_an_open_limit_is_found(town: Town) -> None:
    await _closed(town)
    assert await town.auditor.check() == []
    await town.plant("UPDATE duties SET met_at = NULL, outcome = NULL WHERE kind = 'close'")
    assert (await town.looked("duty_left")).facts["duty"] == "close"


async def test_what_was_heard_and_not_handled_is_found(town: Town) -> None:
    row = "INSERT INTO inbox (id, mouth, event, chat, body, received_at, state) VALUES (:id, 'telegram', :id2, '', '{}', :at, :state)"
    await town.plant(row, id=1, id2="1", at=to_micros(town.real - ALLOWED_DELAYS["inbox"] + MINUTE), state="new")
    assert await town.auditor.check() == []
    await town.plant(row, id=2, id2="2", at=to_micros(town.real - ALLOWED_DELAYS["inbox"] - MINUTE), state="new")
    await town.looked("inbox_late")
    await town.plant(row, id=3, id2="3", at=to_micros(town.real), state="dead")
    await town.looked("inbox_dead")


async def test_a_card_that_stays_out_of_date_is_found(town: Town) -> None:
    snap = await town.moves.load(TicketRef(no="T1"))
    assert snap is not None and snap.lead is not None
    await town.plant(
        "INSERT INTO cards (id, channel, address, message_id, person, ticket_id, assignment_id, kind, shown, wanted,"
        " facts, sent_at, state) VALUES (1, 'telegram', '5', '6', 'H1', :ticket, :assignment, 'M1', 2, 2, '{}', :at, 'live')",
        ticket=snap.ticket.id, assignment=snap.lead.id, at=to_micros(town.at),
    )  # fmt: skip
    town.at += timedelta(hours=1)
    await town.act("sign", HANDLER)
    town.at += ALLOWED_DELAYS["card"] - MINUTE
    assert await town.auditor.check() == []
    town.at += 2 * MINUTE
    assert (await town.looked("card_stale")).facts["person"] == "H1"


async def test_an_automatic_visit_without_a_call_is_found(town: Town) -> None:
    await _closed(town)
    await town.plant("UPDATE tickets SET state = 'revisit_auto', visit_round = 1")
    await town.plant("UPDATE assignments SET state = 'revisit_auto'")
    assert await town.auditor.check() == []
    town.at += ALLOWED_DELAYS["visit"] + MINUTE
    assert (await town.looked("visit_unplanned")).facts["round"] == 1


async def test_a_planned_visit_is_no_finding(town: Town) -> None:
    await _closed(town)
    await town.plant("UPDATE tickets SET state = 'revisit_auto', visit_round = 1")
    await town.plant("UPDATE assignments SET state = 'revisit_auto'")
    await town.plant(
        "INSERT INTO calls (id, purpose, ticket_id, round, to_masked, script, position, facts, heard, keys, state, "
        "created_at) SELECT 1, 'visit', id, 1, '', 'visit', '', '{}', '{}', '', 'waiting', :now FROM tickets",
        now=to_micros(town.at),
    )  # fmt: skip
    town.at += ALLOWED_DELAYS["visit"] + MINUTE
    assert await town.auditor.check() == []


async def test_a_ticket_waiting_to_be_dispatched_without_a_limit_is_found(town: Town) -> None:
    await town.ticket("T2")
    assert await town.auditor.check() == []
    await town.plant("DELETE FROM duties WHERE kind = 'dispatch' AND met_at IS NULL")
    assert (await town.looked("no_dispatch_duty")).subject == "T2"


async def test_a_unit_with_tickets_and_nobody_to_handle_them_is_found(town: Town) -> None:  # A21
    await town.plant("UPDATE people SET active = :no WHERE code = 'H1'", no=False)
    assert await town.auditor.check() == []
    await town.plant("UPDATE people SET valid_to = :then WHERE code = 'H2'", then=to_micros(town.at))
    assert (await town.looked("unit_unstaffed")).subject == "U01"


async def test_a_binding_that_outlived_its_person_is_found(town: Town) -> None:  # FA7
    await town.plant("INSERT INTO bindings (id, person, channel, address, user_id, state, bound_at) "
                     "VALUES (1, 'H2', 'telegram', '5', '5', 'live', 0)")  # fmt: skip
    assert await town.auditor.check() == []
    await town.plant("UPDATE people SET active = :no WHERE code = 'H2'", no=False)
    assert (await town.looked("binding_left")).facts["person"] == "H2"


async def test_a_finding_is_written_once_and_struck_when_healed(town: Town) -> None:
    await town.plant("UPDATE tickets SET version = version + 1")
    await town.looked("version_differs")
    assert await town.auditor.check() == []
    assert [f.kind for f in await town.auditor.list_findings()] == ["version_differs"]
    await town.plant("UPDATE tickets SET version = version - 1")
    assert await town.auditor.check() == []
    assert await town.auditor.list_findings() == []
    assert await town.audited() == ["finding", "healed"]


async def test_two_auditors_write_a_finding_once(town: Town) -> None:
    other = IntegrityChecks(SqlIntegrityStore(town.db, town.ids), town.clock)
    store = SqlIntegrityStore(town.db, town.ids)
    finding = Finding("untold", "T1", {})
    assert len(await store.save_findings([finding], [], town.at)) == 1
    assert await store.save_findings([replace(finding)], [], town.at) == []
    assert await other.check() == []  # nobody is untold: struck, once
    assert await town.auditor.check() == []
    assert await town.audited() == ["finding", "healed"]


async def test_he_looks_once_a_minute_and_lets_others_catch_up_after_a_step_of_the_clock(town: Town) -> None:
    async def turn(office: timedelta, real: timedelta) -> int:
        town.at += office
        town.real += real
        return await town.auditor.run_once()

    await town.plant("UPDATE tickets SET version = version + 1")
    assert await town.auditor.run_once() == 0  # the house has just started
    assert await turn(CATCH_UP, CATCH_UP) == 1
    await town.plant("UPDATE tickets SET state = 'replied'")
    assert await turn(INTERVAL / 4, INTERVAL / 4) == 0
    assert await turn(INTERVAL / 4, INTERVAL / 4) == 0
    assert await turn(INTERVAL / 2, INTERVAL / 2) == 1
    await town.plant("DELETE FROM duties WHERE kind = 'sign'")
    assert await turn(timedelta(hours=1), timedelta(seconds=1)) == 0  # the sandbox clock was moved
    assert await turn(CATCH_UP, CATCH_UP) == 1


def test_there_are_at_least_twelve_kinds_and_each_has_its_words() -> None:
    assert len(FINDING_KINDS) >= 12
    for language in ("zh_CN", "en"):
        words = Texts(language)
        assert [k for k in FINDING_KINDS if not words.has(f"finding.{k}")] == []


async def test_many_refusals_of_one_account_are_found_and_heal_XS14(town: Town) -> None:
    audit = SqlAuditStore(town.db, town.ids)
    for n in range(MANY_REFUSALS):
        await audit.record(
            town.at + n * timedelta(seconds=1), "H9", ("refused", "press_refused")[n % 2], "GET /tickets/{no}"
        )
        await audit.record(town.at, "?", "refused", "api_key")
        await audit.record(town.at, "H1", "sign_in")
        if n == MANY_REFUSALS - 2:
            assert await town.auditor.check() == []
    found = await town.looked("many_refusals")
    assert (found.subject, found.facts["refusals"]) == ("H9", MANY_REFUSALS)
    assert "H9" in Texts("zh_CN").render("finding.many_refusals", subject=found.subject, **found.facts)
    town.at += timedelta(hours=2)
    await town.tell_everybody()
    await town.auditor.check()
    assert "many_refusals" not in {f.kind for f in await town.auditor.list_findings()}
