"""Splits words that say the requester was told from the reason they were told of (A24, S5)."""

import re
import tomllib
from functools import cache
from importlib.resources import files

_CLAUSE = re.compile(r"([^，,。；;、\n]+)([，,。；;、\n]*)")
_EDGE = "，,。；;、 \t\r\n　"


@cache
def _load() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return what begins to say it, what says it, what it must hold, and what denies it."""
    path = files("backend").joinpath("data", "scripts", "reply_words.toml")
    w = {name: f"(?:{words})" for name, words in tomllib.loads(path.read_text(encoding="utf-8"))["told"].items()}
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
