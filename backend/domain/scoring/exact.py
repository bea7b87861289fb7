"""Exact numbers, and the one place that rounds and formats them (Q13); no score is computed from a float."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backend.domain.refusals import Refused

ZERO = Fraction(0)
HUNDRED = Fraction(100)

_DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,9})?", re.ASCII)
_ROUNDING = re.compile(r"(half_up|half_even)_([0-6])", re.ASCII)


def parse_number(value: Any, path: str) -> Fraction:
    """Parse an int or a plain decimal string ("12.5") exactly; a JSON float counts as its shortest text.

    Refused `not_a_number` with the path: booleans, blanks, exponents, infinities, more than nine digits a side.
    """
    text = str(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else ""
    if not _DECIMAL.fullmatch(text):
        raise Refused("not_a_number", path=path, value=format_value(value))
    return Fraction(text)


def parse_count(value: Any, path: str) -> int:
    """Parse an integer from 0 to 10**12 (an int, or its digits as text).

    Refused `not_a_count`, `negative`, `out_of_range`, with the path.
    """
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,12}", value, re.ASCII):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused("not_a_count", path=path, value=format_value(value))
    if value < 0:
        raise Refused("negative", path=path, value=value)
    if value > 10**12:
        raise Refused("out_of_range", path=path, value=format_value(value), lowest=0, highest=10**12)
    return value


def format_value(value: Any) -> str:
    """Shorten a refused value to 60 characters for the refusal's facts; strings stay unquoted."""
    return (value if isinstance(value, str) else repr(value))[:60]


def format_decimal(value: Fraction) -> str:
    """Format without trailing zeros ("15", "2.5"); for points and amounts, which are decimals anyway."""
    text = Rounding(9).format(value)
    return text.rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Rounding:
    """How a published figure is rounded: `places` decimals, ties away from zero (HALF_UP) or to even."""

    places: int = 2
    even: bool = False

    @classmethod
    def parse(cls, word: str, key: str) -> "Rounding":
        """Parse `half_up_2`, `half_even_2`, …; anything else is Refused `bad_setting`."""
        match = _ROUNDING.fullmatch(word)
        if match is None:
            raise Refused("bad_setting", key=key, value=word, allowed="half_up_N, half_even_N (N 0-6)")
        return cls(int(match[2]), match[1] == "half_even")

    def _scaled(self, value: Fraction) -> int:
        """Return the rounded value in units of the last place."""
        denominator = value.denominator  # integers, for speed: this runs for thousands of sheets
        numerator: int = value.numerator * 10**self.places
        if self.even:
            return round(Fraction(numerator, denominator))
        size = (2 * abs(numerator) + denominator) // (2 * denominator)
        return -size if numerator < 0 else size

    def round(self, value: Fraction) -> Fraction:
        """Round; the result is still exact."""
        return Fraction(self._scaled(value), 10**self.places)

    def format(self, value: Fraction) -> str:
        """Round and format as a decimal string, never "-0.00"."""
        scaled = self._scaled(value)
        digits = str(abs(scaled)).rjust(self.places + 1, "0")
        sign = "-" if scaled < 0 else ""
        cut = len(digits) - self.places
        return f"{sign}{digits[:cut]}.{digits[cut:]}" if self.places else f"{sign}{digits}"
