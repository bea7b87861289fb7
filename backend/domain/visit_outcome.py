"""What the answers of return visits mean: settled, tried again, or passed to a person (T24-T26, Q35, Q36, Q39)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.ticket import Answer


class NextAction(StrEnum):
    """What happens to the ticket next."""

    AUTO = "auto"  # an automatic visit begins, or is tried again
    MANUAL = "manual"  # a person visits, or tries again
    FINALIZE = "finalize"


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


def decide_final_answer(visits: Iterable[tuple[bool, str | None]]) -> str | None:
    """Return the final answer of visits in the order of time, each (by a person, answer); B42, Q36.

    The last answer given to a person decides, else the last one given to a machine. `deemed`: nobody answered, or
    a person could not follow up the machine's "no". None: a visit is still owed.
    """
    known = list(visits)
    by_person = [answer for manual, answer in known if manual and answer]
    given = [answer for answer in by_person if answer in GIVEN_ANSWERS]
    if given:
        return given[-1]
    by_machine = [answer for manual, answer in known if not manual and answer in GIVEN_ANSWERS]
    if by_machine and by_machine[-1] == Answer.UNSATISFIED:
        return "deemed" if by_person else None
    return by_machine[-1] if by_machine else "deemed" if known else None


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
