"""Interprets what a person says on the telephone: one key, or that a person should listen (texts 7.3)."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from backend.domain.ticket_enums import Answer

#: Below this recogniser confidence (0..1) keys are asked for.
MIN_CONFIDENCE = 0.6
_LONGEST = 2000  # characters of speech; longer speech is settled by keys
_BREAK = "|"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What was meant. Exactly one of `key` and the flags applies; all empty means: ask again.

    `confirm`: confirm the key once; `keys_only`: ask again without listening;
    `complaint`: a complaint, or doubt: never deemed satisfied (Q39).
    """

    key: str | None = None
    confirm: bool = False
    keys_only: bool = False
    want_person: bool = False
    danger: bool = False
    complaint: bool = False


ASK_AGAIN = Meaning()
#: The keys of V4 and the answers they stand for (Q35).
ANSWER_BY_KEY: Mapping[str, Answer] = {
    "1": Answer.SATISFIED,
    "2": Answer.BASICALLY_SATISFIED,
    "3": Answer.UNSATISFIED,
}


@cache
def _load() -> dict[str, Any]:
    text = files("backend").joinpath("data", "scripts", "speech.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _load_folding() -> dict[int, str]:
    pairs = str(_load()["traditional"])
    return {ord(pairs[i]): pairs[i + 1] for i in range(0, len(pairs), 2)}


@cache
def _load_fillers() -> re.Pattern[str]:
    return _any_of(re.escape(w) for w in _load()["fillers"])


def _any_of(words: Any) -> re.Pattern[str]:
    return re.compile("|".join(sorted(words, key=len, reverse=True)))


def normalise(text: str) -> str:
    """Normalise speech for matching: full-width and traditional folded, fillers dropped, breaks kept as `|`."""
    folded = unicodedata.normalize("NFKC", text).translate(_load_folding()).lower()
    clauses = re.sub(r"[^\w]+|_+", _BREAK, folded)
    return re.sub(r"\|+", _BREAK, _load_fillers().sub("", clauses)).strip(_BREAK)


# The groups of V4 in the order of 7.3: the group, its key, whether to confirm it.
_GROUPS = (
    ("unsatisfied", "3", True),
    ("basically", "2", False),
    ("confirm_basically", "2", True),
    ("satisfied", "1", False),
    ("unclear", None, False),
)


@cache
def _patterns(group: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(p) for p in _load()["satisfaction"][group])


@cache
def _load_question(name: str) -> tuple[tuple[str, str], ...]:
    """Return words and their keys, longest first."""
    table: Mapping[str, Sequence[str]] = _load()["questions"][name]
    rows = [(word, key) for key, words in table.items() for word in words]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


def _longest_at(text: str, at: int) -> tuple[int, str] | None:
    """Return the longest word of any V4 group that begins here; earlier groups win a tie."""
    best: tuple[int, str] | None = None
    for group, _, _ in _GROUPS:
        for pattern in _patterns(group):
            hit = pattern.match(text, at)
            if hit and hit.end() > at and (best is None or hit.end() > best[0]):
                best = hit.end(), group
    return best


def _groups_in(text: str) -> tuple[set[str], str]:
    """Return the groups found, read left to right by longest words, and what was left over between them."""
    groups: set[str] = set()
    left_over: list[str] = []
    at = 0
    while at < len(text):
        hit = _longest_at(text, at)
        if hit is None:
            left_over.append(text[at])
            at += 1
        else:
            at = hit[0]
            groups.add(hit[1])
    return groups, "".join(left_over)


def _is_negated(left_over: str) -> bool:
    return any(c in _load()["negators"] for c in left_over)


def _contains(text: str, words: Sequence[str]) -> bool:
    return any(word.lower() in text for word in words)


def _check_precedence(text: str, confidence: float | None) -> Meaning | None:
    """Return what precedes any question: danger, a person, doubt about the recognition."""
    if len(text) > _LONGEST:
        return Meaning(keys_only=True, complaint=True)
    joined = text.replace(_BREAK, "")
    if _contains(joined, _load()["danger"]):
        return Meaning(danger=True, complaint=True)
    if _contains(joined, _load()["person"]):
        return Meaning(want_person=True)
    if confidence is not None and confidence < MIN_CONFIDENCE:
        return Meaning(keys_only=True, complaint=True)
    return None


def interpret_satisfaction(speech: str, confidence: float | None = None) -> Meaning:
    """Interpret speech for V4, in the matching order of texts 7.3; `confidence` 0..1, None if unknown.

    不满意 in any context never yields satisfied; good and bad words together are settled by keys.
    """
    text = normalise(speech)
    first = _check_precedence(text, confidence)
    if first:
        return first
    rest = text
    for pattern in _patterns("double_negative"):
        rest = pattern.sub(_BREAK, rest)
    doubled = rest != text
    joined = rest.replace(_BREAK, "") if not doubled else rest
    groups, left_over = _groups_in(joined)
    bad = "unsatisfied" in groups
    good = groups & {"basically", "confirm_basically", "satisfied"}
    if bad and (good or doubled):
        return Meaning(keys_only=True, complaint=True)
    if bad:
        return Meaning(key="3", confirm=True, complaint=True)
    if doubled or "unclear" in groups or not good:
        return ASK_AGAIN
    if _is_negated(left_over):
        return Meaning(keys_only=True)
    _, key, confirm = next(row for row in _GROUPS if row[0] in groups)
    return Meaning(key=key, confirm=confirm)


def interpret_answer(name: str, speech: str, confidence: float | None = None) -> Meaning:
    """Interpret speech for any other question: `notice supervise V0 V1 V2 V3 V4 yes_…`. Raises KeyError if unknown."""
    if name == "V4":
        return interpret_satisfaction(speech, confidence)
    text = normalise(speech)
    rows = _load_question(name)
    own_person = any(key == "0" for _, key in rows)
    first = _check_precedence(text, confidence)
    if first and not (first.want_person and own_person):
        return first
    keys, left_over = _keys_in(text.replace(_BREAK, ""), rows)
    if len(keys) > 1:
        return Meaning(keys_only=True)
    if not keys or keys == {"none"}:
        return ASK_AGAIN
    key = keys.pop()
    if key == "1" and _is_negated(left_over):
        return Meaning(keys_only=True)
    return Meaning(key=key)


def is_opt_out(text: str) -> bool:
    """Return whether a written message asks for no more messages, in the networks' own words (FW33)."""
    return normalise(text).replace(_BREAK, "") in _load()["leave"]


def _keys_in(text: str, rows: Sequence[tuple[str, str]]) -> tuple[set[str], str]:
    keys: set[str] = set()
    left_over: list[str] = []
    at = 0
    while at < len(text):
        row = next((row for row in rows if text.startswith(row[0], at)), None)
        if row is None:
            left_over.append(text[at])
            at += 1
        else:
            keys.add(row[1])
            at += len(row[0])
    return keys, "".join(left_over)
