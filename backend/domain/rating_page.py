"""The one-time page on which a requester rates: what it asks, what its answers mean, how long it is open (XM30)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.domain import speech_parser
from backend.domain.acts import Actor, DecisionSettings, Snapshot
from backend.domain.move_table import VISITING
from backend.domain.permissions import may
from backend.domain.refusals import Refused
from backend.domain.script_files import load_script
from backend.domain.ticket_enums import Answer, Obligation, Source, State
from backend.domain.visit_outcome import AutoVisit, is_valid_answer

MAX_REASON = 500  # characters of why somebody is not satisfied
SETTLE_BEFORE = timedelta(
    hours=1
)  # an automatic visit whose page nobody answered is settled that long before it is due
SATISFACTION = "satisfaction"  # the question that decides
_GOOD = (Answer.SATISFIED, Answer.BASICALLY_SATISFIED)


class PageState(StrEnum):
    """What a page is to who opens it."""

    OPEN = "open"
    ANSWERED = "answered"  # by a page, whichever of this visit's
    EXPIRED = "expired"  # its time has passed unanswered
    ENDED = "ended"  # answered by telephone or text, by a person, or overtaken by another move


@dataclass(frozen=True, slots=True)
class Question:
    """One question, by the name of its answer, and the words that answer it."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """What somebody answered; `reason` as they wrote it."""

    contacted: str
    resolved: str
    satisfaction: Answer
    reason: str = ""

    @property
    def in_danger(self) -> bool:
        """Whether the reason holds words of danger, as in a call (XM19)."""
        return speech_parser.interpret_satisfaction(self.reason).danger

    @property
    def answer(self) -> Answer:
        """The answer to record: words of danger are never settled as satisfaction."""
        return Answer.UNCLEAR if self.in_danger and self.satisfaction in _GOOD else self.satisfaction

    @property
    def heard(self) -> AutoVisit:
        """The rating as the rules of an automatic visit take it."""
        return AutoVisit(self.satisfaction, danger=self.in_danger)


def list_questions() -> tuple[Question, ...]:
    """List the questions of the return call (V2-V4) with the answers of its keys, from the same script."""
    found: dict[str, Question] = {}
    for step in load_script("visit").steps.values():
        given = [(name, word) for branch in step.on.values() for name, word in branch.answer.items()]
        for name in dict.fromkeys(name for name, _ in given):
            found.setdefault(name, Question(name, tuple(word for other, word in given if other == name)))
    return tuple(found.values())


def parse_rating(fields: Mapping[str, str]) -> Rating:
    """Parse what was submitted. Refused `rating_incomplete` (`field`: the question), `rating_too_long`."""
    for question in list_questions():
        if fields.get(question.name) not in question.options:
            raise Refused("rating_incomplete", field=question.name)
    reason = fields.get("reason", "").replace("\r\n", "\n").strip()
    if len(reason) > MAX_REASON:
        raise Refused("rating_too_long", field="reason", most=MAX_REASON)
    return Rating(fields["contacted"], fields["resolved"], Answer(fields[SATISFACTION]), reason)


def judge_page(snap: Snapshot, round_: int) -> PageState:
    """Return what a page of this round is. The first valid answer of a round counts, whoever heard it (FW22)."""
    answered = [v for v in snap.visits if v.round == round_ and v.answer and is_valid_answer(Answer(v.answer))]
    if any(visit.source is Source.PAGE for visit in answered):
        return PageState.ANSWERED
    is_current = snap.ticket.state in VISITING and get_round(snap) == round_
    return PageState.OPEN if is_current and not answered else PageState.ENDED


def judge_handed(snap: Snapshot, round_: int, until: datetime, now: datetime) -> PageState:
    """Return what a page is that may be answered before `until`; who answered is thanked also after it."""
    state = judge_page(snap, round_)
    return PageState.EXPIRED if until <= now and state is not PageState.ANSWERED else state


def get_round(snap: Snapshot) -> int:
    """Return the round of visits that a ticket is in, or that its first visit will be."""
    return max(snap.ticket.visit_round, 1)


def find_deadline(snap: Snapshot) -> datetime | None:
    """Return until when the visit must be made; None if none is owed."""
    return max((d.due_at for d in snap.duties if d.kind is Obligation.REVISIT and d.met_at is None), default=None)


def find_end(snap: Snapshot, now: datetime) -> datetime | None:
    """Return until when a page lasts that is handed over now: the visit's own deadline; None if none is owed.

    An automatic visit waits for its page and is settled in time all the same, so such a page ends `SETTLE_BEFORE` that;
    within that last while, at the deadline.
    """
    due = find_deadline(snap)
    if due is None or snap.ticket.state is State.REVISIT_MANUAL or due - SETTLE_BEFORE <= now:
        return due
    return due - SETTLE_BEFORE


def check_offer(snap: Snapshot, settings: DecisionSettings, now: datetime) -> datetime:
    """Return until when a page may be answered that is offered now (`find_end`).

    Refused `not_now` (nothing left to answer), `visited_elsewhere` (Q45), `visit_overdue`.
    """
    until = find_end(snap, now)
    if until is None or judge_page(snap, get_round(snap)) is not PageState.OPEN:
        raise Refused("not_now", state=snap.ticket.state)
    if snap.ticket.state is State.CLOSED:  # whether a visit will be made at all is decided when it begins (T23)
        if not is_in_scope(snap.ticket.category, settings.strings("visit.categories")):
            raise Refused("not_now", state=snap.ticket.state)
        if not settings.flag("visit.by_machine"):
            raise Refused("visited_elsewhere", until=until.isoformat())
    if until <= now:
        raise Refused("visit_overdue")
    return until


def may_give(snap: Snapshot, actor: Actor, settings: DecisionSettings, now: datetime) -> bool:
    """Return whether to offer this actor to give a page: they may, and one could be answered now."""
    if not may(actor, "rating_page.give") or actor.code in find_involved(snap):
        return False
    try:
        check_offer(snap, settings, now)
    except Refused:
        return False
    return True


def is_in_scope(category: str | None, scope: Sequence[str]) -> bool:
    """Return whether tickets of this category are visited (Q40), by `visit.categories`."""
    return "all" in scope or (category or "") in scope


def find_involved(snap: Snapshot) -> frozenset[str]:
    """Return who handled a ticket or decided about it: they neither visit its requester nor hand over the page."""
    lead = snap.lead
    handled = (lead.signed_by, lead.replied_by, lead.closed_by) if lead else ()
    return frozenset(code for code in (*handled, *(r.decided_by for r in snap.requests)) if code)
