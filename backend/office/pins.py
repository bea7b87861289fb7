"""PINs people sign with by telephone: which are strong enough, and how they are hashed."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PIN_DIGITS = 4  # what every call asks for
#: Fast enough for a telephone menu, slow enough for four digits behind a lockout.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_RUNS = frozenset(run[i : i + PIN_DIGITS] for run in ("0123456789", "9876543210") for i in range(11 - PIN_DIGITS))


def is_strong_pin(pin: str) -> bool:
    """Four ASCII digits, neither all the same nor a run up or down."""
    if not (pin.isascii() and pin.isdigit() and len(pin) == PIN_DIGITS):
        return False
    return len(set(pin)) > 1 and pin not in _RUNS


async def hash_pin(pin: str) -> str:
    """Return what is stored of a PIN."""
    return await asyncio.to_thread(_HASHER.hash, pin)


async def verify_pin(hashed: str, pin: str) -> bool:
    """Whether a PIN is the one that was hashed."""
    return await asyncio.to_thread(_verify, hashed, pin)


def _verify(hashed: str, pin: str) -> bool:
    try:
        return _HASHER.verify(hashed, pin)
    except (VerificationError, InvalidHashError):
        return False
