"""Turns a script into a fixed menu, for lines that ask nothing live: what is said first, and after each key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.domain.script_files import Script


@dataclass(frozen=True, slots=True)
class ScriptMenu:
    """Text keys: of the first question, and of what follows each key."""

    first: str
    keys: Mapping[str, str]


def build_menu(script: Script, facts: Mapping[str, Any]) -> ScriptMenu:
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
