"""One ticket in memory for the tests of the move table: one institution, four units, a clock moved by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from backend.domain.acts import SYSTEM, Act, Actor, DecisionContext, Plan, Snapshot
from backend.domain.decision import decide
from backend.domain.journal_hash import JournalKey
from backend.domain.records import Assignment, Duty, Message, Person, Request, Ticket, Unit, Visit
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade, Role, Source, State, UnitKind
from backend.office.cache import OfficeSnapshot
from backend.ports.office import OfficeConfig
from tests.chats import bind_to

ZONE = ZoneInfo("Asia/Shanghai")
KEY = JournalKey("journal", b"journal-key")
START = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)  # a Tuesday

ROLES = {
    "dispatcher": Actor("D1", Role.DISPATCHER, "M01"),
    "reviewer": Actor("R1", Role.REVIEWER, "M01"),
    "dispatcher_reviewing": Actor("D1", Role.REVIEWER, "M01"),  # D1 in another role
    "second_reviewer": Actor("R2", Role.REVIEWER, "M01"),
    "supervisor": Actor("S1", Role.SUPERVISOR, "M01"),
    "agent": Actor("V1", Role.REVISIT_AGENT, "M01"),
    "admin": Actor("A1", Role.ADMIN, "M01"),
    "auditor": Actor("X1", Role.AUDITOR, "M01"),
    "handler": Actor("H1", Role.HANDLER, "U01"),
    "deputy": Actor("H2", Role.HANDLER, "U01"),
    "liaison": Actor("L1", Role.LIAISON, "U01"),
    "leader": Actor("B1", Role.LEADER, "U01"),
    "handler_u02": Actor("H9", Role.HANDLER, "U02"),
    "handler_u11": Actor("H7", Role.HANDLER, "U11"),
    "handler_u21": Actor("H6", Role.HANDLER, "U21"),
    "handler_n01": Actor("H5", Role.HANDLER, "N01"),
    "clock": SYSTEM,
}

RETURN = {"reason": "不属于本单位职责", "reason_code": "not_our_duty", "files": ["f1"], "signed_by": "seal"}
INFORMED = {"at": "2026-11-10T10:00:00+08:00", "way": "phone"}


def build_people() -> list[Person]:
    """Build the people of ROLES, each with a chat and a telephone; H3 of U03 has neither."""
    staff = [
        Person(a.code, a.code, a.unit or "", a.role, chats=bind_to(f"chat-{a.code}"))
        for a in ROLES.values()
        if a.role is not None and a is not ROLES["dispatcher_reviewing"]
    ]
    return [*staff, Person("H3", "H3", "U03", Role.HANDLER, has_phone=False)]


@cache
def build_snapshot(settings: frozenset[tuple[str, str]]) -> OfficeSnapshot:
    """Build the office with these settings; `__` stands for a dot in their keys."""
    units = [
        Unit("M01", "热线中心", UnitKind.MANAGEMENT, "A市"),
        Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
        Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
        Unit("U03", "空局", UnitKind.HANDLING, "A市"),
        Unit("U04", "旧局", UnitKind.HANDLING, "A市", active=False),
        Unit("U11", "住建局工会", UnitKind.HANDLING, "A市", parent="U01"),
        Unit("U21", "交通局工会", UnitKind.HANDLING, "A市", parent="U02"),
        Unit("N01", "业务处", UnitKind.INTERNAL, "A市", parent="M01"),
    ]
    chosen = {key.replace("__", "."): value for key, value in settings}
    return OfficeSnapshot.build(
        OfficeConfig(1, {u.code: u for u in units}, tuple(build_people()), chosen), "jilin", ZONE
    )


class Flow:
    """A ticket in memory, moved by the pure rules; collects the messages that would be sent."""

    def __init__(
        self, *, grade: Grade = Grade.GENERAL, category: Category = Category.HELP, number: int = 1, **settings: str
    ) -> None:
        self.at = START
        self.no = f"T{number}"
        self._ids = iter(range(1000, 10_000_000))
        self.snapshot = build_snapshot(frozenset(settings.items()))
        ticket = Ticket(
            number, self.no, 1, "", State.PENDING_DISPATCH, category, grade, "phone", "A市", "M01", "M01", self.at,
            has_phone=True, text="路灯不亮", phone_index="caller",
        )  # fmt: skip
        self.snap = Snapshot(ticket)
        self.other: Flow | None = None  # the other ticket that a merge names
        self.messages: list[Message] = []
        self.plans: list[Plan] = []

    @property
    def ticket(self) -> Ticket:
        """The ticket as it is now."""
        return self.snap.ticket

    @property
    def state(self) -> State:
        """The ticket's state."""
        return self.ticket.state

    @property
    def lead(self) -> Assignment:
        """The lead unit's assignment."""
        assert self.snap.lead is not None
        return self.snap.lead

    @property
    def open_duties(self) -> set[str]:
        """Kinds of the open duties."""
        return {str(d.kind) for d in self.snap.duties if d.met_at is None}

    def outcomes(self, kind: str) -> list[str | None]:
        """Return the outcomes of the duties of a kind, oldest first."""
        return [None if d.outcome is None else str(d.outcome) for d in self.snap.duties if d.kind == kind]

    def wait(self, **span: float) -> "Flow":
        """Let time pass."""
        self.at += timedelta(**span)
        return self

    def act(
        self, role: str, verb: str, /, version: int | None = None, at: datetime | None = None,
        assignment: int | None = None, source: Source = Source.API, **arguments: object,
    ) -> "Flow":  # fmt: skip
        """Perform an act as one of ROLES. Raises what the rules raise: Refused or Unchanged."""
        context = DecisionContext(self.snapshot, self.at, lambda: next(self._ids))
        act = Act(verb, ROLES[role], source, ticket_no=self.no, arguments=arguments, version=version, at=at,
                  assignment_id=assignment)  # fmt: skip
        other = self.other
        plan = decide(replace(self.snap, other=other.snap if other else None), act, context, KEY)
        self._apply(plan)
        if other is not None and plan.other is not None:
            other._apply(plan.other)
        return self

    def _apply(self, plan: Plan) -> None:
        self.plans.append(plan)
        self.messages += [r for r in plan.rows if isinstance(r, Message)]
        self.snap = apply_plan(self.snap, plan)

    def take_messages(self) -> list[tuple[str, str]]:
        """Return (kind, person) of the messages since the last call."""
        messages, self.messages = self.messages, []
        return [(message.kind, message.person) for message in messages]


N = TypeVar("N")


def apply_plan(snap: Snapshot, plan: Plan) -> Snapshot:
    """Return what a store would hold after the plan."""
    changed = {(c.table, c.id): c.values for c in plan.changes}

    def update(kind: type[N], old: Sequence[N]) -> tuple[N, ...]:
        rows: Iterable[N] = [*old, *(row for row in plan.rows if isinstance(row, kind))]
        keyed = [(row, changed.get((kind, row.id))) for row in rows]  # type: ignore[attr-defined]
        return tuple(replace(row, **values) if values else row for row, values in keyed)  # type: ignore[type-var]

    return Snapshot(
        replace(snap.ticket, **plan.ticket),
        update(Assignment, snap.assignments),
        update(Duty, snap.duties),
        update(Request, snap.requests),
        update(Visit, snap.visits),
        plan.entry,
    )


def refused(code: str) -> "pytest.RaisesExc[Refused]":
    """Expect a refusal with this code."""
    return pytest.raises(Refused, match=f"^{code}$")


def signed(**kind: object) -> Flow:
    """Return a ticket dispatched to U01 and signed for."""
    flow = Flow(**kind).act("dispatcher", "dispatch", unit="U01", reason="属其职责").act("handler", "sign")  # type: ignore[arg-type]
    flow.take_messages()
    return flow


def closed(**kind: object) -> Flow:
    """Return a ticket replied to and closed."""
    flow = signed(**kind).act("handler", "reply", text="已修复", way="phone")
    flow.act("handler", "close", feedback="满意", no_objection=True)
    flow.take_messages()
    return flow


def unsatisfied(**kind: object) -> Flow:
    """Return a ticket whose second visit ended unsatisfied."""
    flow = closed(**kind).act("clock", "start_visit")
    flow.act("clock", "visit", kind="auto", answer="unsatisfied")
    flow.wait(hours=2).act("agent", "visit", kind="manual", answer="unsatisfied", note="路灯还是不亮")
    flow.take_messages()
    return flow


def under_review() -> Flow:
    """A signed ticket whose extension is being reviewed, shortly before it is due."""
    flow = signed()
    flow.at = flow.lead.close_due_at - timedelta(minutes=10)
    due = (flow.lead.close_due_at + timedelta(days=1)).isoformat()
    return flow.act("handler", "extend", new_due_at=due, reason="待配件", requester_informed=INFORMED)
