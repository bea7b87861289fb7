"""What the answers of return visits mean: settled, tried again, or passed to a person (T24-T26, Q35, Q36, Q39)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.ticket_enums import Answer


class NextAction(StrEnum):
    """What happens to the ticket next."""

    AUTO = "auto"  # an automatic visit begins, or is tried again
    MANUAL = "manual"  # a person visits, or tries again
    FINALIZE = "finalize"


class Verdict(StrEnum):
    """Explicit and deemed are distinct: only an explicit yes earns a bonus (B27), silence is merely not a no."""

    EXPLICIT = "explicit_satisfied"
    DEEMED = "deemed_satisfied"
    DEEMED_UNREACHED = "deemed_satisfied_unreached"  # Q36, reported separately
    UNSATISFIED = "unsatisfied"


@dataclass(frozen=True, slots=True)
class VisitOutcome:
    """What follows for the ticket; `reason` is a word of `word.visit_reason` if a person is asked."""

    next: NextAction
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AutoVisit:
    """The result of an automatic visit; `answer` None: the person was reached but V4 was not asked."""

    answer: Answer | None
    complaint: bool = False  # words of complaint or doubtful recognition (Q39)
    want_person: bool = False
    danger: bool = False
    refused: bool = False  # V0 key 3: counts as 未回复, never called again (FW33)
    wrong_person: bool = False


@dataclass(frozen=True, slots=True)
class ManualRule:
    """Q36: `attempts` by people, in `day_parts` parts of the day, over `min_days` days before anything is deemed."""

    attempts: int = 3
    min_days: int = 2
    day_parts: int = 2


_EXPLICIT = frozenset({Answer.SATISFIED, Answer.BASICALLY_SATISFIED})
GIVEN_ANSWERS = _EXPLICIT | {Answer.UNCLEAR, Answer.UNSATISFIED}
#: clear answers; all others are vague or silent
_CLEAR = {**dict.fromkeys(sorted(_EXPLICIT), Verdict.EXPLICIT), Answer.UNSATISFIED: Verdict.UNSATISFIED}


def decide_after_auto(result: AutoVisit, attempts_left: int, sampled: bool) -> VisitOutcome:
    """T24, T25: decide what follows an automatic visit.

    `attempts_left` of `visit.auto.attempts` after this one; `sampled`: drawn for a manual visit
    (`visit.manual.sample`). Someone who refused is never passed to a person: they asked not to be called (FW33).
    """
    if result.danger:
        return VisitOutcome(NextAction.MANUAL, "danger")
    if result.answer in _EXPLICIT:
        return VisitOutcome(NextAction.FINALIZE)
    if result.want_person:
        return VisitOutcome(NextAction.MANUAL, "want_person")
    if result.answer is Answer.UNSATISFIED:
        return VisitOutcome(NextAction.MANUAL, "unsatisfied")
    if result.complaint:
        return VisitOutcome(NextAction.MANUAL, "unclear")
    if result.refused:
        return VisitOutcome(NextAction.FINALIZE)
    answer = result.answer or (Answer.UNREACHED if result.wrong_person else Answer.NO_REPLY)
    settled = answer is Answer.UNCLEAR or result.wrong_person  # asked twice already; a wrong number stays wrong
    if not settled and attempts_left > 0:
        return VisitOutcome(NextAction.AUTO)
    if sampled:
        return VisitOutcome(NextAction.MANUAL, "sampled")
    return VisitOutcome(NextAction.FINALIZE)


def decide_verdict(visits: Iterable[tuple[bool, Answer]], unreached: str = "satisfied") -> Verdict:
    """Return the result of visits in the order of time, each (by a person, answer); B42, B43, Q36.

    The last clear answer given to a person decides. Without one, a machine's "no" stays, whatever a machine hears
    later (XD6), and whatever vague is said to a person (XD7). Only silence to a person who tried again afterwards ends
    it (Q36): `no_reply` is deemed satisfaction, and so is `unreached` (attempts exhausted), which stays a "no" with
    `scoring.second_visit_unreached = keep_first`. Without any "no" an unclear or missing answer is deemed satisfaction.
    """
    heard = list(visits)
    by_person = [answer for manual, answer in heard if manual and answer in _CLEAR]
    if by_person:
        return _CLEAR[by_person[-1]]
    complaints = [n for n, (_, answer) in enumerate(heard) if answer is Answer.UNSATISFIED]
    if complaints:
        return _follow_up([answer for manual, answer in heard[complaints[-1] :] if manual], unreached)
    return _CLEAR.get(_find_last(heard, GIVEN_ANSWERS) or Answer.UNCLEAR, Verdict.DEEMED)


def _follow_up(answers: Sequence[Answer], unreached: str) -> Verdict:
    """Return what a machine's "no" ends in, from what persons heard after it; a clear answer is not among it."""
    if not answers or Answer.UNCLEAR in answers:
        return Verdict.UNSATISFIED
    if answers[-1] is Answer.UNREACHED:
        return Verdict.UNSATISFIED if unreached == "keep_first" else Verdict.DEEMED_UNREACHED
    return Verdict.DEEMED


def _find_last(heard: Sequence[tuple[bool, Answer]], among: Collection[Answer]) -> Answer | None:
    """Return the last of these answers given to a person, else the last given to a machine."""
    found = [(manual, n, answer) for n, (manual, answer) in enumerate(heard) if answer in among]
    return max(found)[2] if found else None


def decide_final_answer(visits: Iterable[tuple[bool, str | None]]) -> str | None:
    """Return the answer that a ticket keeps of visits in the order of time, each (by a person, answer).

    `deemed`: nobody answered, or a person could not follow up the machine's "no". None: a visit is still owed.
    """
    known = list(visits)
    heard = [(manual, Answer(answer)) for manual, answer in known if answer]
    verdict = decide_verdict(heard)
    if not known or (verdict is Verdict.UNSATISFIED and not any(manual for manual, _ in heard)):
        return None
    kept = [answer for answer, decided in _CLEAR.items() if decided is verdict] or [Answer.UNCLEAR]
    return _find_last(heard, kept) or "deemed"


def find_missing(unreached: Sequence[datetime], rule: ManualRule) -> dict[str, int]:
    """Return what is missing before nobody may be called unreachable, by name; empty if nothing is (Q36)."""
    left = {
        "attempts": rule.attempts - len(unreached),
        "days": rule.min_days - len({at.date() for at in unreached}),
        "bands": rule.day_parts - len({get_day_part(at) for at in unreached}),
    }
    return {name: number for name, number in left.items() if number > 0}


def get_day_part(at: datetime) -> str:
    """Return the part of the day of a local instant: morning before 12, afternoon before 18, then evening."""
    return "morning" if at.hour < 12 else "afternoon" if at.hour < 18 else "evening"


def is_valid_answer(answer: Answer) -> bool:
    """Return whether a person gave the answer; of two calls the first valid answer counts (FW22)."""
    return answer not in (Answer.NO_REPLY, Answer.UNREACHED)
