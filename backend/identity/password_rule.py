"""What a password must be (NIST SP 800-63B-4): long enough and not known; no composition, no expiry."""

from collections.abc import Iterable
from typing import Final

from backend.domain.refusals import Refused

LONG, SHORT = 15, 8  # characters at least: as the only factor, and beside a second one
MOST = 128  # characters
KNOWN_BELOW = 8.0  # powers of ten of guesses: what is found sooner is known
_JUDGED = 72  # characters that are judged; a longer password is no easier for its rest


def check_password(password: str, *, alone: bool, words: Iterable[str] = ()) -> str:
    """Return a password that may be chosen. `words`: names of the person and the office, which are guessed first.

    Refused `password_short`, `password_long`, `password_known`.
    """
    least = LONG if alone else SHORT
    if len(password) < least:
        raise Refused("password_short", n=least, field="password")
    if len(password) > MOST:
        raise Refused("password_long", n=MOST, field="password")
    if _is_known(password, [word for word in words if word]):
        raise Refused("password_known", field="password")
    return password


def _is_known(password: str, words: list[str]) -> bool:
    from zxcvbn import zxcvbn  # its word lists cost a process of commands half a second

    found = zxcvbn(password[:_JUDGED], user_inputs=words)
    return float(found["guesses_log10"]) < KNOWN_BELOW


#: the signs of recovery codes: none that is read as another
CODE_SIGNS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
