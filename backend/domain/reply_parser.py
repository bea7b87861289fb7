"""Parses what a handler typed in reply to a card: verb, text, days; and advises on curt wording (A20)."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from backend.domain.masking import clean
from backend.domain.told_requester import split_told
from backend.domain.typed_numbers import narrow, read_typed
from backend.domain.verb_fields import HAND_ON_KINDS

_EDGE = " \t\r\n　:：,，;；。.、-—–【】[]()（）“”\"'"
_SHORT = 10  # characters; a reply below it says too little
_LONGEST_DAYS = 365
_SHORT_NUMBER = 3  # digits: 延期 10 names days, not a ticket
_NUMBER = re.compile(r"([0-9A-Za-z][0-9A-Za-z_./-]{0,39})(?![0-9A-Za-z])[\s:：,，、]*(.*)", re.DOTALL)
_NUMERALS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2}
_DAYS = re.compile(
    r"(\d{1,3}|[一二两三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九])\s*(个)?\s*(工作日|天|日)?"
)
_DAY = re.compile(r"(20\d\d)[-年./](\d{1,2})[-月./](\d{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A parsed reply: `verb` of the acts table, `text` without the keyword, `days` in working days (延期)."""

    verb: str
    text: str = ""
    days: int | None = None
    reason_code: str | None = None  # a guess, for 退单 only
    cause: str = ""  # the cause found, where a 答复 or 办结 names one (A32)
    files: tuple[str, ...] = ()  # what came with it
    told: str = ""  # what a 延期 says of telling the requester, no part of the reason (A24)
    dispatch_kind: str = ""  # of 交办, 转办


@cache
def _load() -> dict[str, Any]:
    path = files("backend").joinpath("data", "scripts", "reply_words.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _load_words(table: str) -> tuple[tuple[str, str], ...]:
    """Words of a table and what they stand for, longest first."""
    meanings: Mapping[str, Sequence[str]] = _load()[table]
    rows = [(word, meaning) for meaning, words in meanings.items() for word in words]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


def _find_word(table: str, text: str) -> tuple[str, str] | None:
    return next((row for row in _load_words(table) if text.startswith(row[0])), None)


def parse_command(text: str) -> tuple[str, str] | None:
    """Return the command that a word stands for and what it is about (`查看 JS0001`); None if it is no command (XM9)."""
    plain = clean(text).strip(_EDGE)
    row = _find_word("commands", plain)
    if row is None:
        return None
    about = plain[len(row[0]) :].strip(_EDGE)
    if not about or (not any(c.isspace() for c in about) and (_has_digit(about) or row[1] == "unit")):
        return row[1], about
    return None


def parse_sole_number(text: str) -> str | None:
    """Return the number of a message that is nothing but what may be a ticket's number; else None (XM22)."""
    found = _NUMBER.fullmatch(read_typed(text).strip(_EDGE))
    return found[1] if found and not found[2] and _may_be_number(found[1]) else None


def split_number(text: str) -> tuple[str, str] | None:
    """Return what may be a ticket's number and the text without it: before its keyword or after it (XM22)."""
    plain = clean(text).lstrip(_EDGE)
    first = _take_number(plain)
    if first and _has_digit(first[0]) and parse_reply(first[1]) is not None:
        return first
    row = _find_word("verbs", plain)
    second = _take_number(plain[len(row[0]) :].lstrip(_EDGE)) if row else None
    if row and second and _may_be_number(second[0]):
        return second[0], f"{row[0]} {second[1]}".rstrip()
    return None


def _take_number(text: str) -> tuple[str, str] | None:
    """Return the number a text begins with, in plain width, and what follows as it was written."""
    found = _NUMBER.match(narrow(text))
    return (found[1], text[found.start(2) :]) if found else None


def _may_be_number(text: str) -> bool:
    return _has_digit(text) and (len(text) > _SHORT_NUMBER or not text.isdecimal())


def _has_digit(text: str) -> bool:
    return any(c.isdecimal() for c in text)


def parse_reply(text: str) -> ParsedReply | None:
    """Parse a reply to a card (contract §6); None if it begins with no keyword.

    `签收` stands alone or before a mark; the others may be followed directly by their text. `延期` without a
    number has `days` None. Full-width blanks, colons and 【】 around the keyword are ignored.
    """
    plain = clean(text).lstrip(_EDGE)
    row = _find_word("verbs", plain)
    if row is None:
        return None
    word, verb = row
    after = plain[len(word) :]
    rest = after.strip(" \t\r\n　").lstrip(_EDGE).rstrip()
    if verb == "sign":
        return ParsedReply("sign") if not rest.strip(_EDGE + "了！!") else None
    if verb == "extend":
        days, rest = _split_days(rest)
        reason, told = split_told(rest)
        return ParsedReply(verb, reason, days, told=told)
    if verb in HAND_ON_KINDS:  # followed by the unit, so that 交办 within a sentence is none
        return ParsedReply("hand_on", rest, dispatch_kind=verb) if after[:1] in ("", *_EDGE) else None
    if verb == "return":
        return ParsedReply(verb, rest, reason_code=guess_reason_code(rest))
    if verb in ("reply", "close"):
        before, cause = _split_cause(rest)
        return ParsedReply(verb, rest if verb == "reply" else before, cause=cause)
    return ParsedReply(verb, rest)


def _split_cause(text: str) -> tuple[str, str]:
    """Return what precedes the cause, and the cause; a reply keeps both, the requester may read it."""
    for mark in _load()["cause"]:
        before, found, after = text.partition(mark)
        if found:
            return before.rstrip(_EDGE), after.split("\n", 1)[0].strip(_EDGE)
    return text, ""


def _split_days(text: str) -> tuple[int | None, str]:
    """Return the number of days a 延期 begins with (1..365, or None) and the rest."""
    folded = unicodedata.normalize("NFKC", text[:4]) + text[4:]
    hit = _DAYS.match(folded)
    if hit is None:
        return None, text
    days = _parse_number(hit[1])
    if not 1 <= days <= _LONGEST_DAYS or folded[hit.end() : hit.end() + 1].isdigit():
        return None, text
    return days, folded[hit.end() :].lstrip(_EDGE)


def _parse_number(text: str) -> int:
    if text.isascii():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _NUMERALS[text]
    return 10 * _NUMERALS.get(tens, 1) + _NUMERALS.get(ones, 0)


def find_day(text: str) -> str | None:
    """Return the day a text names, as ISO-8601; None if it names none (A25)."""
    found = _DAY.search(unicodedata.normalize("NFKC", text))
    try:
        return date(*map(int, found.groups())).isoformat() if found else None
    except ValueError:
        return None


def find_month(text: str) -> int | None:
    """Return the month that a text names without its year; None if it is anything else."""
    found = re.fullmatch(_load()["month"], text, re.ASCII)
    return int(found[1]) if found else None


def guess_reason_code(text: str) -> str:
    """Guess the reason code of a return from its text; `other` if nothing matches."""
    reasons: Mapping[str, Sequence[str]] = _load()["reasons"]
    return next((code for code, words in reasons.items() if any(w in text for w in words)), "other")


def find_curt_wording(text: str) -> list[tuple[str, str]]:
    """Return advice on blaming or curt wording: (code, word) pairs; the sentences are `advice.CODE` with `word`.

    Advice only (A20): it never stops a reply.
    """
    table: Mapping[str, Sequence[str]] = _load()["curt"]
    found = [(code, word) for code, words in table.items() for word in words if word in text]
    if 0 < len(text.strip()) < _SHORT:
        found.append(("too_short", ""))
    return found
