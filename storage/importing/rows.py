"""A ticket's history as table rows, so that scoring treats imported and live tickets alike (contract §4).

Rows are bare tuples in the order of COLUMNS: a migration has millions of them.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from json import dumps
from operator import itemgetter
from typing import Any

from backend.domain.instants import to_micros
from backend.domain.journal_hash import DIGEST, TICKET_COLUMNS, JournalKey, build_entry, hash_ticket
from backend.domain.records import JournalEntry, Ticket
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Obligation, Source, State
from backend.domain.visit_outcome import GIVEN_ANSWERS, decide_final_answer
from backend.ports.importing import AssignmentLike, HistoryLike, ImportContext
from storage.engine.encryption import Encryption
from storage.engine.mapping import MAPPERS

Rows = dict[str, list[tuple[Any, ...]]]
SECOND = 1_000_000  # Q26: done within the second it was due is in time

COLUMNS: dict[str, tuple[str, ...]] = {
    "tickets": (*MAPPERS[Ticket].names, "name_sealed", "phone_sealed", "phone_tail", "created_at", "extra"),
    "assignments": (
        "id", "ticket_id", "unit", "lead", "state", "version", "dispatched_at", "dispatched_by", "sign_due_at",
        "close_due_at", "signed_at", "sign_method", "closed_at", "extension_count", "red_card_at", "ended_at", "imported_red_card",
        "contacted_at",
    ),
    "duties": (
        "id", "ticket_id", "assignment_id", "unit", "kind", "grade", "start_at", "due_at", "check_at", "reminder_step",
        "met_at", "outcome",
    ),
    "requests": (
        "id", "ticket_id", "assignment_id", "unit", "kind", "asked_at", "asked_by", "timely", "facts", "decision",
        "decided_at", "decided_by",
    ),
    "visits": (
        "id", "ticket_id", "assignment_id", "round", "kind", "at", "by", "source", "answer", "contacted",
        "resolved", "note", "decisive",
    ),
    "journal": MAPPERS[JournalEntry].names,
}  # fmt: skip
_HEAD = COLUMNS["tickets"].index("journal_head")
_read_fixed = itemgetter(*(COLUMNS["tickets"].index(name) for name in TICKET_COLUMNS))


def count_ids(record: HistoryLike) -> int:
    """Return the most ids this history can need."""
    return 4 + len(record.visits) + sum(5 + len(a.extensions) for a in record.assignments)


class HistoryRowBuilder:
    """Converts records to rows. `take` returns the next row id; `key` seals the journal."""

    def __init__(self, take: Callable[[], int], vault: Encryption, key: JournalKey, context: ImportContext) -> None:
        self._take, self._vault, self._key, self._frame = take, vault, key, context
        self._now = to_micros(context.now)
        self.rows: Rows = {table: [] for table in COLUMNS}

    def add(self, record: HistoryLike) -> Refused | None:
        """Append the rows of one history; or none, returning the Refused (`calendar_ends`) of its due times."""
        before = {table: len(rows) for table, rows in self.rows.items()}
        try:
            self._add(record)
        except Refused as no:
            for table, count in before.items():
                del self.rows[table][count:]
            return no
        return None

    def _add(self, record: HistoryLike) -> None:
        take, by, rows = self._take, self._frame.by, self.rows
        ticket_id = take()
        lead_id: int | None = None
        closed_at: datetime | None = None
        return_count = 0
        state = "finalized" if record.direct_answer else "pending_dispatch"
        visits = sorted(record.visits, key=lambda v: v.at)
        verdict = decide_final_answer((v.kind == "manual", v.answer) for v in visits)
        for one in record.assignments:
            assignment_id, here, given_back = self._add_assignment(record, one, ticket_id, verdict)
            if one.lead and given_back:
                return_count += 1
            elif one.lead:
                lead_id, state = assignment_id, here
                closed_at = one.closed_at
        if not record.direct_answer:
            self._add_dispatch_duty(record, ticket_id)
        self._add_visits(record, ticket_id, lead_id)
        excluded = self._add_claim(record, ticket_id, lead_id, None if closed_at is None else to_micros(closed_at))
        name, phone = record.requester_name, record.requester_phone
        flags = (("confidential", record.confidential), ("mass_incident", record.mass_incident))
        ticket = Ticket(
            id=ticket_id, ticket_no=record.ticket_no, version=1, journal_head="", state=State(state), grade=record.grade,
            channel=record.channel or "other", management=record.management, first_receiver=record.management,
            generated_at=record.generated_at, lead_id=lead_id, flags=frozenset(name for name, on in flags if on),
            return_count=return_count, requires_dispatch=not record.direct_answer, has_phone=phone is not None,
            final_answer=verdict if verdict in GIVEN_ANSWERS else None, deemed_satisfied=verdict in ("unclear", "deemed"),
            unreasonable=excluded, visit_round=len(record.visits) + 1 if record.visits else 0, closed_at=closed_at,
            phone_index=None if phone is None else self._vault.blind_index(phone), **record.copied,
        )  # fmt: skip
        cells = list(MAPPERS[Ticket].write(ticket))
        line = build_entry(
            self._key, prev_hash="", entry_id=take(), ticket_id=ticket_id, version=1, assignment_id=None, verb="import",
            from_state="", to_state=state, by=by, source=Source.IMPORT, at=self._frame.now,
            recorded_at=self._frame.now,
            arguments={"history": len(record.assignments), DIGEST: hash_ticket(self._key, _read_fixed(cells))},
        )  # fmt: skip
        cells[_HEAD] = line.hash
        rows["tickets"].append((
            *cells,
            None if name is None else self._vault.seal("tickets", ticket_id, "name", name),
            None if phone is None else self._vault.seal("tickets", ticket_id, "phone", phone),
            None if phone is None else phone[-4:], self._now, "{}",
        ))  # fmt: skip
        rows["journal"].append(MAPPERS[JournalEntry].write(line))

    def _add_assignment(
        self, record: HistoryLike, one: AssignmentLike, ticket_id: int, verdict: str | None
    ) -> tuple[int, str, bool]:
        """Add the rows of one assignment; return (its id, its state, whether it was returned)."""
        due, grade, category = self._frame.due, record.grade, record.category
        assignment_id, return_request = self._take(), one.returned
        start = to_micros(one.dispatched_at)
        sign_due = to_micros(due(Obligation.SIGN, grade, category, one.dispatched_at, one.unit))
        close_due = to_micros(one.close_due_at or due(Obligation.CLOSE, grade, category, one.dispatched_at, one.unit))
        signed = None if one.signed_at is None else to_micros(one.signed_at)
        by_clock = one.signed == "auto"
        is_returned = return_request is not None and return_request.decision == "accepted"
        ended = (
            to_micros(return_request.decided_at or return_request.submitted_at)
            if return_request is not None and is_returned
            else None
        )
        if return_request is not None:
            limit = due(Obligation.RETURN, grade, category, one.dispatched_at, one.unit)
            asked = to_micros(return_request.submitted_at)
            by_hand = signed is not None and not by_clock and signed <= asked  # B35: sign first
            self._add_request(
                ticket_id, assignment_id, one.unit, "return", asked, by_hand and asked < to_micros(limit) + SECOND, "{}",
                return_request.decision, None if return_request.decision is None else to_micros(return_request.decided_at or return_request.submitted_at),
            )  # fmt: skip
        for extension in sorted(one.extensions, key=lambda e: (e.granted_at, e.new_due_at)):
            granted, new_due = to_micros(extension.granted_at), extension.new_due_at
            facts = dumps({"new_due_at": new_due.isoformat(), "old_due_at": _format_instant(close_due)})
            self._add_request(
                ticket_id, assignment_id, one.unit, "extension", granted, None, facts, "accepted", granted
            )
            close_due = to_micros(new_due)
        closed = None if one.closed_at is None else to_micros(one.closed_at)
        waits = return_request is not None and return_request.decision is None
        state = _decide_state(signed, closed, is_returned, waits, verdict if one.lead else "")
        outcome = None if signed is None else "auto" if by_clock else _decide_outcome(signed, sign_due)
        if is_returned or closed is not None:  # nothing is owed any more: an unsigned one stays unsigned, and late
            outcome = outcome or "late"
        live = outcome is None
        self._add_duty(ticket_id, assignment_id, one.unit, "sign", record, start, sign_due,
                   None if live else signed or ended or closed, outcome, live)  # fmt: skip
        if one.lead and one.contacted_at is not None:  # the record of a contact (Q41)
            contact_due = to_micros(due(Obligation.CONTACT, grade, category, one.dispatched_at, one.unit))
            contacted = to_micros(one.contacted_at)
            self._add_duty(ticket_id, assignment_id, one.unit, "contact", record, start, contact_due, contacted,
                           _decide_outcome(contacted, contact_due), False)  # fmt: skip
        card = one.red_card
        if one.lead and not is_returned and closed is None:
            self._add_duty(ticket_id, assignment_id, one.unit, "close", record, start, close_due, None, None,
                       card is None and not record.mass_incident)  # fmt: skip
        elif one.lead and closed is not None:
            self._add_duty(ticket_id, assignment_id, one.unit, "close", record, start, close_due, closed,
                       _decide_outcome(closed, close_due), False)  # fmt: skip
        rule = "rule" if card is None and one.lead and not record.mass_incident else "none"
        over = closed if ended is None else ended
        late = rule == "rule" and over is not None and _decide_outcome(over, close_due) == "late"
        carded = (close_due if closed is None else min(close_due, closed)) if card or late else None
        self.rows["assignments"].append((
            assignment_id, ticket_id, one.unit, one.lead, state, 1, start, self._frame.by, sign_due, close_due,
            signed, None if signed is None and one.signed is None else str(one.signed or "manual"), closed,
            len(one.extensions), carded, ended, None if card else rule,
            None if one.contacted_at is None else to_micros(one.contacted_at),
        ))  # fmt: skip
        return assignment_id, state, is_returned

    def _add_dispatch_duty(self, record: HistoryLike, ticket_id: int) -> None:
        """Add the institution's duty to dispatch, met by the first dispatch (B16, Q17)."""
        due = to_micros(
            self._frame.due(Obligation.DISPATCH, record.grade, record.category, record.generated_at, record.management)
        )
        sent = min((to_micros(a.dispatched_at) for a in record.assignments), default=None)
        self._add_duty(ticket_id, None, record.management, "dispatch", record, to_micros(record.generated_at), due, sent,
                   None if sent is None else _decide_outcome(sent, due), sent is None)  # fmt: skip

    def _add_duty(
        self, ticket_id: int, assignment_id: int | None, unit: str | None, kind: str, record: HistoryLike, start: int,
        due: int, met: int | None, outcome: str | None, live: bool,
    ) -> None:  # fmt: skip
        """Add one duty. An open one is checked only if it falls due after the import: the past stays as it was."""
        check_at = due if live and due > self._now else None
        self.rows["duties"].append((
            self._take(), ticket_id, assignment_id, unit, kind, str(record.grade), start, due, check_at, 0, met, outcome,
        ))  # fmt: skip

    def _add_request(
        self, ticket_id: int, assignment_id: int | None, unit: str | None, kind: str, asked: int, timely: bool | None,
        facts: str, decision: str | None, decided: int | None,
    ) -> None:  # fmt: skip
        self.rows["requests"].append((
            self._take(), ticket_id, assignment_id, unit, kind, asked, self._frame.by, timely, facts,
            None if decision is None else str(decision), decided, None if decided is None else self._frame.by,
        ))  # fmt: skip

    def _add_visits(self, record: HistoryLike, ticket_id: int, lead_id: int | None) -> None:
        """Add visits, each its own round, so that every manual one is final (Q36: one `unreached` means exhausted)."""
        for number, visit in enumerate(record.visits, start=1):
            self.rows["visits"].append((
                self._take(), ticket_id, lead_id, number, str(visit.kind), to_micros(visit.at), self._frame.by, "import",
                str(visit.answer or ""), _to_text(visit.contacted), _to_text(visit.resolved), "", visit.kind == "manual",
            ))  # fmt: skip

    def _add_claim(self, record: HistoryLike, ticket_id: int, lead_id: int | None, closed: int | None) -> bool:
        """Add a decided claim; without a date it counts from the last known event before it."""
        claim = record.unreasonable
        if claim is None:
            return False
        before = max((to_micros(v.at) for v in record.visits), default=closed or to_micros(record.generated_at))
        decided = before if claim.decided_at is None else to_micros(claim.decided_at)
        recognised = claim.decision == "recognised"
        self._add_request(ticket_id, lead_id, None, "unreasonable", min(before, decided), None, "{}",
                      "accepted" if recognised else str(claim.decision), decided)  # fmt: skip
        return recognised


def _decide_outcome(met: int, due: int) -> str:
    return "timely" if met < due + SECOND else "late"


def _decide_state(signed: int | None, closed: int | None, given_back: bool, waits: bool, verdict: str | None) -> str:
    if given_back:
        return "returned"
    if closed is not None:
        return "finalized" if verdict else "closed"
    if waits:
        return "return_review"
    return "signed" if signed is not None else "dispatched"


def _to_text(value: str | None) -> str | None:
    return None if value is None else str(value)


def _format_instant(value: int) -> str:
    return datetime.fromtimestamp(value // SECOND, tz=UTC).isoformat()
