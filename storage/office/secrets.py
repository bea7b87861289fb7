"""Binding codes and PINs: each guess is counted in the transaction that judges it (FT32, FA2)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.office import PinCheck
from storage import tables as t

MAX_GUESSES = 5  # of one user …
GUESS_WINDOW = timedelta(minutes=10)  # … in this time

_COUNT = text(
    "INSERT INTO guess_counts (subject, count, since) VALUES (:subject, 1, :now) ON CONFLICT (subject) DO UPDATE SET "
    "count = CASE WHEN guess_counts.since <= :old THEN 1 ELSE guess_counts.count + 1 END, "
    "since = CASE WHEN guess_counts.since <= :old THEN :now ELSE guess_counts.since END RETURNING count"
)
_RESET_GUESSES = delete(t.guess_counts).where(t.guess_counts.c.subject == bindparam("subject"))

B, P = t.binding_codes.c, t.people.c
_DELETE_UNUSED_CODES = delete(t.binding_codes).where(B.person == bindparam("person"), B.used_at.is_(None))
_DELETE_EXPIRED_CODES = delete(t.binding_codes).where(B.expires_at < bindparam("before"))
_INSERT_CODE = insert(t.binding_codes)
_FIND_CODE = select(t.binding_codes).where(B.code_hash == bindparam("code_hash"))
_USE_CODE = (
    update(t.binding_codes)
    .where(B.code_hash == bindparam("b_code_hash"), B.used_at.is_(None))
    .values(used_at=bindparam("b_now"), user_id=bindparam("b_user"))
)
_LOCK_PIN = (
    select(P.pin_hash, P.pin_failures, P.pin_locked_until).where(P.code == bindparam("person")).with_for_update()
)
UPDATE_PERSON = update(t.people).where(P.code == bindparam("b_code"))  # the columns it is given


def count_guess(c: Connection, subject: str, now: datetime) -> bool:
    """Count a guess; False if this user has used up their guesses. The row stays locked until the transaction ends."""
    facts = {"subject": subject, "now": to_micros(now), "old": to_micros(now - GUESS_WINDOW)}
    return int(c.execute(_COUNT, facts).scalar_one()) <= MAX_GUESSES


def reset_guesses(c: Connection, subject: str) -> None:
    """Reset the user's guesses after a correct one."""
    c.execute(_RESET_GUESSES, {"subject": subject})


def store_code(c: Connection, hashed: str, person: str, now: datetime, until: datetime) -> None:
    """Store a code; the person's earlier unused ones stop working, and long-expired codes are deleted."""
    c.execute(_DELETE_UNUSED_CODES, {"person": person})
    c.execute(_DELETE_EXPIRED_CODES, {"before": to_micros(now - timedelta(days=2))})
    row = {"code_hash": hashed, "person": person, "created_at": to_micros(now), "expires_at": to_micros(until)}
    c.execute(_INSERT_CODE, row)


def find_code(c: Connection, hashed: str) -> Any:
    """Return the row of a code, or None."""
    return c.execute(_FIND_CODE, {"code_hash": hashed}).first()


def check_code(row: Any, now: datetime) -> str | None:
    """Return the refusal code if the code cannot be used, else None."""
    if row is None:
        return "code_unknown"
    if row.used_at is not None:
        return "already_bound"
    return "code_expired" if row.expires_at <= to_micros(now) else None


def find_usable_code(c: Connection, hashed: str, now: datetime) -> Any:
    """Return the row of a code that may be used now, or None."""
    row = find_code(c, hashed)
    return None if check_code(row, now) else row


def use_code(c: Connection, hashed: str, user_id: str, now: datetime) -> bool:
    """Use up a code; False if somebody else was faster."""
    used = {"b_code_hash": hashed, "b_now": to_micros(now), "b_user": user_id}
    return c.execute(_USE_CODE, used).rowcount == 1


def try_pin(c: Connection, person: str, now: datetime, most: int, lock_until: datetime) -> PinCheck | None:
    """Count one PIN guess; while the PIN is locked, count nothing and return `locked_until`."""
    row = c.execute(_LOCK_PIN, {"person": person}).first()
    if row is None or row.pin_hash is None:
        return None
    if row.pin_locked_until is not None and row.pin_locked_until > to_micros(now):
        return PinCheck(row.pin_hash, row.pin_failures, from_micros(row.pin_locked_until))
    tries = (0 if row.pin_locked_until is not None else row.pin_failures) + 1
    locked = to_micros(lock_until) if tries >= most else None
    c.execute(UPDATE_PERSON, {"b_code": person, "pin_failures": tries, "pin_locked_until": locked})
    return PinCheck(row.pin_hash, tries, None)
