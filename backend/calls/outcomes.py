"""Decide what follows the end of a call attempt: settle, retry, or the next contact (Q42, FW19-FW23)."""

from collections.abc import Mapping

import structlog

from backend.calls.dependencies import CallDependencies, CallPurpose
from backend.calls.notices import send_notices
from backend.domain import reminders, retry, scripts, unreachable
from backend.domain.script_files import load_script
from backend.domain.ticket_enums import Grade
from backend.domain.unreachable import Attempt
from backend.office.cache import OfficeSnapshot
from backend.ports.calls import CALLS_OWNER, AttemptResult, Call, LiveCall
from backend.ports.outbox import SendResult
from notify.carrier import AnsweredBy, CallStatus

log = structlog.get_logger("calls")
#: Outcomes that only the retry rules tell apart → their names in contract §5.
CONTRACT_OUTCOMES = {"dead_number": "failed", "canceled": "carrier_failed"}
_OF_STATUS = {
    CallStatus.BUSY: "busy",
    CallStatus.NO_ANSWER: "no_answer",
    CallStatus.FAILED: "failed",
    CallStatus.CANCELED: "canceled",
}
#: Scripts whose attempts another feature judges → its key in the table of purposes.
PURPOSE_OF_SCRIPT = {"visit": "visit", "inbound_caller": "visit", "bridge": "bridge"}
#: Outcomes that send M25: it rang and nobody answered.
MISSED_OUTCOMES = frozenset({"no_answer", "busy", "machine"})
MACHINES = (AnsweredBy.MACHINE, AnsweredBy.FAX)


def find_outcome(talk: LiveCall, status: CallStatus, answered_by: str = "") -> str:
    """Return the outcome of an ended attempt, from the carrier's last status and how far the script got."""
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    spoken = (
        talk.attempt.keys or talk.attempt.next_step > 1
    )  # a key proves that a person was there, the carrier's guess does not
    if (answered_by or talk.attempt.answered_by) in MACHINES and not spoken:
        return "machine"
    if talk.attempt.next_step == 0 or not talk.call.position:
        return "no_reply"
    return scripts.find_hang_up_outcome(load_script(talk.call.script), scripts.Position.from_text(talk.call.position))


class CallOutcomes:
    """Judges each attempt once; all side effects are idempotent."""

    def __init__(self, tools: CallDependencies, purposes: Mapping[str, CallPurpose]) -> None:
        self._t = tools
        self._purposes = purposes

    async def judge(self, talk: LiveCall, outcome: str, error: str = "") -> None:
        """Apply the consequences of an outcome, then store it."""
        log.info(
            "call_attempt_ended",
            call=talk.call.id,
            dial=talk.attempt.id,
            purpose=talk.call.purpose,
            outcome=outcome,
            error=error,
        )
        if (purpose := PURPOSE_OF_SCRIPT.get(talk.call.script)) is not None:
            await self._purposes[purpose].judge(talk, outcome, error)
        elif talk.call.purpose == "inbound":
            await self._judge_inbound(talk, outcome)
        else:
            await self._judge_notice(talk, outcome, error)

    async def _judge_notice(self, talk: LiveCall, outcome: str, error: str) -> None:
        call, now = talk.call, self._t.now()
        snapshot = await self._t.office.snapshot()
        grade = call.grade
        step = retry.decide_after_call(outcome, call.attempt_count + 1, grade, snapshot.settings)
        again = None
        if isinstance(step, retry.Retry) and call.outbox_id is not None:
            unit = call.subject.unit if call.subject else None
            again = reminders.find_next_allowed(
                now + step.delay, grade, snapshot.settings, snapshot.calendar, unit, for_call=True
            )
        elif isinstance(step, retry.GiveUp) and step.done:
            await self.settle_message(call, "sent", talk.attempt.provider_id)
        elif call.outbox_id is not None:
            await self._t.delivery.report_unreachable(call.outbox_id, outcome)
        if outcome in MISSED_OUTCOMES:
            await self._send_missed(call, snapshot)
        stored = CONTRACT_OUTCOMES.get(outcome, outcome)
        await self._t.store.settle_attempt(AttemptResult(talk.attempt.id, stored, now, next_at=again, error=error))
        if outcome in MISSED_OUTCOMES:
            await draft_if_unreachable(self._t, call, snapshot)

    async def _send_missed(self, call: Call, snapshot: OfficeSnapshot) -> None:
        """M25: tell the person in chat that they missed a call, once for each attempt."""
        person = snapshot.by_code.get(call.person or "")
        if person is not None and call.subject is not None:
            phones = snapshot.settings.strings("notify.duty_phone")
            duty = phones[0] if phones else self._t.hotline
            await send_notices(
                self._t, "call_missed", [person], call, n=call.attempt_count + 1, duty_phone=duty, script=call.script
            )

    async def _judge_inbound(self, talk: LiveCall, outcome: str) -> None:
        """A handler who called back has been notified: the call they missed need not ring again."""
        facts, now = talk.call.facts, self._t.now()
        notified = outcome in ("confirmed", "signed") and facts.get("missed")
        dropped = bool(notified) and await self._t.store.cancel(int(facts["missed"]), now, outcome)
        if dropped and facts.get("letter"):
            await self._settle_by_id(int(facts["letter"]), int(facts["attempt"]), "sent", talk.attempt.provider_id)
        await self._t.store.settle_attempt(AttemptResult(talk.attempt.id, outcome, now))

    async def settle_message(
        self, call: Call, state: str, provider_id: str | None = None, error: str | None = None
    ) -> None:
        """Settle the message of a call; do nothing if it has none or it is settled already."""
        if call.outbox_id is not None:
            await self._settle_by_id(call.outbox_id, int(call.facts.get("attempt", 1)), state, provider_id, error)

    async def _settle_by_id(
        self, message_id: int, attempt: int, state: str, provider_id: str | None, error: str | None = None
    ) -> None:
        settlement = SendResult(
            message_id, CALLS_OWNER, attempt, state, self._t.now(), error=error, provider_id=provider_id
        )
        await self._t.outbox.settle([settlement])


async def draft_if_unreachable(t: CallDependencies, call: Call, snapshot: OfficeSnapshot) -> bool:
    """Draft a 联系不上 ledger line when the attempts prove it, once per assignment; a person reviews it (B46).

    Return whether one was made.
    """
    about = call.subject
    if about is None or call.assignment_id is None or about.grade is not Grade.URGENT:
        return False
    attempts_made = await t.store.list_notice_attempts(call.assignment_id)
    people = snapshot.by_code
    attempts = [
        Attempt(one.attempt_id, one.at, people[one.person].role, one.outcome)
        for one in attempts_made
        if one.person in people and people[one.person].unit == about.unit
    ]
    proof = unreachable.find_proof(attempts)
    dials = [one.id for one in proof]
    if not proof or not await t.store.claim_unreachable_draft(call.assignment_id, dials, t.now()):
        return False
    calls = {one.attempt_id: one.call_id for one in attempts_made}
    zone = t.office.clock.zone
    evidence = t.texts.render("bot.and").join(
        t.texts.render(
            "calls.attempt", at=f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}", call=calls[one.id], dial=one.id,
            role=t.texts.get_word("role", one.role), outcome=t.texts.get_word("call_outcome", one.outcome),
        )
        for one in proof
    )  # fmt: skip
    drafted = await t.ledgers.draft(
        "unreachable_event", about.unit or "", source=f"unreachable:{call.assignment_id}", evidence=evidence,
        note=t.texts.render("calls.unreachable", ticket_no=about.ticket_no, n=len(proof)),
        tickets=(about.ticket_no,),
    )  # fmt: skip
    await t.audit.record(t.now(), "system", "unreachable", about.ticket_no, dials=dials, drafted=drafted)
    return drafted
