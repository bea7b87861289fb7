"""An office on paper for the rules of the table: one institution, three units, and a hand on the clock."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from backend.domain.acts import SYSTEM, Act, Actor, Plan, Snapshot
from backend.domain.flow import decide
from backend.domain.records import Assignment, Duty, Message, Person, Request, Ticket, Unit, Visit
from backend.domain.settings import Settings
from backend.domain.ticket import Category, Grade, Role, Source, State, UnitKind
from backend.office.cache import OfficeSnapshot
from backend.office.context import DecisionContext
from backend.ports.config import OfficeConfig

ZONE = ZoneInfo("Asia/Shanghai")
KEY = b"journal-key"
START = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)  # a Tuesday

ROLES = {
    "dispatcher": Actor("D1", Role.DISPATCHER, "M01"),
    "reviewer": Actor("R1", Role.REVIEWER, "M01"),
    "dispatcher_reviewing": Actor("D1", Role.REVIEWER, "M01"),  # the same person in another role
    "second_reviewer": Actor("R2", Role.REVIEWER, "M01"),
    "supervisor": Actor("S1", Role.SUPERVISOR, "M01"),
    "agent": Actor("V1", Role.REVISIT_AGENT, "M01"),
    "admin": Actor("A1", Role.ADMIN, "M01"),
    "auditor": Actor("X1", Role.AUDITOR, "M01"),
    "handler": Actor("H1", Role.HANDLER, "U01"),
    "deputy": Actor("H2", Role.HANDLER, "U01"),
    "liaison": Actor("L1", Role.LIAISON, "U01"),
    "leader": Actor("B1", Role.LEADER, "U01"),
    "stranger": Actor("H9", Role.HANDLER, "U02"),
    "clock": SYSTEM,
}


def people() -> list[Person]:
    """Everybody of ROLES, bound to chat and with a telephone."""
    staff = [
        Person(a.code, a.code, a.unit or "", a.role, chat="telegram", address=f"chat-{a.code}")
        for a in ROLES.values()
        if a.role is not None and a is not ROLES["dispatcher_reviewing"]
    ]
    return [*staff, Person("H3", "H3", "U03", Role.HANDLER, has_phone=False)]


class Paper:
    """A ticket on paper, moved by the pure rules; keeps every letter that would have been sent."""

    def __init__(
        self, *, grade: Grade = Grade.GENERAL, category: Category = Category.HELP, number: int = 1, **settings: str
    ) -> None:
        self.at = START
        self.no = f"T{number}"
        self._ids = iter(range(1000, 10_000_000))
        units = [
            Unit("M01", "热线中心", UnitKind.MANAGEMENT, "A市"), Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
            Unit("U02", "交通局", UnitKind.HANDLING, "A市"), Unit("U03", "空局", UnitKind.HANDLING, "A市"),
            Unit("U04", "旧局", UnitKind.HANDLING, "A市", active=False),
        ]  # fmt: skip
        chosen = {k.replace("__", "."): v for k, v in settings.items()}
        config = OfficeConfig(1, {u.code: u for u in units}, tuple(people()), chosen)
        self.snapshot = OfficeSnapshot.build(config, "jilin", ZONE)
        ticket = Ticket(
            number, self.no, 1, "", State.PENDING_DISPATCH, category, grade, "phone", "A市", "M01", "M01", self.at,
            has_phone=True, text="路灯不亮", phone_index="caller",
        )  # fmt: skip
        self.snap = Snapshot(ticket)
        self.beside: Paper | None = None  # the other ticket a merge names
        self.messages: list[Message] = []
        self.plans: list[Plan] = []

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.snapshot.settings

    @property
    def state(self) -> State:
        """The ticket's state."""
        return self.snap.ticket.state

    @property
    def lead(self) -> Assignment:
        """The lead unit's assignment."""
        assert self.snap.lead is not None
        return self.snap.lead

    def later(self, **span: float) -> "Paper":
        """Let time pass."""
        self.at += timedelta(**span)
        return self

    def act(
        self, who: str, verb: str, /, version: int | None = None, at: datetime | None = None,
        assignment: int | None = None, **words: object,
    ) -> "Paper":  # fmt: skip
        """Somebody acts; refusals pass."""
        world = DecisionContext(self.snapshot, self.at, lambda: next(self._ids))
        act = Act(verb, ROLES[who], Source.API, ticket_no=self.no, arguments=words, version=version, at=at,
                  assignment_id=assignment)  # fmt: skip
        other = self.beside
        plan = decide(replace(self.snap, other=other.snap if other else None), act, world, KEY)
        self._keep(plan)
        if other is not None and plan.other is not None:
            other._keep(plan.other)
        return self

    def _keep(self, plan: Plan) -> None:
        self.plans.append(plan)
        self.messages += [r for r in plan.rows if isinstance(r, Message)]
        self.snap = apply(self.snap, plan)

    def told(self) -> list[tuple[str, str]]:
        """(kind, person) of the letters since the last look."""
        messages, self.messages = self.messages, []
        return [(message.kind, message.person) for message in messages]

    def open(self) -> set[str]:
        """Kinds of the open duties."""
        return {str(d.kind) for d in self.snap.duties if d.met_at is None}

    def outcome(self, kind: str) -> list[str | None]:
        """Outcomes of the duties of a kind, oldest first."""
        return [None if d.outcome is None else str(d.outcome) for d in self.snap.duties if d.kind == kind]


N = TypeVar("N")


def _rows(kind: type, plan: Plan) -> list[object]:
    return [r for r in plan.rows if isinstance(r, kind)]


def apply(snap: Snapshot, plan: Plan) -> Snapshot:
    """What the shelves would show after a plan."""
    changed = {(c.table, c.id): c.values for c in plan.changes}

    def now(noun: type[N], old: Sequence[N]) -> tuple[N, ...]:
        new: Iterable[N] = [*old, *_rows(noun, plan)]  # type: ignore[list-item]
        return tuple(replace(n, **changed.get((noun, n.id), {})) for n in new)  # type: ignore[attr-defined,type-var]

    return Snapshot(
        replace(snap.ticket, **plan.ticket),
        now(Assignment, snap.assignments), now(Duty, snap.duties), now(Request, snap.requests),
        now(Visit, snap.visits), plan.entry,
    )  # fmt: skip
