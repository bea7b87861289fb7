"""Carry out the effects of a call's turns: check PINs, sign tickets, keep answers, block visits."""

from hmac import compare_digest
from typing import Any

from backend.calls.dependencies import CallDependencies
from backend.calls.notices import request_callback
from backend.calls.prompts import find_duty_contact
from backend.domain.acts import Act, Actor
from backend.domain.refusals import Refused
from backend.domain.scripts import Effect, EffectKind, Turn
from backend.domain.ticket_enums import Source
from backend.domain.time_words import get_tail_digits
from backend.ports.calls import Call

E = EffectKind
_RECORDED = (E.COMPLAINT, E.WANT_PERSON, E.DANGER, E.NO_MORE_VISITS, E.WRONG_PERSON, E.CALL_LATER, E.NOTIFIED)


class Effects:
    """Carries out the effects of a turn. All are idempotent except the count of wrong PINs."""

    def __init__(self, tools: CallDependencies) -> None:
        self._t = tools

    async def apply(self, turn: Turn, call: Call, heard: dict[str, Any]) -> str:
        """Apply all effects and note the answers in `heard`; return the verdict if the turn needs one, else ""."""
        verdict = ""
        for effect in turn.effects:
            verdict = await self._apply_one(effect, call, heard) or verdict
        return verdict if turn.needs else ""

    async def _apply_one(self, effect: Effect, call: Call, heard: dict[str, Any]) -> str:
        match effect.kind:
            case E.ANSWER:
                heard.update(effect.facts)
            case E.RECORD_REASON:
                heard.update(effect.facts)
            case E.CHECK_PIN:
                checked = await self._check_pin(call, effect.facts["pin"])
                return "none" if checked == "ok" and call.ticket_id is None else checked
            case E.CHECK_TAIL:
                return await self._check_tail(call, effect.facts["pin"])
            case E.SIGN_REQUESTED:
                pin = effect.facts.get("pin")
                checked = await self._check_pin(call, pin) if pin is not None else "ok"
                return await self._sign(call) if checked == "ok" else checked
            case E.PIN_FAILED:
                await self._audit("pin_failed", call)
            case E.BRIDGE_DUTY:
                await self._request_duty(call)
            case E.REACHED | E.NOT_REACHED:
                heard["requester"] = "reached" if effect.kind is E.REACHED else "unreached"
            case kind if kind in _RECORDED:
                heard[kind.value] = True
                if kind is E.NO_MORE_VISITS:
                    await self._block_visits(call)
            case _:  # pragma: no cover - a script names an unknown effect
                raise ValueError(effect.kind)
        return ""

    async def _check_pin(self, call: Call, pin: str) -> str:
        try:
            return "ok" if await self._t.people.check_pin(call.person or "", pin) else "wrong"
        except Refused:
            return "locked"

    async def _check_tail(self, call: Call, digits: str) -> str:
        """FW25: a caller id proves nothing; a caller who knows the ticket's tail is taken for the requester."""
        about = call.subject
        if about is None:
            return "wrong"
        right = compare_digest(digits, get_tail_digits(about.ticket_no))
        if not await self._t.store.count_tail_guess(call.ticket_id or 0, self._t.now(), is_right=right):
            await self._audit("tail_locked", call)
            return "locked"
        return "ok" if right else "wrong"

    async def _sign(self, call: Call) -> str:
        """T6 by telephone: sign as the person who was rung and gave the right PIN."""
        person = (await self._t.office.snapshot()).by_code.get(call.person or "")
        if person is None:
            return "refused"
        by = Actor.of(person)
        try:
            await self._t.tickets.act(Act("sign", by, Source.PHONE, assignment_id=call.assignment_id))
        except Refused:
            return "refused"
        return "ok"

    async def _request_duty(self, call: Call) -> None:
        """Key 0: record it, and if nobody can be connected, ask the people on duty to call back (P1)."""
        await self._audit("duty_wanted", call)
        snapshot = await self._t.office.snapshot()
        if not self._t.carrier.can.bridge or find_duty_contact("duty", call, snapshot, self._t.now()) is None:
            await request_callback(self._t, call)

    async def _block_visits(self, call: Call) -> None:
        index = call.facts.get("phone_index") or call.phone_index
        if index:
            await self._t.store.add_do_not_call(str(index), self._t.now(), call.id)
            await self._audit("visits_refused", call)

    async def _audit(self, event: str, call: Call) -> None:
        about = call.subject.ticket_no if call.subject else None
        await self._t.audit.record(self._t.now(), call.person or "system", event, about, call=call.id)
