"""Loads the telephone scripts `backend/data/scripts/*.toml` and rejects one that leads nowhere."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

#: Scripts a call can follow (contract §7).
SCRIPT_NAMES = (
    "notice", "supervise", "upgrade", "danger", "visit", "visit_menu", "inbound_handler", "inbound_caller", "bridge",
)  # fmt: skip
_INHERITED = ("repeats", "odd", "silent", "odd_to", "silent_to", "odd_say", "hung_up")


class BadScript(ValueError):
    """A script that names a missing step: our own mistake, raised at load."""


@dataclass(frozen=True, slots=True)
class ScriptBranch:
    """Where one input leads. `when` names a fact that must be truthy, else `otherwise`; `limit` counts tries."""

    to: str = ""
    when: str = ""
    otherwise: str = ""
    effects: tuple[str, ...] = ()
    answer: Mapping[str, str] = field(default_factory=dict)
    limit: int = 0
    repeat: bool = False
    wrong: bool = False
    keys_only: bool = False


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One step: what it says and asks, and where it leads; `timeout_s` in seconds."""

    say: tuple[str, ...]
    on: Mapping[str, ScriptBranch]
    again: tuple[str, ...]
    wrong: tuple[str, ...]
    ask: tuple[str, ...]  # the question without its opening, for who gave no answer that counts (XM24)
    question: str  # table of speech, "" for keys only
    digits: int
    finish_on: str
    timeout_s: int
    record: bool
    wait: str
    end: str
    bridge: str
    connect: str  # whom to connect; `on` is keyed by how that leg ended
    when: str
    otherwise: str
    confirm: Mapping[str, str]
    enter: Mapping[str, str]
    enter_effects: tuple[str, ...]
    repeats: int
    odd: int
    odd_speech: int
    silent: int
    odd_to: str
    silent_to: str
    odd_say: str
    hung_up: str


@dataclass(frozen=True, slots=True)
class Script:
    """A telephone script with its version."""

    id: str
    version: int
    first: str
    stale: str
    steps: Mapping[str, ScriptStep]
    person_to: str = ""
    danger_to: str = ""
    keys_only_say: str = ""


@cache
def load_script(name: str) -> Script:
    """Load the script of that name (`NAMES`). Raises KeyError if there is none, BadScript if it leads nowhere."""
    if name not in SCRIPT_NAMES:
        raise KeyError(name)
    raw = _load(name)
    steps = {key: _step(table, raw) for key, table in raw["steps"].items()}
    read = Script(
        raw["id"], raw["version"], raw["first"], raw["stale"], steps,
        raw.get("person_to", ""), raw.get("danger_to", ""), raw.get("keys_only_say", ""),
    )  # fmt: skip
    _check(read)
    return read


def _load(name: str) -> dict[str, Any]:
    path = files("backend").joinpath("data", "scripts", f"{name}.toml")
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    for other in raw.pop("include", []):
        base = _load(other)
        raw = {**base, **raw, "steps": {**base["steps"], **raw["steps"]}}
    return raw


def _step(table: Mapping[str, Any], script: Mapping[str, Any]) -> ScriptStep:
    rules = {key: table.get(key, script[key]) for key in _INHERITED}
    return ScriptStep(
        say=tuple(table.get("say", ())), again=tuple(table.get("again", ())), wrong=tuple(table.get("wrong", ())),
        ask=tuple(table.get("ask", ())),
        on={key: _branch(row) for key, row in table.get("on", {}).items()},
        question=table.get("question", ""), digits=table.get("digits", 1),
        finish_on=table.get("finish_on", ""), timeout_s=table.get("timeout_s", 6),
        record=table.get("record", False), wait=table.get("wait", ""), end=table.get("end", ""),
        bridge=table.get("bridge", ""), connect=table.get("connect", ""), when=table.get("if", ""), otherwise=table.get("else", ""),
        confirm=dict(table.get("confirm", {})), enter=dict(table.get("enter", {})),
        enter_effects=tuple(table.get("enter_effects", ())),
        odd_speech=table.get("odd_speech", rules["odd"]), **rules,
    )  # fmt: skip


def _branch(row: Mapping[str, Any]) -> ScriptBranch:
    return ScriptBranch(
        row.get("to", ""), row.get("if", ""), row.get("else", ""), tuple(row.get("effects", ())),
        dict(row.get("answer", {})), row.get("limit", 0), row.get("repeat", False),
        row.get("wrong", False), row.get("keys_only", False),
    )  # fmt: skip


def _check(script: Script) -> None:
    named = {script.first, script.stale, script.person_to, script.danger_to}
    for step in script.steps.values():
        named |= {step.otherwise, *step.confirm.values()}
        named |= set() if step.end or step.wait or step.record or step.connect else {step.odd_to, step.silent_to}
        for branch in step.on.values():
            named |= {branch.to, branch.otherwise}
    lost = sorted(named - {""} - script.steps.keys())
    if lost:
        raise BadScript(f"{script.id} leads to {', '.join(lost)}")


@dataclass(frozen=True, slots=True)
class ScriptMenu:
    """Text keys: of the first question, and of what follows each key."""

    first: str
    keys: Mapping[str, str]


def build_menu(script: Script, facts: Mapping[str, object]) -> ScriptMenu:
    """Return the first question of a script with every key that ends the call.

    Left out are keys that need another question (a PIN), that repeat the text (the carrier says it twice anyway), or
    that the facts do not offer: a menu must not promise what it cannot ask (Q43).
    """
    step = script.steps[script.first]
    keys: dict[str, str] = {}
    for key, branch in step.on.items():
        to = branch.to if not branch.when or facts.get(branch.when) else branch.otherwise
        target = script.steps.get(to)
        if not branch.repeat and target is not None and target.end and target.say:
            keys[key] = target.say[0]
    return ScriptMenu(step.say[0], keys)
