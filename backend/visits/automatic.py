"""Automatic return visits: plan one call a round, ring in the window, judge by what was said (T23-T25, Q35-Q39)."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from backend.calls.dependencies import CallDependencies
from backend.domain import retry
from backend.domain.ticket_enums import Answer, Source, State
from backend.domain.visit_outcome import AutoVisit, NextAction, VisitOutcome, decide_after_auto, is_valid_answer
from backend.office.cache import OfficeSnapshot
from backend.office.phone_numbers import mask_number, to_callable_number
from backend.ports.calls import AttemptResult, Call, DueVisit, LiveCall, NewCall
from backend.visits.results import NOTHING_FOLLOWS, SAMPLED, record_result

BATCH_SIZE = 200
#: Outcomes in which nobody was spoken to.
UNANSWERED = frozenset({"no_answer", "busy", "machine", "failed", "carrier_failed", "canceled", "dead_number"})
#: Outcomes after which a text is sent; not to an invalid number or a wrong person.
TEXT_AFTER = UNANSWERED - {"dead_number"}
CONTRACT_OUTCOMES = {"dead_number": "failed", "canceled": "carrier_failed"}
#: Facts noted beside an answer, in this order.
NOTE_KEYS = ("danger", "want_person", "complaint", "no_more_visits", "wrong_person")
#: Asks about the visit of a ticket (its id) in a round.
AskOfVisit = Callable[[int, int], Awaitable[bool]]


class AutoVisits:
    """Plans and judges visits. Their calls are placed by `backend.calls`.

    Both are asked with a ticket's id and the round: `offer_text` offers an SMS to a requester not reached, True if their
    answer is awaited (S6); `awaits_page` tells whether a page is out that may still be answered (XM30).
    """

    def __init__(self, tools: CallDependencies, offer_text: AskOfVisit, awaits_page: AskOfVisit) -> None:
        self._t = tools
        self._offer = offer_text
        self._awaits_page = awaits_page

    async def run_once(self) -> int:
        """Plan the visits that have begun, and settle those whose page has expired; return how many."""
        now, handled, last = self._t.now(), 0, 0
        snapshot = await self._t.office.snapshot()
        while wanted := await self._t.store.list_due_visits(BATCH_SIZE, last):
            handled += sum([await self._plan(one, now, snapshot) for one in wanted])
            last = wanted[-1].ticket_id  # what waits for a page stays in the list
        for call in await self._t.store.list_waited_out(now, BATCH_SIZE):
            handled += await self._settle_waited_out(call, snapshot)
        return handled

    async def _plan(self, one: DueVisit, now: datetime, snapshot: OfficeSnapshot) -> bool:
        """Plan one; False if it waits for a page without being called."""
        settings = snapshot.settings
        number = to_callable_number(await self._t.store.get_requester_phone(one.ticket_id), snapshot)
        if number is not None and await self._t.store.is_do_not_call(number):
            await self._conclude(one.ticket_no, Answer.NO_REPLY, "no_more_visits", NOTHING_FOLLOWS)  # FW33
        elif number is None or settings.integer("visit.auto.attempts") == 0:
            why, follows = "" if number else "number_refused", draw_sample(one.ticket_id, one.round, snapshot)
            if await self._waits_for_page(one.ticket_id, one.round, Answer.UNREACHED, follows):
                return False
            await self._conclude(one.ticket_no, Answer.UNREACHED, why, follows)
        else:
            await self._t.store.enqueue(NewCall(
                "visit", "visit", snapshot.earliest_visit(now), now, ticket_id=one.ticket_id,
                assignment_id=one.lead_id, round=one.round, urgent=one.urgent, phone=number,
                masked=mask_number(number, snapshot),
            ))  # fmt: skip
        return True

    async def earliest_call(self, call: Call, number: str, now: datetime, snapshot: OfficeSnapshot) -> datetime | None:
        """Return when a planned visit may ring: in the window, not too often (`visit.cap_per_person`), never a
        number on the do-not-call list. None: it was settled otherwise."""
        if await self._t.store.is_do_not_call(number):
            await self._settle_without_call(call, now, Answer.NO_REPLY, "no_more_visits", NOTHING_FOLLOWS)
            return None
        most, span = snapshot.settings.rate("visit.cap_per_person")
        rung = await self._t.store.list_visit_calls(number, now - span.duration, call.id)
        if len(rung) < most:
            return snapshot.earliest_visit(now)
        free = rung[most - 1] + span.duration
        about = call.subject
        if about is not None:
            last = snapshot.add_limit(
                snapshot.settings.text("visit.finish_within"), about.closed_at or call.created_at, about.management
            )
            if free > last:
                capped = VisitOutcome(NextAction.MANUAL, "capped")
                await self._settle_without_call(call, now, Answer.UNREACHED, "capped", capped)
                return None
        return snapshot.earliest_visit(free)

    async def _settle_without_call(
        self, call: Call, now: datetime, answer: Answer, note: str, follows: VisitOutcome
    ) -> None:
        if call.subject is not None:
            await self._conclude(call.subject.ticket_no, answer, note, follows)
        await self._t.store.cancel(call.id, now)

    async def conclude_unreachable(self, call: Call, why: str) -> None:
        """Settle a visit whose number cannot be called: sampled for a manual visit, else deemed satisfied."""
        if call.subject is not None:
            snapshot = await self._t.office.snapshot()
            follows = draw_sample(call.ticket_id or 0, call.round, snapshot)
            if await self._waits_for_page(call.ticket_id, call.round, Answer.UNREACHED, follows):
                return
            await self._conclude(call.subject.ticket_no, Answer.UNREACHED, why, follows)

    async def judge(self, talk: LiveCall, outcome: str, error: str = "") -> None:
        """Decide what follows an attempt: retry, result, or a manual visit (T24, T25). Acts first, then writes."""
        call, now = talk.call, self._t.now()
        snapshot = await self._t.office.snapshot()
        heard, answer = _weigh(call.answers, outcome)
        about = call.subject
        again = None
        counts = True
        if about is not None and about.state is State.REVISIT_AUTO:
            sampled = is_sampled(call.ticket_id or 0, call.round, snapshot)
            # hung up before V4: not an answer, so try again while attempts are left (FW21)
            hung_up_early = outcome == "partial" and heard.answer is None and not (heard.want_person or heard.danger)
            step = retry.decide_after_visit_call(
                outcome,
                call.attempt_count + 1,
                talk.attempt.attempt_no,
                snapshot.settings,
                call_later=hung_up_early or bool(call.answers.get("call_later")),
            )
            will_retry = isinstance(step, retry.Retry) and call.purpose == "visit"
            verdict = decide_after_auto(heard, int(will_retry or _is_callback(call)), sampled)
            if isinstance(step, retry.Retry):
                counts = step.counts
            if verdict.next is NextAction.AUTO:
                if will_retry and isinstance(step, retry.Retry):
                    again = snapshot.earliest_visit(now + step.delay)
            elif not await self._offer_text(call, answer, outcome):
                if heard.refused or not await self._waits_for_page(call.ticket_id, call.round, answer, verdict):
                    note = _build_note(call.answers, answer, outcome)
                    await self._conclude(about.ticket_no, answer, note, verdict, call.answers)
                if call.facts.get("missed"):
                    await self._t.store.cancel(int(call.facts["missed"]), now, CONTRACT_OUTCOMES.get(outcome, outcome))
        stored = CONTRACT_OUTCOMES.get(outcome, outcome)
        await self._t.store.settle_attempt(AttemptResult(talk.attempt.id, stored, now, again, counts, error))

    async def _settle_waited_out(self, call: Call, snapshot: OfficeSnapshot) -> bool:
        """Settle a visit that waited for a page, by what its calls heard; False if it is not to be settled."""
        if call.subject is None:
            return False
        outcome = call.outcome or "failed"
        heard, answer = _weigh(call.answers, outcome)
        follows = decide_after_auto(heard, 0, is_sampled(call.ticket_id or 0, call.round, snapshot))
        await self._conclude(
            call.subject.ticket_no, answer, _build_note(call.answers, answer, outcome), follows, call.answers
        )
        await self._offer_text(call, answer, outcome)  # settled now: it only says so
        return True

    async def _waits_for_page(self, ticket_id: int | None, round_: int, answer: Answer, follows: VisitOutcome) -> bool:
        """Whether a visit without an answer is not settled yet, as its requester holds a page (XM30).

        A person's task is not held up: while they are to visit, the page is open all the same.
        """
        if follows.next is not NextAction.FINALIZE or is_valid_answer(answer):
            return False
        return ticket_id is not None and await self._awaits_page(ticket_id, round_)

    async def _offer_text(self, call: Call, answer: Answer, outcome: str) -> bool:
        """S6: text a requester who was not reached and holds no page; True if the visit now waits for their answer."""
        if call.ticket_id is None or answer is not Answer.UNREACHED or outcome not in TEXT_AFTER:
            return False
        if await self._awaits_page(call.ticket_id, call.round):
            return False
        return await self._offer(call.ticket_id, call.round)

    async def _conclude(
        self, ticket_no: str, answer: Answer, note: str, follows: VisitOutcome,
        heard: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        await record_result(self._t.tickets, Source.PHONE, ticket_no, answer, note, follows, heard)


def _weigh(heard_facts: Mapping[str, Any], outcome: str) -> tuple[AutoVisit, Answer]:
    """Return what was heard, as the rules' input, and the answer to record; silence is never satisfaction."""
    satisfaction = Answer(heard_facts["satisfaction"]) if heard_facts.get("satisfaction") else None
    nobody = satisfaction is None and outcome in UNANSWERED and not heard_facts.get("contacted")
    wanted, danger = bool(heard_facts.get("want_person")), bool(heard_facts.get("danger"))
    visit = AutoVisit(
        Answer.UNREACHED if nobody else satisfaction, complaint=bool(heard_facts.get("complaint")), want_person=wanted,
        danger=danger, refused=bool(heard_facts.get("no_more_visits")), wrong_person=bool(heard_facts.get("wrong_person")),
    )  # fmt: skip
    if satisfaction is not None:
        return visit, satisfaction
    if nobody or visit.wrong_person:
        return visit, Answer.UNREACHED
    return visit, Answer.UNCLEAR if wanted or danger or visit.complaint else Answer.NO_REPLY


def _build_note(heard_facts: Mapping[str, object], answer: Answer, outcome: str) -> str:
    words = [word for word in NOTE_KEYS if heard_facts.get(word)]
    if answer in (Answer.NO_REPLY, Answer.UNREACHED) and (heard_facts.get("contacted") or outcome == "partial"):
        words.append("partial")
    return " ".join([*words, str(heard_facts.get("speech", ""))]).strip()


def _is_callback(call: Call) -> bool:
    """Whether another attempt is planned anyway: a requester who calls back and says nothing is still called."""
    return call.purpose == "inbound"


def draw_sample(ticket_id: int, round_: int, snapshot: OfficeSnapshot) -> VisitOutcome:
    """Return what follows a visit that reached nobody and will not be tried again."""
    return SAMPLED if is_sampled(ticket_id, round_, snapshot) else NOTHING_FOLLOWS


def is_sampled(ticket_id: int, round_: int, snapshot: OfficeSnapshot) -> bool:
    """Whether an unreached visit is sampled for a manual one (`visit.manual.sample`); deterministic."""
    share = Decimal(snapshot.settings.text("visit.manual.sample"))
    place = int.from_bytes(hashlib.sha256(f"{ticket_id}:{round_}".encode()).digest()[:4], "big")
    return Decimal(place) < share * 2**32
