"""Retry as a value: what follows a call or a message, given how it went (Q42, B46, FW14-FW23, FT17-FT24)."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from backend.domain.ticket_enums import Grade


class RetrySettings(Protocol):
    """The access to settings needed here; keys of readings §4."""

    def text(self, key: str) -> str: ...
    def integer(self, key: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Retry:
    """Try the same again after `in_`. `marked`: as a second copy (重发). `counts`: it used up an attempt."""

    delay: timedelta
    marked: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class NextContact:
    """This person cannot be reached; the next contact, or the next channel, is tried at once."""

    reason: str
    address_dead: bool = False  # the address is dead: flag the number, end the binding (FT20, FW23)


@dataclass(frozen=True, slots=True)
class Reconcile:
    """It is unknown whether it rang: ask the provider after `in_`, never call again before (FW14)."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No more attempts; `done` if it succeeded."""

    reason: str
    done: bool = False


RetryStep = Retry | NextContact | Reconcile | GiveUp


@dataclass(frozen=True, slots=True)
class _OutcomeRule:
    """What an outcome means: is it done, is the person passed over, does it prove 联系不上 (B46)."""

    done: bool = False
    pass_over: bool = False
    address_dead: bool = False
    proof: bool = False
    survey_counts: bool = True


# Outcomes of contract §5, plus Twilio's `canceled` and a dead number.
_OUTCOMES: dict[str, _OutcomeRule] = {
    "confirmed": _OutcomeRule(done=True),
    "signed": _OutcomeRule(done=True),
    "completed": _OutcomeRule(done=True),
    "refused": _OutcomeRule(done=True),
    "partial": _OutcomeRule(),
    "no_reply": _OutcomeRule(),
    "no_answer": _OutcomeRule(proof=True),
    "busy": _OutcomeRule(proof=True),
    "machine": _OutcomeRule(survey_counts=False),  # FW19: not counted as a visit
    "failed": _OutcomeRule(),
    "canceled": _OutcomeRule(survey_counts=False),
    "carrier_failed": _OutcomeRule(survey_counts=False),  # never "cannot be reached" (B46)
    "wrong_person": _OutcomeRule(pass_over=True),
    "dead_number": _OutcomeRule(pass_over=True, address_dead=True),  # FW23: 21211, 21215, 21216, 13224, 21610
}

RECONCILE_AFTER = timedelta(seconds=90)
VISIT_GAP = timedelta(hours=3)  # lands in another part of the day (visit.window)
_MAX_ATTEMPT_FACTOR = 2  # multiple of the allowed attempts, uncounted ones included


def decide_after_call(outcome: str, attempt: int, grade: Grade, settings: RetrySettings) -> RetryStep:
    """Return what follows a notice or supervision call (Q42). `attempt` counts from 1 per contact.

    Settings: `notify.phone.attempts`, `notify.phone.gap.general`, `notify.phone.gap.urgent`.
    Raises KeyError for an unknown outcome.
    """
    row = _OUTCOMES[outcome]
    if row.done:
        return GiveUp(outcome, done=True)
    if row.pass_over:
        return NextContact(outcome, address_dead=row.address_dead)
    if attempt >= settings.integer("notify.phone.attempts"):
        return NextContact(outcome)
    return Retry(parse_span(settings.text(f"notify.phone.gap.{grade.value}")))


def decide_after_visit_call(
    outcome: str, attempt: int, all_attempts: int, settings: RetrySettings, call_later: bool = False
) -> RetryStep:
    """Return what follows a return-visit call (FW19-FW21). Raises KeyError for an unknown outcome.

    `attempt`: counted ones, this included; `dials`: all, machines and carrier faults included;
    `later`: the person asked to be called later. Setting: `visit.auto.attempts`.
    """
    row = _OUTCOMES[outcome]
    limit = settings.integer("visit.auto.attempts")
    if row.done:
        return GiveUp(outcome, done=True)
    if row.pass_over or (outcome == "partial" and not call_later):
        return GiveUp(outcome)
    if all_attempts >= limit * _MAX_ATTEMPT_FACTOR or (row.survey_counts and attempt >= limit):
        return GiveUp(outcome)
    return Retry(VISIT_GAP, counts=row.survey_counts)


def proves_unreachable(outcome: str) -> bool:
    """Return whether the attempt counts towards 联系不上 (B46); carrier failures and machines do not."""
    return _OUTCOMES[outcome].proof


def was_answered(outcome: str) -> bool:
    """Return whether someone took the call and responded."""
    return _OUTCOMES[outcome].done


class FailureKind(StrEnum):
    """How a provider refused or failed."""

    TRANSIENT = "transient"  # nothing was sent: refused connection, name not found, 5xx before accept
    THROTTLED = "throttled"  # 429
    AMBIGUOUS = "ambiguous"  # unknown: cut after accept, time-out, 5xx on a call
    PERMANENT = "permanent"
    DEAD_ADDRESS = "dead_address"  # blocked, deactivated, chat not found


DELIVERY_ATTEMPTS = 8
AMBIGUOUS_ATTEMPTS = 3
_FIRST, _LONGEST = 2.0, 300.0  # seconds
_MAX_WAIT = timedelta(minutes=5)  # a longer 429 goes to the next channel instead (FT18)


def decide_after_delivery(
    kind: FailureKind | str, attempt: int, jitter: float, retry_after: timedelta | None = None
) -> RetryStep:
    """Return what follows a chat message or SMS that was not simply sent. Raises ValueError for an unknown kind.

    `attempt` counts from 1; `jitter` 0..1 is given from outside; `retry_after` is what a 429 stated.
    """
    match FailureKind(kind):
        case FailureKind.PERMANENT:
            return NextContact("permanent")
        case FailureKind.DEAD_ADDRESS:
            return NextContact("dead_address", address_dead=True)
        case FailureKind.THROTTLED:
            return _throttled(attempt, jitter, retry_after)
        case FailureKind.AMBIGUOUS if attempt >= AMBIGUOUS_ATTEMPTS:
            return NextContact("ambiguous")
        case FailureKind.AMBIGUOUS:
            return Retry(_backoff(attempt, jitter), marked=True)
        case FailureKind.TRANSIENT:
            return NextContact("transient") if attempt >= DELIVERY_ATTEMPTS else Retry(_backoff(attempt, jitter))


def decide_after_placing(
    kind: FailureKind | str, attempt: int, jitter: float, retry_after: timedelta | None = None
) -> RetryStep:
    """Return what follows a call that could not be placed: as `delivery`, but never repeated if ambiguous (FW14)."""
    if FailureKind(kind) is FailureKind.AMBIGUOUS:
        return Reconcile(RECONCILE_AFTER)
    return decide_after_delivery(kind, attempt, jitter, retry_after)


def _throttled(attempt: int, jitter: float, retry_after: timedelta | None) -> RetryStep:
    wait = retry_after if retry_after is not None else _backoff(attempt, jitter)
    if wait > _MAX_WAIT:
        return NextContact("throttled")
    return Retry(wait + timedelta(seconds=jitter), counts=False)


def _backoff(attempt: int, jitter: float) -> timedelta:
    """Return 2, 4, 8 … 300 s, up to half as much again by jitter."""
    base = min(_LONGEST, _FIRST * 2 ** min(attempt - 1, 16))
    return timedelta(seconds=base * (1 + 0.5 * min(max(jitter, 0.0), 1.0)))


_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_span(text: str) -> timedelta:
    """Parse `90s`, `10m`, `4h`, `2d` as clock time. Raises ValueError for anything else."""
    hit = _SPAN.fullmatch(text.strip())
    if hit is None:
        raise ValueError(f"no span of time: {text}")
    return timedelta(**{_UNITS[hit[2]]: int(hit[1])})
