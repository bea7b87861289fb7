"""Draft a 联系不上 ledger line when the attempts prove it; a person confirms it by review (B46)."""

from backend.calls.dependencies import CallDependencies
from backend.domain import unreachable
from backend.domain.ticket import Grade
from backend.domain.unreachable import Attempt
from backend.office.cache import OfficeSnapshot
from backend.ports.calls import Call


class UnreachableDrafts:
    """Checks after each failed attempt whether the unit now counts as unreachable."""

    def __init__(self, tools: CallDependencies) -> None:
        self._t = tools

    async def draft_if_proven(self, call: Call, snapshot: OfficeSnapshot) -> bool:
        """Draft a ledger line if proven, once per assignment; return whether one was made."""
        t, about = self._t, call.subject
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
        drafted = t.ledger is not None and await t.ledger.draft(
            "unreachable_event", about.unit or "", source=f"unreachable:{call.assignment_id}", evidence=evidence,
            note=t.texts.render("calls.unreachable", ticket_no=about.ticket_no, n=len(proof)),
            tickets=(about.ticket_no,),
        )  # fmt: skip
        await t.audit.record(t.now(), "system", "unreachable", about.ticket_no, dials=dials, drafted=drafted)
        return drafted
