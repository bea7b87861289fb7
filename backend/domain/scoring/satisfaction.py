"""Decide the final satisfaction of a closed ticket from its visits; manual ones override (B42, B43, Q36, Q39)."""

from collections.abc import Iterable
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


_VERDICT_OF: dict[Answer, Verdict] = {
    Answer.SATISFIED: Verdict.EXPLICIT,
    Answer.BASICALLY_SATISFIED: Verdict.EXPLICIT,
    Answer.UNCLEAR: Verdict.DEEMED,
    Answer.UNSATISFIED: Verdict.UNSATISFIED,
}


def decide_verdict(visits: Iterable[Visit], unreached: str = "satisfied") -> Verdict:
    """Return the final result of the visits so far.

    The last manual visit with an answer decides, else the last automatic one with an answer. An automatic "no" that
    no person could follow up (manual visit `unreached`, its attempts exhausted) becomes deemed satisfaction, or
    stays a "no" with `scoring.second_visit_unreached = keep_first`. Not followed up at all, it stays a "no".
    """
    ordered = sorted(visits, key=lambda visit: visit.at)
    by_person = [visit.answer for visit in ordered if visit.manual]
    answers = [answer for answer in by_person if answer in _VERDICT_OF]
    if answers:
        return _VERDICT_OF[answers[-1]]
    by_machine = [visit.answer for visit in ordered if not visit.manual and visit.answer in _VERDICT_OF]
    first = _VERDICT_OF[by_machine[-1]] if by_machine else Verdict.DEEMED
    if first is not Verdict.UNSATISFIED or not by_person:
        return first
    if by_person[-1] is Answer.UNREACHED:
        return first if unreached == "keep_first" else Verdict.DEEMED_UNREACHED
    return Verdict.DEEMED
