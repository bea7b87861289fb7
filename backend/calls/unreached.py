"""Draft a 联系不上 ledger line when the attempts prove it; a person confirms it by review (B46)."""

from backend.calls.tools import Tools
from backend.domain import unreachable
from backend.domain.ticket import Grade
from backend.domain.unreachable import Attempt
from backend.office.cache import OfficeSnapshot
from backend.ports.calls import Call


class Unreached:
    """Checks after each failed attempt whether the unit now counts as unreachable."""

    def __init__(self, tools: Tools) -> None:
        self._t = tools

    async def look(self, call: Call, snapshot: OfficeSnapshot) -> bool:
        """Draft a ledger line if proven, once per assignment; return whether one was made."""
        t, about = self._t, call.subject
        if about is None or call.assignment_id is None or about.grade is not Grade.URGENT:
            return False
        tried = await t.store.list_notice_attempts(call.assignment_id)
        people = snapshot.by_code
        attempts = [
            Attempt(one.attempt_id, one.at, people[one.person].role, one.outcome)
            for one in tried
            if one.person in people and people[one.person].unit == about.unit
        ]
        proof = unreachable.find_proof(attempts)
        dials = [one.id for one in proof]
        if not proof or not await t.store.claim_unreachable_draft(call.assignment_id, dials, t.now()):
            return False
        calls = {one.attempt_id: one.call_id for one in tried}
        zone = t.office.clock.zone
        listed = t.catalogue.render("bot.and").join(
            t.catalogue.render(
                "calls.attempt", at=f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}", call=calls[one.id], dial=one.id,
                role=t.catalogue.get_word("role", one.role), outcome=t.catalogue.get_word("call_outcome", one.outcome),
            )
            for one in proof
        )  # fmt: skip
        made = t.ledger is not None and await t.ledger.draft(
            "unreachable_event", about.unit or "", source=f"unreachable:{call.assignment_id}", evidence=listed,
            note=t.catalogue.render("calls.unreachable", ticket_no=about.ticket_no, n=len(proof)),
            tickets=(about.ticket_no,),
        )  # fmt: skip
        await t.audit.record(t.now(), "system", "unreachable", about.ticket_no, dials=dials, drafted=made)
        return made
