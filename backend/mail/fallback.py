"""Decides what replaces a failed message: a call, the next contact, at last a manual task (A10, Q42, FT20)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backend.domain import reminders
from backend.domain.acts import Snapshot
from backend.domain.records import Message, Person
from backend.domain.ticket import Grade, Role
from backend.mail.by_text import CHANNEL, by_text
from backend.mail.kinds import MUST_ARRIVE, matters, phone_kind
from backend.office.cache import OfficeSnapshot
from backend.ports.outbox import AuditNote, MessageDelivery

ALIVE = ("pending", "sending", "sent", "ambiguous")
#: grade and call kind → the chat message with the same content, for a contact without a telephone
BY_CHAT = {(Grade.GENERAL, "P1"): "M1", (Grade.URGENT, "P1"): "M2"}


@dataclass(frozen=True, slots=True)
class Fallback:
    """What to write when a message cannot arrive: replacements, audit rows, a call to bring forward (id, when)."""

    letters: tuple[Message, ...] = ()
    notes: tuple[AuditNote, ...] = ()
    hasten: tuple[int, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A message that cannot arrive, with all messages about the same assignment."""

    letter: Message
    why: str
    family: Sequence[MessageDelivery]
    snap: Snapshot | None
    standing: OfficeSnapshot
    now: datetime
    new_id: Callable[[], int]

    @property
    def root(self) -> Message:
        """The original message at the start of the fallback chain."""
        by_id = {d.message.id: d.message for d in self.family}
        message, seen = self.letter, {self.letter.id}
        while message.cause_id in by_id and message.cause_id not in seen:
            message = by_id[message.cause_id]
            seen.add(message.id)
        return message

    @property
    def unit(self) -> str | None:
        """The unit to reach."""
        target = self.snap.find_assignment(self.letter.assignment_id or 0) if self.snap else None
        return target.unit if target else None

    def stand_in(self, kind: str, channel: str, person: Person, **facts: Any) -> Message:
        """Build a message that replaces this one."""
        given = {k: v for k, v in self.root.facts.items() if k != "unless_opened"}
        return Message(
            id=self.new_id(), kind=kind, channel=channel, person=person.code, ticket_id=self.letter.ticket_id,
            assignment_id=self.letter.assignment_id, version=self.letter.version, urgent=self.letter.urgent,
            not_before=self.when(ring=True) if channel in ("phone", CHANNEL) else self.now, created_at=self.now,
            facts={**given, **facts, "why": self.why}, cause_id=self.letter.id,
        )  # fmt: skip

    def when(self, *, ring: bool) -> datetime:
        """Return when the unit may be disturbed: urgent at once, general in office hours (FW32)."""
        grade = Grade.URGENT if self.letter.urgent else Grade.GENERAL
        return reminders.find_next_allowed(
            self.now, grade, self.standing.settings, self.standing.calendar, self.unit, for_call=ring
        )

    def note(self, what: str, **facts: Any) -> AuditNote:
        """Build an audit row about this message."""
        about = self.snap.ticket.no if self.snap else None
        facts = {"letter": self.letter.id, "kind": self.letter.kind, "person": self.letter.person,
                 "channel": self.letter.channel, "why": self.why, **facts}  # fmt: skip
        return AuditNote(self.now, "system", what, about, facts)


def fall_back(case: Case) -> Fallback:
    """Decide what follows when a message cannot arrive. One that need not arrive gets an SMS at most (S2, S7)."""
    other = _other_way(case)
    return replace(other, letters=other.letters + by_text(case))


def _other_way(case: Case) -> Fallback:
    message = case.letter
    script = phone_kind(message.kind)
    if message.kind not in MUST_ARRIVE or script is None or case.unit is None or not matters(message, case.snap):
        return Fallback()
    since = case.root.created_at
    calls = [
        d.message for d in case.family
        if d.message.channel == "phone" and d.message.kind == script and d.message.created_at >= since
        and d.message.id != message.id
    ]  # fmt: skip
    alive = [c for c in calls if c.state in ALIVE]
    if alive:  # a call is already planned or running; bring it forward if it is planned for later
        own = next((c for c in alive if c.person == message.person), alive[0])
        when = case.when(ring=True)
        return Fallback(hasten=(own.id, when) if own.state == "pending" and own.not_before > when else None)
    person = _to_ring(case, {c.person for c in calls})
    if person is not None:
        return Fallback((case.stand_in(script, "phone", person),))
    told = _by_chat(case, script)
    if message.channel != "phone" and told.letters:
        return told
    task = _task(case)
    return Fallback(told.letters + task.letters, task.notes)


def _to_ring(case: Case, rung: set[str]) -> Person | None:
    """Return the same person when their chat failed, else the next contact who has not been called."""
    message = case.letter
    same = case.standing.by_code.get(message.person)
    if message.channel == "phone":
        rung = rung | {message.person}
    elif same is not None and same.has_phone and same.code not in rung:
        return same
    contacts = case.standing.contacts(case.unit or "", case.now, urgent=message.urgent)
    return next((p for p in contacts if p.has_phone and p.code not in rung), None)


def _by_chat(case: Case, script: str) -> Fallback:
    """Build a chat message to the next contact who was not told yet and has no telephone."""
    grade = Grade.URGENT if case.letter.urgent else Grade.GENERAL
    root = case.root.kind
    kind = BY_CHAT.get((grade, script)) if root.startswith("P") else root
    unit = case.standing.config.units.get(case.unit or "")
    if kind is None or unit is None or not unit.pilot:
        return Fallback()
    told = {d.message.person for d in case.family if d.message.kind == kind} | {case.letter.person}
    contacts = case.standing.contacts(unit.code, case.now, urgent=case.letter.urgent)
    person = next((p for p in contacts if p.chat and not p.has_phone and p.code not in told), None)
    if person is None or person.chat is None:
        return Fallback()
    return Fallback((case.stand_in(kind, person.chat, person),))


def _task(case: Case) -> Fallback:
    """Nobody can be reached: tell the dispatchers, once per chain, and write an audit row."""
    since = case.root.created_at
    note = case.note("unreached", unit=case.unit)
    if any(d.message.kind == "T1" and d.message.created_at >= since for d in case.family):
        return Fallback(notes=(note,))
    ticket = case.snap.ticket if case.snap else None
    people = case.standing.people((ticket.management if ticket else None) or "", Role.DISPATCHER)
    return Fallback(tuple(case.stand_in("T1", p.chat, p) for p in people if p.chat), (note,))


def tell_unit(case: Case, person: Person) -> Fallback:
    """Tell the colleagues that a person's chat is dead, so that they ask them to bind again (FT20)."""
    unit = case.standing.config.units.get(person.unit)
    others = [
        p for p in case.standing.people(person.unit, Role.LIAISON, Role.HANDLER) if p.chat and p.code != person.code
    ]
    messages = tuple(
        case.stand_in("U1", p.chat, p, name=person.name, unit=unit.name if unit else person.unit)
        for p in others
        if p.chat
    )
    return Fallback(messages, (case.note("address_dead"),))
