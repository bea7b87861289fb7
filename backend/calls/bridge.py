"""Bridge a handler and a requester (联系诉求人, P3) so that neither sees the other's number, and record the result."""

from dataclasses import dataclass
from datetime import datetime

from backend.calls.dependencies import CallDependencies
from backend.calls.notices import send_notices
from backend.domain.acts import AccountKind, Act, Actor, Snapshot
from backend.domain.decision import is_visible
from backend.domain.move_table import HANDLING, is_allowed
from backend.domain.records import Assignment, Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role, Source, State
from backend.domain.unreachable import EXEMPT_AFTER
from backend.office.cache import OfficeSnapshot
from backend.office.phone_numbers import mask_number, to_callable_number
from backend.ports.call_records import AttemptRecord
from backend.ports.calls import AttemptResult, Call, LiveCall, NewCall
from backend.ports.ticket_queries import TicketView
from backend.ports.tickets import TicketRef
from notify.message import Prompt

CONTRACT_OUTCOMES = {"dead_number": "failed", "canceled": "carrier_failed"}  # outcomes as contract §5 names them
#: Outcomes of the first leg that mean nobody answered.
UNANSWERED = frozenset(
    {"no_answer", "busy", "machine", "failed", "carrier_failed", "canceled", "dead_number", "no_reply"}
)


@dataclass(frozen=True, slots=True)
class StartedBridge:
    """A started bridge: its call, the person rung first, and their masked number."""

    call_id: int
    person: str
    to: str


@dataclass(frozen=True, slots=True)
class ContactAttempts:
    """How often the requester of a ticket was tried; `exempt` after enough attempts failed (B49)."""

    attempts: tuple[AttemptRecord, ...]
    unreached: int
    exempt: bool


class Bridge:
    """Starts bridges, provides the announcement of the second leg, and records the results."""

    def __init__(self, tools: CallDependencies) -> None:
        self._t = tools

    async def start(
        self, by: Actor, ticket_no: str | None = None, assignment_id: int | None = None, person: str | None = None
    ) -> StartedBridge:
        """Ring `person` (default: `by`), then the requester of the ticket; idempotent while a bridge is open (A11).

        A unit may ask for its own assignment in hand, a revisit agent for a ticket in manual visit.
        Refused `forbidden`, `not_found`, `not_now`, `no_phone`, `number_dead`, `calls_stopped`, `unavailable`.
        """
        t = self._t
        if not (t.carriers.can_bridge or t.carrier.can.bridge):
            raise Refused("unavailable")
        snap = await t.tickets.moves.load(
            TicketRef(ticket_no=ticket_no) if ticket_no else TicketRef(assignment_id=assignment_id)
        )
        if snap is None or not is_visible(snap, by):
            raise Refused("not_found", ticket=ticket_no or "")
        visit, target = _find_subject(snap, by, assignment_id)
        snapshot = await t.office.snapshot()
        who = _find_first_person(snapshot, by, person, target)
        first = to_callable_number(await t.people.get_phone(who.code), snapshot)
        second = to_callable_number(await t.store.get_requester_phone(snap.ticket.id), snapshot)
        if first is None or second is None:
            raise Refused("no_phone", person=who.code)
        if not t.carriers.connects(first, second):
            raise Refused("unavailable")
        if await t.store.is_invalid_number(first) or await t.store.is_invalid_number(second):
            raise Refused("number_dead")
        if snapshot.settings.flag("calls.stopped"):
            raise Refused("calls_stopped")
        open_ = await t.store.find_bridge(snap.ticket.id)
        if open_ is not None:
            return StartedBridge(
                open_.id, open_.person or "", mask_number(first, snapshot) if open_.person == who.code else ""
            )
        now = t.now()
        call_id = await t.store.enqueue(NewCall(
            "bridge", "bridge", now, now, ticket_id=snap.ticket.id, assignment_id=target.id if target else None,
            person=who.code, urgent=True, masked=mask_number(first, snapshot),
            facts={"by": by.code, "visit": visit},
        ))  # fmt: skip
        assert call_id is not None  # neither a message nor a visit: nothing it could collide with
        await t.audit.record(now, by.code, "bridged", snap.ticket.ticket_no, person=who.code, call=call_id)
        t.wake()
        return StartedBridge(call_id, who.code, mask_number(first, snapshot))

    async def build_announcement(self, attempt_id: int) -> Prompt:
        """Return what the requester hears before being connected. Refused `not_found`."""
        t = self._t
        talk = await t.store.find_live_call(attempt_id)
        if talk is None or talk.call.script != "bridge":
            raise Refused("not_found", call=attempt_id)
        snapshot, about = await t.office.snapshot(), talk.call.subject
        units = snapshot.config.units
        office = units.get((about.management if about else None) or "")
        unit = units.get((about.unit if about else None) or "")
        key = "bridge_visit" if talk.call.facts.get("visit") or unit is None else "bridge_requester"
        words = t.texts.render(
            f"phone.{key}", org_name=office.name if office else t.hotline_name, hotline_name=t.hotline_name,
            unit=unit.name if unit else "",
        )  # fmt: skip
        return Prompt((words,), then="join", language=t.language)

    async def judge(self, talk: LiveCall, outcome: str, error: str = "") -> None:
        """Record a finished attempt: a contact act, or a message to the person who asked. Acts first, then writes."""
        call, t = talk.call, self._t
        requester = call.answers.get("requester")
        if requester:
            await self._record_contact(talk, requester == "reached")
        elif outcome in UNANSWERED:
            await self._notify(call, "bridge_not_started", outcome=outcome)
        await t.store.settle_attempt(
            AttemptResult(talk.attempt.id, CONTRACT_OUTCOMES.get(outcome, outcome), t.now(), error=error)
        )

    async def earliest_call(self, call: Call, number: str, now: datetime, snapshot: OfficeSnapshot) -> datetime | None:
        """Return now: somebody is waiting for it."""
        return now

    async def conclude_unreachable(self, call: Call, why: str) -> None:
        """Tell the person who asked that the call could not even be placed."""
        await self._notify(call, "bridge_not_started", outcome=why)

    async def get_contact_attempts(self, ticket_id: int) -> ContactAttempts:
        """Return the attempts to reach this requester, and whether they are enough for the exemption (B49)."""
        attempts = await self._t.store.list_bridge_attempts(ticket_id)
        missed = [one for one in attempts if one.requester == "unreached"]
        answered = any(one.requester == "reached" for one in attempts)
        return ContactAttempts(tuple(attempts), len(missed), len(missed) >= EXEMPT_AFTER and not answered)

    async def _record_contact(self, talk: LiveCall, reached: bool) -> None:
        """Record the contact; a talk below `contact.min_seconds` is none, and no vain attempt either (XM15)."""
        call, t = talk.call, self._t
        snapshot = await t.office.snapshot()
        told = call.answers.get("seconds")  # a carrier may not tell; then the answered call counts
        seconds = int(told or 0)
        if reached and told is not None and seconds < snapshot.settings.integer("contact.min_seconds"):
            await t.audit.record(t.now(), "system", "talk_too_short", _ticket_no(call), call=call.id, seconds=seconds)
            await self._notify(call, "bridge_too_short", seconds=seconds)
            return
        before = await self.get_contact_attempts(call.ticket_id or 0)
        missed = before.unreached + (not reached)
        note = t.texts.render(
            f"calls.note_{'reached' if reached else 'unreached'}", call=call.id, dial=talk.attempt.id, seconds=seconds,
            n=missed,
        )  # fmt: skip
        person = snapshot.by_code.get(call.person or "")
        if not call.facts.get("visit") and person is not None:
            arguments = {"way": "phone", "reached": reached, "note": note}
            by = Actor.of(person)
            try:
                await t.tickets.act(
                    Act("contact", by, Source.PHONE, assignment_id=call.assignment_id, arguments=arguments)
                )
            except Refused as no:  # closed or reassigned meanwhile: the attempt still counts as evidence
                await t.audit.record(
                    t.now(), by.code, "contact_not_logged", _ticket_no(call), call=call.id, code=no.code
                )
        if not reached and missed == EXEMPT_AFTER and not any(a.requester == "reached" for a in before.attempts):
            attempts = [a.attempt_id for a in before.attempts if a.requester == "unreached"] + [talk.attempt.id]
            await t.audit.record(t.now(), "system", "requester_unreachable", _ticket_no(call), dials=attempts)
        await self._notify(
            call,
            "bridge_done" if reached else "bridge_unanswered",
            seconds=seconds,
            n=missed,
            enough=missed >= EXEMPT_AFTER,
        )

    async def _notify(self, call: Call, kind: str, **facts: object) -> None:
        person = (await self._t.office.snapshot()).by_code.get(call.person or "")
        if person is not None:
            await send_notices(self._t, kind, [person], call, **facts)


def is_obsolete(call: Call) -> bool:
    """Whether a bridge is no longer needed, because its ticket has moved on."""
    about = call.subject
    if about is None:
        return True
    if call.facts.get("visit"):
        return about.state is not State.REVISIT_MANUAL
    return about.ended_at is not None or about.assignment_state not in HANDLING


def may_bridge(view: TicketView, by: Actor) -> bool:
    """Return whether `by` visits this ticket's requester, or works on an assignment of it."""
    if view.ticket.state is State.REVISIT_MANUAL:
        return is_allowed(by.role, "visit")
    own = [a for a in view.assignments if a.ended_at is None and by.may_see(a.unit)]
    return is_allowed(by.role, "contact") and any(a.state in HANDLING for a in own)


def _find_subject(snap: Snapshot, by: Actor, assignment_id: int | None) -> tuple[bool, Assignment | None]:
    """Return whether it is for a visit, and the assignment: that of `by`'s unit, else the lead."""
    if snap.ticket.state is State.REVISIT_MANUAL and is_allowed(by.role, "visit"):
        return True, snap.lead
    if not is_allowed(by.role, "contact"):
        raise Refused("forbidden", verb="contact")
    own = [a for a in snap.assignments if a.unit == by.unit and a.ended_at is None]
    target = snap.find_assignment(assignment_id) if assignment_id is not None else own[-1] if own else snap.lead
    if target is None or not by.may_see(target.unit):
        raise Refused("not_found", ticket=snap.ticket.ticket_no)
    if target.ended_at is not None or target.state not in HANDLING:
        raise Refused("not_now", state=target.state)
    return False, target


def _find_first_person(snapshot: OfficeSnapshot, by: Actor, person: str | None, target: Assignment | None) -> Person:
    """Return the person to ring first. Refused `forbidden` for another unit's people, `no_phone` without any."""
    own_code = by.id if by.kind is AccountKind.PERSON else ""
    who = snapshot.by_code.get(person or own_code)
    if who is None:
        raise Refused("no_phone", person=person or by.code)
    own = who.code == own_code or (by.unit == who.unit) or (by.role is Role.ADMIN)
    if not own or (target is not None and by.is_unit_member and who.unit != target.unit):
        raise Refused("forbidden", verb="contact")
    return who


def _ticket_no(call: Call) -> str | None:
    return call.subject.ticket_no if call.subject else None
