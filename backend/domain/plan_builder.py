"""Collects what one move changes, so that the rules of a verb read as a list of effects."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from backend.domain.acts import Act, Change, DecisionContext, NewRow, Snapshot
from backend.domain.records import Assignment, Duty, Message, Person, Request, Ticket
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Grade, Obligation, Outcome, State

#: Messages that must reach a person, with the call that replaces each where there is no chat binding.
CALL_INSTEAD = {
    **dict.fromkeys(("ticket_dispatched", "urgent_dispatched", "sign_reminder"), "call_to_sign"),
    **dict.fromkeys(("red_card", "supervised", "rework_ordered"), "call_supervised"),
    "regraded_urgent": "call_regraded",
}


class PlanBuilder:
    """A move under construction. `at` is the event time: now, or the planned instant for acts of the clock."""

    def __init__(
        self, snapshot: Snapshot, act: Act, context: DecisionContext, arguments: dict[str, Any],
        target: Assignment | None,
    ) -> None:  # fmt: skip
        self.snapshot = snapshot
        self.ticket: Ticket = snapshot.ticket
        self.act = act
        self.office, self.now, self.new_id = context.office, context.now, context.new_id
        self.arguments = arguments
        self.by = act.by
        self.at: datetime = act.at or context.now
        self._target = target
        self.ticket_values: dict[str, Any] = {}
        self.rows: list[NewRow] = []
        self.changed: dict[tuple[type, int], dict[str, object]] = {}
        self.redraw: set[int] = set()
        self.from_state = target.state if target else snapshot.ticket.state
        self.to_state = self.from_state
        self.entry_arguments: dict[str, object] = {}
        self.other_act: Act | None = None  # the act on the other ticket (Snapshot.beside)

    # -- what the move is about

    @property
    def assignment(self) -> Assignment:
        """The assignment this move is about; Refused `not_now` if the ticket has none."""
        if self._target is None:
            raise Refused("not_now", state=self.ticket.state)
        return self._target

    @property
    def target(self) -> Assignment | None:
        """The assignment this move is about, if any."""
        return self._target

    @target.setter
    def target(self, value: Assignment) -> None:
        self._target = value

    # -- changes

    def update_assignment(self, **values: object) -> None:
        """Set values on the assignment."""
        self.update_row(Assignment, self.assignment.id, **values)

    def update_ticket(self, **values: object) -> None:
        """Set values on the ticket."""
        self.ticket_values.update(values)

    def update_row(self, table: type, row_id: int, **values: object) -> None:
        """Set values on any row."""
        self.changed.setdefault((table, row_id), {}).update(values)

    def move_to(self, state: State) -> None:
        """Move the assignment to a state; the ticket follows its lead."""
        target = self.assignment
        self.to_state = state
        self.update_assignment(state=state, version=target.version + 1)
        self.redraw.add(target.id)
        if target.id == self.ticket.lead_id:
            self.update_ticket(state=state)

    def move_ticket_to(self, state: State) -> None:
        """Move the ticket to a state; its lead assignment follows unless it has ended."""
        self.to_state = state
        self.update_ticket(state=state)
        lead = self.snapshot.lead
        if lead and lead.ended_at is None:
            self.update_row(Assignment, lead.id, state=state, version=lead.version + 1)
            self.redraw.add(lead.id)

    def set_flag(self, name: str, on: bool = True) -> None:
        """Set or clear a flag of the ticket."""
        flags = frozenset(self.ticket_values.get("flags", self.ticket.flags))
        self.update_ticket(flags=flags | {name} if on else flags - {name})

    def attach_files(self, ids: Sequence[str]) -> None:
        """Add files to the ticket's, as those of this move's assignment; one that is there already stays whose it is."""
        of, known = self._target.id if self._target else 0, {file for file, _ in self.ticket.files}
        self.update_ticket(
            files=(*self.ticket.files, *((file, of) for file in dict.fromkeys(ids) if file not in known))
        )

    # -- duties

    def open_duties(self, *kinds: Obligation, assignment_id: int | None = None) -> Iterable[Duty]:
        """Yield the open duties of these kinds (default: all) of one assignment (default: of the whole ticket)."""
        for duty in self.snapshot.duties:
            if duty.met_at is not None or (kinds and duty.kind not in kinds):
                continue
            if assignment_id is None or duty.assignment_id == assignment_id:
                yield duty

    def start_duty(
        self,
        kind: Obligation,
        due: datetime,
        *,
        assignment: Assignment | None = None,
        start: datetime | None = None,
        unit: str | None = None,
        request_id: int | None = None,
        grade: Grade | None = None,
        watched: bool = True,
        check_at: datetime | None = None,
    ) -> Duty:
        """Start a duty that runs from `start` (default: now) to `due`.

        The clock first checks it at `check_at` (default: its first reminder), or never if not `watched`.
        """
        start_at = start or self.at
        unit_code = unit or (assignment.unit if assignment else None)
        grade = grade or self.ticket_values.get("grade", self.ticket.grade)
        if watched and check_at is None:
            check_at = self.office.first_check(kind, grade, start_at, due, unit_code)
        duty = Duty(
            id=self.new_id(), ticket_id=self.ticket.id,
            assignment_id=assignment.id if assignment else None, unit=unit_code, kind=kind,
            grade=grade, start_at=start_at, due_at=due, check_at=check_at, request_id=request_id,
        )  # fmt: skip
        self.rows.append(duty)
        return duty

    def meet_duties(
        self,
        kind: Obligation,
        *,
        assignment_id: int | None = None,
        outcome: Outcome | None = None,
        at: datetime | None = None,
    ) -> bool | None:
        """Meet the open duties of a kind: timely if on or before the second they were due (Q26).

        Returns whether it was timely, or None if no such duty was open.
        """
        when = at or self.at
        timely: bool | None = None
        for duty in self.open_duties(kind, assignment_id=assignment_id):
            timely = when.replace(microsecond=0) <= duty.due_at
            result = outcome or (Outcome.TIMELY if timely else Outcome.LATE)
            if duty.outcome is Outcome.LATE:
                result = Outcome.LATE
            self.update_row(Duty, duty.id, met_at=when, outcome=result, check_at=None)
        return timely

    def void_duties(self, *kinds: Obligation, assignment_id: int | None = None, keep_late: bool = False) -> None:
        """Void open duties: nothing is owed any more. `keep_late` keeps those already overdue as late (T11)."""
        for duty in self.open_duties(*kinds, assignment_id=assignment_id):
            overdue = duty.outcome is Outcome.LATE or self.at.replace(microsecond=0) > duty.due_at
            if keep_late and overdue and duty.kind is not Obligation.RETURN:
                self.update_row(Duty, duty.id, outcome=Outcome.LATE, met_at=self.at, check_at=None)
            else:
                self.update_row(Duty, duty.id, outcome=Outcome.VOID, met_at=self.at, check_at=None)

    # -- requests

    def add_request(
        self, kind: str, *, timely: bool | None = None, limit: str = "", of_ticket: bool = False, **facts: object
    ) -> Request:
        """Request a decision of the management institution, with a review duty of its own.

        `limit` is the setting of that duty (default: review.*.limit); `of_ticket`: the request outlives the assignment.
        """
        limit = self.office.settings.text(limit or f"review.{self.ticket.grade}.limit")
        due = self.office.add_limit(limit, self.at, self.ticket.management)
        target = None if of_ticket else self._target
        request = Request(
            id=self.new_id(), ticket_id=self.ticket.id, assignment_id=target.id if target else None,
            unit=target.unit if target else None, kind=kind, asked_at=self.at, asked_by=self.by.code,
            timely=timely, review_due_at=due, facts=facts,
        )  # fmt: skip
        self.rows.append(request)
        self.start_duty(Obligation.REVIEW, due, assignment=target, unit=self.ticket.management, request_id=request.id)
        return request

    def find_pending(self, kind: str) -> Request | None:
        """Return the undecided request of a kind about this assignment (or the ticket)."""
        for request in self.snapshot.requests:
            same = self._target is None or request.assignment_id in (None, self._target.id)
            if request.kind == kind and request.decision is None and same:
                return request
        return None

    def withdraw_requests(self, *kinds: str) -> None:
        """Withdraw undecided requests (these kinds, or all) that have lost their object."""
        for request in self.snapshot.requests:
            if request.decision is not None or (kinds and request.kind not in kinds):
                continue
            if kinds and self._target is not None and request.assignment_id not in (None, self._target.id):
                continue
            self.update_row(Request, request.id, decision="withdrawn", decided_at=self.at, decided_by=self.by.code)
            for duty in self.open_duties(Obligation.REVIEW):
                if duty.request_id == request.id:
                    self.update_row(Duty, duty.id, met_at=self.at, outcome=Outcome.VOID, check_at=None)

    def decide_request(self, request: Request, accept: bool, reason: str) -> None:
        """Decide a request; the decider is never the one who asked (second-person rule).

        Refused `same_person`, `reason_missing`.
        """
        if self.by.code == request.asked_by:
            raise Refused("same_person", by=self.by.code)
        if not accept and not reason:
            raise Refused("reason_missing", field="reason")
        self.update_row(
            Request, request.id, decision="accepted" if accept else "refused", decided_at=self.at,
            decided_by=self.by.code, decision_reason=reason,
        )  # fmt: skip
        if request.assignment_id is not None:
            self.redraw.add(request.assignment_id)  # the people asked to decide see that it is decided
        for duty in self.open_duties(Obligation.REVIEW):
            if duty.request_id == request.id:
                timely = self.at.replace(microsecond=0) <= duty.due_at
                self.update_row(Duty, duty.id, met_at=self.at, check_at=None,
                            outcome=Outcome.TIMELY if timely else Outcome.LATE)  # fmt: skip

    # -- messages

    def notify(
        self,
        kind: str,
        people: Iterable[Person],
        *,
        assignment: Assignment | None = None,
        not_before: datetime | None = None,
        channel: str | None = None,
        urgent: bool | None = None,
        no_stand_in: bool = False,
        **facts: object,
    ) -> None:
        """Add a message to each of these people: by chat if bound, else by telephone if it must reach them.

        Stand-ins replace absent people, and urgent messages go to the person on duty (Q25), unless a `channel` is given
        or `no_stand_in` is set.
        """
        target = assignment or self._target
        is_urgent = self.ticket.grade is Grade.URGENT if urgent is None else urgent
        exact = channel is not None or no_stand_in
        for person in people if exact else self.office.recipients(list(people), self.now, urgent=is_urgent):
            name, via, told = kind, channel or self.find_chat(person), facts
            if via is None:
                if kind not in CALL_INSTEAD or not person.has_phone:
                    continue
                name, via, told = CALL_INSTEAD[kind], "phone", {**facts, "instead_of": kind}
            self.rows.append(
                Message(
                    id=self.new_id(),
                    kind=name,
                    channel=via,
                    person=person.code,
                    ticket_id=self.ticket.id,
                    assignment_id=target.id if target else None,
                    ticket_version=self.ticket.version + 1,
                    urgent=is_urgent,
                    not_before=not_before or self.now,
                    created_at=self.now,
                    facts=told,
                )  # fmt: skip
            )

    def find_chat(self, person: Person) -> str | None:
        """Return the chat channel that reaches a person; None if chat is off for their unit (A38)."""
        unit = self.office.find_unit(person.unit)
        return person.chat if unit is None or unit.chat_enabled else None

    def earliest_send(self) -> datetime:
        """Return when a message of the clock about this assignment may be sent: a general one in office hours only."""
        return self.office.earliest_send(self.at, self.now, self.ticket.grade, self.assignment.unit)

    def notify_actor(self, kind: str, **facts: Any) -> None:
        """Confirm to the actor, if they are a person with a chat."""
        person = self.office.find_person(self.by.code)
        if person and person.chat:
            self.notify(kind, [person], no_stand_in=True, **facts)

    def collect_changes(self) -> tuple[Change, ...]:
        """Return all changed values, one entry per row."""
        return tuple(Change(table, row_id, values) for (table, row_id), values in self.changed.items())
