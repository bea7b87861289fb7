"""Reads whether a text says that the requester was told, and how they were spoken with (A24, S5, XM15)."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_CLAUSE = re.compile(r"([^，,。；;、\n]+)([，,。；;、\n]*)")
_EDGE = "，,。；;、 \t\r\n　"


def _read() -> Mapping[str, Any]:
    return tomllib.loads(files("backend").joinpath("data", "scripts", "reply_words.toml").read_text(encoding="utf-8"))


@cache
def _load() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return what begins to say it, what says it, what it must hold, and what denies it."""
    w = {name: f"(?:{words})" for name, words in _read()["told"].items()}
    who, already, way, say = w["who"], w["already"], w["way"], w["say"]
    told = (
        f"{who}{w['link']}*(?:{already}|{w['states']}).*?{say}.*",
        f"{already}.*?{who}.*",  # of the requester by name
        f"{already}(?=.*{say})(?!.*{who})(?:{way}|{w['first']})(?:{way}|{say}|{w['rest']})*",  # and of nobody else
        f"{already}{w['through']}?{way}{w['done']}?",
    )
    return (
        re.compile(f"{who}|{already}"), re.compile(f"(?:{'|'.join(told)})[！!。.\\s]*"), re.compile(f"{say}|{way}"),
        re.compile(w["not_yet"]),
    )  # fmt: skip


def split_told(text: str) -> tuple[str, str]:
    """Return the reason without the words that say the requester was told, and those words ("" if there are none)."""
    kept, told = [], []
    for clause, mark in _CLAUSE.findall(text):
        begin = _find_told(clause)
        if begin is None:
            kept.append(clause + mark)
            continue
        kept.append(clause[:begin] + mark)
        told.append(clause[begin:])
    if not told:
        return text, ""
    return re.sub(r"([，,。；;、\n])[，,。；;、\n]+", r"\1", "".join(kept)).strip(_EDGE), "，".join(told)


def _find_told(clause: str) -> int | None:
    """Return where a clause begins to say that the requester was told."""
    begins, told, said, not_yet = _load()
    for found in begins.finditer(clause):
        tail = clause[found.start() :]
        if told.fullmatch(tail) and said.search(tail) and not not_yet.search(tail):
            return found.start()
    return None


@cache
def _load_ways() -> tuple[Mapping[str, re.Pattern[str]], re.Pattern[str], re.Pattern[str]]:
    """Return what a clause looks like that says of each way that the unit spoke so, what denies it, and what only asks."""
    read = _read()
    ways, w = read["ways"], {name: f"(?:{words})" for name, words in {**read["told"], **read["spoken"]}.items()}
    between = f"(?:{w['say']}|{w['first']}|{w['rest']})"
    patterns = {
        way: re.compile(
            f"(?:{w['we']}|{w['when']}|{w['after']}|{w['link']}|\\s)*{w['already']}{w['through']}?(?:{how}){w['done']}?"
            f"(?:{between}*{w['who']}(?!{w['not_who']}).*|{between}{'+' if way == 'visit' else '*'})[！!。.\\s]*"
        )
        for way, how in ways.items()
    }
    return patterns, re.compile("|".join(read["unreached"])), re.compile(f"{w['ask']}\\s*$")


def find_way(text: str) -> str | None:
    """Return how a text says the requester was spoken with; None if it does not say so.

    Said is it by a clause of its own: that the unit (not the requester, nor somebody else) has spoken in that way, with
    the requester (not with somebody else). What was tried in vain is none, nor what is asked, planned or quoted.
    """
    patterns, unreached, asking = _load_ways()
    for found in _CLAUSE.finditer(text):
        clause = found[1].strip()
        way = next((way for way, pattern in patterns.items() if pattern.fullmatch(clause)), None)
        if way is not None and not asking.search(clause) and not unreached.search(text, found.start()):
            return way
    return None
