"""What a return visit's answer means for the ticket: settled, deemed, tried again, or passed to a person.

Rows: T23-T26, Q35, Q36, Q39, B42, B43. Silence is stored as silence; *deemed* is a value of its own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.ticket import Answer, Category


class Next(StrEnum):
    """What happens to the ticket next."""

    AUTO = "auto"  # an automatic visit begins, or is tried again
    MANUAL = "manual"  # a person visits, or tries again
    FINALIZE = "finalize"


class Deemed(StrEnum):
    """视为满意: stored beside the answer, never as the answer."""

    SATISFIED = "deemed_satisfied"
    UNREACHED = "deemed_satisfied_unreached"


@dataclass(frozen=True, slots=True)
class Disposition:
    """What follows for the ticket; `because` is a word of `word.visit_reason` if a person is asked."""

    next: Next
    deemed: Deemed | None = None
    urgent: bool = False
    because: str = ""


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
    bands: int = 2


_DEEMED = {
    Answer.NO_REPLY: Deemed.SATISFIED,
    Answer.UNCLEAR: Deemed.SATISFIED,
    Answer.UNREACHED: Deemed.UNREACHED,
}
_EXPLICIT = frozenset({Answer.SATISFIED, Answer.BASICALLY_SATISFIED})


def opening(
    category: Category | None, categories: Collection[str], *,
    confidential: bool = False, opted_out: bool = False, visited: bool = False, has_phone: bool = True,
) -> Disposition:  # fmt: skip
    """Decide how a closed ticket is visited (T23, T23b, T23c, Q40, Q45); `categories` is `visit.categories`."""
    if category is None or category.value not in categories or visited:
        return Disposition(Next.FINALIZE)
    if opted_out:
        return Disposition(Next.FINALIZE, Deemed.SATISFIED)
    if confidential:
        return Disposition(Next.MANUAL, because="confidential")
    if not has_phone:
        return Disposition(Next.MANUAL, because="no_phone")
    return Disposition(Next.AUTO)


def after_auto(heard: AutoVisit, attempts_left: int, sampled: bool) -> Disposition:
    """T24, T25: decide what follows an automatic visit.

    `attempts_left` of `visit.auto.attempts` after this one; `sampled`: drawn for a manual visit
    (`visit.manual.sample`). Someone who refused is never passed to a person: they asked not to be called (FW33).
    """
    if heard.danger:
        return Disposition(Next.MANUAL, urgent=True, because="danger")
    if heard.answer in _EXPLICIT:
        return Disposition(Next.FINALIZE)
    if heard.want_person:
        return Disposition(Next.MANUAL, because="want_person")
    if heard.answer is Answer.UNSATISFIED:
        return Disposition(Next.MANUAL, because="unsatisfied")
    if heard.complaint:
        return Disposition(Next.MANUAL, because="unclear")
    if heard.refused:
        return Disposition(Next.FINALIZE, Deemed.SATISFIED)
    answer = heard.answer or (Answer.UNREACHED if heard.wrong_person else Answer.NO_REPLY)
    settled = answer is Answer.UNCLEAR or heard.wrong_person  # asked twice already; a wrong number stays wrong
    if not settled and attempts_left > 0:
        return Disposition(Next.AUTO)
    if sampled:
        return Disposition(Next.MANUAL, because="sampled")
    return Disposition(Next.FINALIZE, _DEEMED[answer])


def after_manual(answer: Answer, unreached: Sequence[datetime], rule: ManualRule) -> Disposition:
    """T26: a person's result is final; unreached only when the attempts of Q36 are exhausted.

    `unreached`: local instants of the attempts that reached nobody, this one included.
    """
    if answer is not Answer.UNREACHED:
        return Disposition(Next.FINALIZE, _DEEMED.get(answer))
    if exhausted(unreached, rule):
        return Disposition(Next.FINALIZE, Deemed.UNREACHED)
    return Disposition(Next.MANUAL, because="sampled")


def exhausted(unreached: Sequence[datetime], rule: ManualRule) -> bool:
    """Return whether the attempts suffice to say that nobody can be reached (Q36)."""
    return not lacking(unreached, rule)


def lacking(unreached: Sequence[datetime], rule: ManualRule) -> dict[str, int]:
    """Return what is missing before nobody may be called unreachable, by name; empty if nothing is (Q36)."""
    left = {
        "attempts": rule.attempts - len(unreached),
        "days": rule.min_days - len({at.date() for at in unreached}),
        "bands": rule.bands - len({band(at) for at in unreached}),
    }
    return {name: number for name, number in left.items() if number > 0}


def band(at: datetime) -> str:
    """Return the part of the day of a local instant: morning before 12, afternoon before 18, then evening."""
    return "morning" if at.hour < 12 else "afternoon" if at.hour < 18 else "evening"


def valid(answer: Answer) -> bool:
    """Return whether a person gave the answer; of two calls the first valid answer counts (FW22)."""
    return answer not in (Answer.NO_REPLY, Answer.UNREACHED)
