"""Answer one step of a call: advance the script, store the step, then speak; a repeated step sounds the same."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from backend.calls.bridge import is_obsolete
from backend.calls.dependencies import CallDependencies
from backend.calls.effects import Effects
from backend.calls.notices import request_callback
from backend.calls.outcomes import MACHINES, CallOutcomes, find_outcome
from backend.calls.prompts import (
    DUTY_ROLES,
    build_prompt,
    collect_facts,
    find_duty_contact,
    get_script_name,
    serialize_turn,
)
from backend.domain import scripts
from backend.domain.move_table import WITH_UNIT
from backend.domain.refusals import Refused
from backend.domain.script_files import load_script
from backend.domain.ticket_enums import State
from backend.office.cache import OfficeSnapshot
from backend.office.phone_numbers import to_callable_number
from backend.ports.calls import AttemptReport, Call, DialogueStep, LiveCall
from notify.carrier import CallEvent, CallStatus, Spoken
from notify.message import Prompt

HANG_UP_PROMPT = Prompt(())
SECOND_LEG_GRACE = timedelta(seconds=30)  # how long a bridge's second-leg result may follow the end of its first leg
_MASK = "*"  # keys of a step with several digits are a PIN and are never stored


class Dialogue:
    """Answers the carrier during calls."""

    def __init__(self, tools: CallDependencies, endings: CallOutcomes) -> None:
        self._t = tools
        self._outcomes = endings
        self._effects = Effects(tools)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def _lock_for(self, attempt_id: int) -> asyncio.Lock:
        """Serialise the events of one call."""
        return self._locks.setdefault(attempt_id, asyncio.Lock())

    async def answer(self, attempt_id: int, step: int, event: CallEvent) -> Spoken:
        """Return what to say at a step. Refused `not_found`: no such attempt, or not that call's (FW24)."""
        async with self._lock_for(attempt_id):
            talk = await self._load(attempt_id, event)
            attempt = talk.attempt
            if attempt.outcome is not None:
                return await self._answer_ended(talk, step, event)
            if step != attempt.next_step and attempt.last_prompt is not None:
                return await self._repeat(talk)
            if talk.call.purpose != "inbound" and _is_machine(talk, event):
                return await self._hang_up_on_machine(talk, event)
            return await self._advance(talk, event)

    async def receive_status(self, attempt_id: int, event: CallEvent) -> None:
        """Handle a carrier's status of an attempt. Refused `not_found` as for `answer`."""
        async with self._lock_for(attempt_id):
            talk = await self._load(attempt_id, event)
            if event.recording_url:
                await self._t.store.record_recording(attempt_id, event.recording_url)
            if event.status is CallStatus.NOT_GIVEN:
                if event.answered_by:  # asynchronous detection: only a hint until silence confirms it (FW19)
                    await self._t.store.record_answered_by(attempt_id, event.answered_by.value)
                return
            await self.update_status(talk, AttemptReport(
                event.provider_id, event.status.value, event.status.is_terminal, self._t.now(), event.sequence,
                event.answered_by.value, event.duration, event.error_code,
            ))  # fmt: skip

    async def report(self, attempt_id: int, event: CallEvent) -> None:
        """Handle the report of a carrier that got its menu up front: the key pressed, and how the call ended.

        Only the first key counts: nothing more was asked. Refused `not_found` as for `answer`.
        """
        async with self._lock_for(attempt_id):
            talk = await self._load(attempt_id, event)
            if event.digits and talk.attempt.outcome is None:
                if talk.attempt.next_step == 0:
                    await self._advance(talk, CallEvent(event.provider_id))
                    talk = await self._load(attempt_id, event)
                if talk.attempt.next_step == 1 and talk.attempt.outcome is None:
                    await self._advance(talk, replace(event, digits=event.digits[:1]))
            if event.status is not CallStatus.NOT_GIVEN:
                await self.update_status(await self._load(attempt_id, event), AttemptReport(
                    event.provider_id, event.status.value, event.status.is_terminal, self._t.now(), None, "",
                    event.duration, event.error_code, event.cost,
                ))  # fmt: skip

    async def update_status(self, talk: LiveCall, status_update: AttemptReport, *, last: bool = False) -> None:
        """Store a status update; a terminal one judges an attempt that is not judged yet.

        The result of a bridge's second leg may arrive after the end of the first: it is waited for, unless `last`.
        """
        await self._t.store.record_report(talk.attempt.id, status_update)
        if status_update.terminal and talk.attempt.outcome is None:
            if not last and talk.call.script == "bridge" and talk.attempt.next_step > 0:
                await self._t.store.postpone_check(talk.attempt.id, self._t.now() + SECOND_LEG_GRACE)
                return
            outcome = find_outcome(talk, CallStatus(status_update.status), status_update.answered_by)
            await self._outcomes.judge(talk, outcome, status_update.error)

    async def _load(self, attempt_id: int, event: CallEvent) -> LiveCall:
        talk = await self._t.store.find_live_call(attempt_id)
        if talk is None or (event.provider_id and talk.attempt.provider_id not in (None, event.provider_id)):
            raise Refused("not_found", call=attempt_id)
        return talk

    # -- steps

    async def _advance(self, talk: LiveCall, event: CallEvent) -> Spoken:
        call, t = talk.call, self._t
        snapshot = await t.office.snapshot()
        facts = collect_facts(call, snapshot, t.now(), t)
        facts["has_pin"] = bool(call.person) and await t.people.has_pin(call.person or "")
        script_ = load_script(get_script_name(call, t))
        heard = dict(call.answers)
        masked = False
        if is_settled(call) and not (
            call.script == "bridge" and talk.attempt.next_step
        ):  # a connection made stays made
            turn = scripts.end_as_stale(script_, facts)
        elif talk.attempt.next_step == 0:
            heard = {k: v for k, v in heard.items() if k in ("contacted", "resolved", "satisfaction")}
            turn = scripts.start(script_, facts)
        else:
            position = scripts.Position.from_text(call.position)
            here = script_.steps.get(position.step)
            masked = here is not None and here.digits > 1
            turn = scripts.advance(script_, position, to_call_input(event), facts)
        verdict = await self._effects.apply(turn, call, heard)
        while turn.needs:
            turn = scripts.advance(script_, turn.position, scripts.CallInput(verdict=verdict or "refused"), facts)
            verdict = await self._effects.apply(turn, call, heard)
        if event.leg_duration is not None:
            heard["seconds"] = event.leg_duration
        stored_turn = serialize_turn(turn, t, script_.version)
        stored_step = DialogueStep(
            talk.attempt.id, talk.attempt.next_step, t.now(), stored_turn, turn.position.as_text(), heard,
            keys=_MASK * len(event.digits) if masked else event.digits, provider_id=event.provider_id,
            answered_by=event.answered_by.value, recording=event.recording_url,
        )  # fmt: skip
        return await self._store_step(talk, stored_step, turn.end, snapshot)

    async def _store_step(self, talk: LiveCall, step: DialogueStep, end: str, snapshot: OfficeSnapshot) -> Spoken:
        if not await self._t.store.record_step(step):
            again = await self._t.store.find_live_call(step.attempt_id)
            return await self._repeat(again or talk)
        attempt = replace(
            talk.attempt, next_step=step.step + 1, last_prompt=step.prompt,
            provider_id=talk.attempt.provider_id or step.provider_id or None,
            answered_by=step.answered_by or talk.attempt.answered_by,
        )  # fmt: skip
        talk = LiveCall(attempt, replace(talk.call, position=step.position, answers=step.answers))
        if end:
            await self._outcomes.judge(talk, end)
        return await self._speak(talk, step.prompt, snapshot)

    async def _hang_up_on_machine(self, talk: LiveCall, event: CallEvent) -> Spoken:
        """FW19: a machine answered, so say nothing."""
        step = DialogueStep(
            talk.attempt.id, talk.attempt.next_step, self._t.now(), {"say": []}, "", talk.call.answers,
            provider_id=event.provider_id, answered_by=event.answered_by.value,
        )  # fmt: skip
        return await self._store_step(talk, step, "machine", await self._t.office.snapshot())

    async def _repeat(self, talk: LiveCall) -> Spoken:
        return await self._speak(talk, talk.attempt.last_prompt or {}, await self._t.office.snapshot())

    async def _answer_ended(self, talk: LiveCall, step: int, event: CallEvent) -> Spoken:
        """Answer after the call was judged: keep a late recording, explain a failed bridge, nothing else (FW4)."""
        if event.recording_url:
            await self._t.store.record_recording(talk.attempt.id, event.recording_url)
        stored_turn = talk.attempt.last_prompt or {}
        if step < talk.attempt.next_step:
            return await self._repeat(talk)
        prompt = HANG_UP_PROMPT
        missed = event.leg_status not in (CallStatus.NOT_GIVEN, CallStatus.COMPLETED)
        if stored_turn.get("bridge") in DUTY_ROLES and missed:
            await request_callback(self._t, talk.call)
            text_key = "no_duty" if stored_turn["bridge"] == "duty" else "supervised_no_transfer"
            prompt = Prompt((self._t.texts.render(f"phone.{text_key}"),), language=self._t.language)
        return Spoken(prompt, talk.attempt.next_step, talk.attempt.id)

    async def _speak(self, talk: LiveCall, stored_turn: Mapping[str, Any], snapshot: OfficeSnapshot) -> Spoken:
        number, announce = None, ""
        if stored_turn.get("bridge") == "requester":
            number = to_callable_number(await self._t.store.get_requester_phone(talk.call.ticket_id or 0), snapshot)
            announce = f"{self._t.hooks_url}/announce/{talk.attempt.id}"
        elif stored_turn.get("bridge"):
            number = await self._find_duty_number(talk, stored_turn["bridge"], snapshot)
        return Spoken(build_prompt(stored_turn, self._t, number, announce), talk.attempt.next_step, talk.attempt.id)

    async def _find_duty_number(self, talk: LiveCall, which: str, snapshot: OfficeSnapshot) -> str | None:
        found = find_duty_contact(which, talk.call, snapshot, self._t.now())
        return found if found is None or isinstance(found, str) else await self._t.people.get_phone(found.code)


def to_call_input(event: CallEvent) -> scripts.CallInput:
    """Convert a carrier event to the script's input."""
    nothing = not (event.digits or event.speech or event.recording_url)
    return scripts.CallInput(
        event.digits, event.speech, event.confidence, timed_out=nothing, recording=event.recording_url,
        leg_status=event.leg_status.value,
    )  # fmt: skip


def _is_machine(talk: LiveCall, event: CallEvent) -> bool:
    """Whether a machine answered: reported with the first request, or a hint that silence confirmed (FW19)."""
    if event.answered_by in MACHINES and not talk.attempt.next_step:
        return True
    nothing = not (event.digits or event.speech or event.recording_url)
    return nothing and talk.attempt.next_step == 1 and not talk.attempt.keys and talk.attempt.answered_by in MACHINES


def is_settled(call: Call) -> bool:
    """Whether the purpose of a call was settled meanwhile by other means (FW9, FW18)."""
    about = call.subject
    if about is None:
        return False
    if call.script in ("visit", "inbound_caller"):
        return about.state is not State.REVISIT_AUTO
    if call.script == "bridge":
        return is_obsolete(call)
    if call.script == "danger":
        return about.state is not State.REVISIT_MANUAL
    if about.ended_at is not None or about.assignment_state is None:
        return True
    if call.script in ("supervise", "upgrade"):
        return about.assignment_state not in WITH_UNIT
    return about.assignment_state is not State.DISPATCHED
