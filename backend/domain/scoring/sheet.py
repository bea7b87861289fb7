"""The score sheet: lines with evidence, sums, flags and the readings applied (B2, B3, contract §4)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from backend.domain.scoring.exact import HUNDRED, Rounding, format_decimal
from backend.domain.scoring.scheme import Part

NO_DATA = "no_data"
NO_ASSIGNMENT = "no_assignment"
UNDECIDED = "undecided"  # all it has to do is neither done nor late yet (Q9, Q15)
SMALL_SAMPLE = "small_sample"
NOTHING_DUE = (
    "nothing_due"  # no ticket was due to be closed: full points there for nothing known, whatever else is deducted
)
CONNECT_UNREPORTED = "connect_unreported"  # 接通率 without counts: full points for nothing known (XD14)

_FIGURES = ("scheme", "scheme_version", "total", "raw_total", "base", "bonus", "minus", "flags", "readings")
_LINE_FIGURES = ("item", "part", "points", "numerator", "denominator", "rate", "deduction", "score", "note")


@dataclass(frozen=True)
class SheetLine:
    """One line. Score and deduction are exact and rounded only as JSON; `rate` is a fraction of one.

    A base line scores points − deduction, a bonus line its award, a minus line −deduction: the scores of all lines
    add up to the raw total.
    """

    item: str
    name: str
    part: Part
    points: Fraction
    deduction: Fraction
    score: Fraction
    numerator: int | None = None
    denominator: int | None = None
    rate: Fraction | None = None
    note: str = ""
    evidence: tuple[Any, ...] = ()
    answers: Mapping[str, int] | None = None  # 满意率: reached, answered, deemed (XD15)

    def as_json(self, rounding: Rounding, parts: Rounding) -> dict[str, Any]:
        """Return the line as JSON of the contract; the rate in percent. `answers` only where they are known.

        `parts` rounds what adds up to the total, `rounding` the rate.
        """
        line = {
            "item": self.item,
            "name": self.name,
            "part": str(self.part),
            "points": format_decimal(self.points),
            "numerator": self.numerator,
            "denominator": self.denominator,
            "rate": None if self.rate is None else rounding.format(self.rate * HUNDRED),
            "deduction": parts.format(self.deduction),
            "score": parts.format(self.score),
            "note": self.note,
            "evidence": list(self.evidence),
        }
        return line if self.answers is None else {**line, "answers": dict(self.answers)}


@dataclass(frozen=True)
class ScoreSheet:
    """A computed score sheet. `total` is the published score, `raw_total` before floor and ceiling (Q11, Q12)."""

    scheme: str
    version: str
    total: Fraction | None
    raw_total: Fraction | None
    base: Fraction
    bonus: Fraction
    minus: Fraction
    flags: tuple[str, ...]
    lines: tuple[SheetLine, ...]
    rounding: Rounding
    readings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    part_rounding: Rounding | None = None  # of the lines, where only their sum is rounded to `rounding`

    def as_json(self) -> dict[str, Any]:
        """Return the sheet as JSON of the contract: scores are decimal strings, a total may be null."""

        def format_score(value: Fraction | None) -> str | None:
            return None if value is None else self.rounding.format(value)

        sheet = {
            "scheme": self.scheme,
            "scheme_version": self.version,
            "total": format_score(self.total),
            "raw_total": format_score(self.raw_total),
            "base": format_score(self.base),
            "bonus": format_score(self.bonus),
            "minus": format_score(self.minus),
            "flags": list(self.flags),
            "readings": dict(self.readings),
            "lines": [line.as_json(self.rounding, self.part_rounding or self.rounding) for line in self.lines],
        }
        return {**sheet, "figures_hash": hash_figures(sheet)}


def hash_figures(sheet: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a sheet's figures and rules alone: two offices with the same ones get the same (XD13).

    Neither names nor evidence, nor when and for whom it was computed, are part of it.
    """
    body = {key: sheet[key] for key in _FIGURES if key in sheet}
    body["lines"] = [{key: line[key] for key in _LINE_FIGURES} for line in sheet.get("lines", ())]
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
