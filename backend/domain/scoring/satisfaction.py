"""Decide the final satisfaction of a closed ticket from its visits; manual ones override (B42, B43, Q36, Q39, XD6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.ticket import Answer


class Verdict(StrEnum):
    """Explicit and deemed are distinct: only an explicit yes earns a bonus (B27), silence is merely not a no."""

    EXPLICIT = "explicit_satisfied"
    DEEMED = "deemed_satisfied"
    DEEMED_UNREACHED = "deemed_satisfied_unreached"  # Q36, reported separately
    UNSATISFIED = "unsatisfied"


@dataclass(frozen=True)
class Visit:
    """One return visit, manual or automatic."""

    manual: bool
    at: datetime
    answer: Answer


#: clear answers; all others are vague or silent
_CLEAR: dict[Answer, Verdict] = {
    Answer.SATISFIED: Verdict.EXPLICIT,
    Answer.BASICALLY_SATISFIED: Verdict.EXPLICIT,
    Answer.UNSATISFIED: Verdict.UNSATISFIED,
}


def decide_verdict(visits: Iterable[Visit], unreached: str = "satisfied") -> Verdict:
    """Return the final result of the visits so far.

    The last clear answer given to a person decides. Without one, a machine's "no" stays, whatever a machine hears
    later (XD6), and whatever vague is said to a person (XD7). Only silence to a person who tried again afterwards ends
    it (Q36): `no_reply` is deemed satisfaction, and so is `unreached` (attempts exhausted), which stays a "no" with
    `scoring.second_visit_unreached = keep_first`. Without any "no" an unclear or missing answer is deemed satisfaction.
    """
    ordered = sorted(visits, key=lambda visit: visit.at)
    by_person = [visit.answer for visit in ordered if visit.manual and visit.answer in _CLEAR]
    if by_person:
        return _CLEAR[by_person[-1]]
    complaints = [n for n, visit in enumerate(ordered) if visit.answer is Answer.UNSATISFIED]
    if complaints:
        return _follow_up([visit.answer for visit in ordered[complaints[-1] :] if visit.manual], unreached)
    spoken = [visit for visit in ordered if visit.answer in _CLEAR or visit.answer is Answer.UNCLEAR]
    last = max(spoken, key=lambda visit: (visit.manual, visit.at), default=None)
    return _CLEAR.get(last.answer, Verdict.DEEMED) if last else Verdict.DEEMED


def _follow_up(answers: Sequence[Answer], unreached: str) -> Verdict:
    """Return what a machine's "no" ends in, from what persons heard after it; a clear answer is not among it."""
    if not answers or Answer.UNCLEAR in answers:
        return Verdict.UNSATISFIED
    if answers[-1] is Answer.UNREACHED:
        return Verdict.UNSATISFIED if unreached == "keep_first" else Verdict.DEEMED_UNREACHED
    return Verdict.DEEMED
