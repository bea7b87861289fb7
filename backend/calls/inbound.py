"""Answer incoming calls: say what the missed call was about, same keys; caller id is never trusted (FW25)."""

from typing import Any

from backend.calls.dependencies import SILENCE_TIMEOUT, CallDependencies
from backend.calls.dialogue import Dialogue
from backend.office.phone_numbers import mask_number, to_callable_number
from backend.ports.calls import NewCall
from notify.carrier import CallEvent, Spoken
from notify.message import Prompt


class Inbound:
    """Answers the office's own number. Handlers prove themselves by PIN; requesters hear nothing private."""

    def __init__(self, tools: CallDependencies, talking: Dialogue) -> None:
        self._t = tools
        self._dialogue = talking

    async def answer(self, event: CallEvent) -> Spoken:
        """Return the first prompt of an incoming call; idempotent (FW7)."""
        t = self._t
        snapshot = await t.office.snapshot()
        number = to_callable_number(event.from_, snapshot)
        new = await self._prepare_person_call(number) if number else None
        if new is None and number:
            new = await self._prepare_requester_call(number)
        if new is None or number is None:
            text = t.texts.render("phone.inbound_unknown", org_name=t.hotline_name, hotline=t.hotline)
            return Spoken(Prompt((text,), language=t.language), 0, 0)
        kept = NewCall(
            "inbound", next_at=t.now() + SILENCE_TIMEOUT, created_at=t.now(), phone=number, masked=mask_number(number, snapshot), **new
        )  # fmt: skip
        attempt = await t.store.open_inbound(kept, event.provider_id)
        return await self._dialogue.answer(attempt, 0, event)

    async def _prepare_person_call(self, number: str) -> dict[str, Any] | None:
        """Prepare a call from one of our people; the script asks for their PIN before anything is said."""
        found = [(p, await self._t.store.find_missed(p.code)) for p in await self._t.people.list_by_phone(number)]
        if len(found) > 1:  # a shared number: whoever alone missed a call, never just the first
            found = [(person, missed) for person, missed in found if missed is not None]
        if len(found) != 1:
            return None
        [(person, missed)] = found
        new: dict[str, Any] = {"script": "inbound_handler", "person": person.code}
        if missed is not None:
            new |= {"ticket_id": missed.ticket_id, "assignment_id": missed.assignment_id, "facts": {
                "missed": missed.id, "letter": missed.outbox_id, "attempt": missed.facts.get("attempt", 1),
            }}  # fmt: skip
        return new

    async def _prepare_requester_call(self, number: str) -> dict[str, Any] | None:
        visit = await self._t.store.find_pending_visit(number)
        if visit is None:
            return None
        return {
            "script": "inbound_caller", "ticket_id": visit.ticket_id, "assignment_id": visit.assignment_id,
            "round": visit.round, "facts": {"missed": visit.id, "phone_index": visit.phone_index},
        }  # fmt: skip
