"""What a return visit's answer means for the ticket: settled, deemed, tried again, or passed to a person.

Rows: T23-T26, Q35, Q36, Q39, B42, B43. Silence is stored as silence; *deemed* is a value of its own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.ticket import Answer, Category


class NextAction(StrEnum):
    """What happens to the ticket next."""

    AUTO = "auto"  # an automatic visit begins, or is tried again
    MANUAL = "manual"  # a person visits, or tries again
    FINALIZE = "finalize"


class Deemed(StrEnum):
    """视为满意: stored beside the answer, never as the answer."""

    SATISFIED = "deemed_satisfied"
    UNREACHED = "deemed_satisfied_unreached"


@dataclass(frozen=True, slots=True)
class VisitOutcome:
    """What follows for the ticket; `because` is a word of `word.visit_reason` if a person is asked."""

    next: NextAction
    deemed: Deemed | None = None
    urgent: bool = False
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
    """Q36: `attempts` by people, in `bands` parts of the day, over `min_days` days before anything is deemed."""

    attempts: int = 3
    min_days: int = 2
    day_parts: int = 2


_DEEMED = {
    Answer.NO_REPLY: Deemed.SATISFIED,
    Answer.UNCLEAR: Deemed.SATISFIED,
    Answer.UNREACHED: Deemed.UNREACHED,
}
_EXPLICIT = frozenset({Answer.SATISFIED, Answer.BASICALLY_SATISFIED})


def decide_opening(
    category: Category | None, categories: Collection[str], *,
    confidential: bool = False, opted_out: bool = False, visited: bool = False, has_phone: bool = True,
) -> VisitOutcome:  # fmt: skip
    """Decide how a closed ticket is visited (T23, T23b, T23c, Q40, Q45); `categories` is `visit.categories`."""
    if category is None or category.value not in categories or visited:
        return VisitOutcome(NextAction.FINALIZE)
    if opted_out:
        return VisitOutcome(NextAction.FINALIZE, Deemed.SATISFIED)
    if confidential:
        return VisitOutcome(NextAction.MANUAL, reason="confidential")
    if not has_phone:
        return VisitOutcome(NextAction.MANUAL, reason="no_phone")
    return VisitOutcome(NextAction.AUTO)


def decide_after_auto(result: AutoVisit, attempts_left: int, sampled: bool) -> VisitOutcome:
    """T24, T25: decide what follows an automatic visit.

    `attempts_left` of `visit.auto.attempts` after this one; `sampled`: drawn for a manual visit
    (`visit.manual.sample`). Someone who refused is never passed to a person: they asked not to be called (FW33).
    """
    if result.danger:
        return VisitOutcome(NextAction.MANUAL, urgent=True, reason="danger")
    if result.answer in _EXPLICIT:
        return VisitOutcome(NextAction.FINALIZE)
    if result.want_person:
        return VisitOutcome(NextAction.MANUAL, reason="want_person")
    if result.answer is Answer.UNSATISFIED:
        return VisitOutcome(NextAction.MANUAL, reason="unsatisfied")
    if result.complaint:
        return VisitOutcome(NextAction.MANUAL, reason="unclear")
    if result.refused:
        return VisitOutcome(NextAction.FINALIZE, Deemed.SATISFIED)
    answer = result.answer or (Answer.UNREACHED if result.wrong_person else Answer.NO_REPLY)
    settled = answer is Answer.UNCLEAR or result.wrong_person  # asked twice already; a wrong number stays wrong
    if not settled and attempts_left > 0:
        return VisitOutcome(NextAction.AUTO)
    if sampled:
        return VisitOutcome(NextAction.MANUAL, reason="sampled")
    return VisitOutcome(NextAction.FINALIZE, _DEEMED[answer])


def decide_after_manual(answer: Answer, unreached: Sequence[datetime], rule: ManualRule) -> VisitOutcome:
    """T26: a person's result is final; unreached only when the attempts of Q36 are exhausted.

    `unreached`: local instants of the attempts that reached nobody, this one included.
    """
    if answer is not Answer.UNREACHED:
        return VisitOutcome(NextAction.FINALIZE, _DEEMED.get(answer))
    if is_exhausted(unreached, rule):
        return VisitOutcome(NextAction.FINALIZE, Deemed.UNREACHED)
    return VisitOutcome(NextAction.MANUAL, reason="sampled")


def is_exhausted(unreached: Sequence[datetime], rule: ManualRule) -> bool:
    """Return whether the attempts suffice to say that nobody can be reached (Q36)."""
    return not find_missing(unreached, rule)


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
