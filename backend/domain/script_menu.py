"""A script as a menu given up front: what is said first, and what after each key, for lines that ask nothing live."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.domain.script_book import Script


@dataclass(frozen=True, slots=True)
class ScriptMenu:
    """Keys of texts: of the first words, and of those after each key."""

    first: str
    keys: Mapping[str, str]


def menu(script: Script, facts: Mapping[str, Any]) -> ScriptMenu:
    """The first question of a script with every key that ends the call.

    Left out are keys that need another question (a PIN), repeat the words (the carrier says them twice anyway), or are
    not offered by the facts: what a menu cannot ask it must not promise (Q43).
    """
    step = script.steps[script.first]
    keys: dict[str, str] = {}
    for key, branch in step.on.items():
        to = branch.to if not branch.when or facts.get(branch.when) else branch.otherwise
        target = script.steps.get(to)
        if not branch.repeat and target is not None and target.end and target.say:
            keys[key] = target.say[0]
    return ScriptMenu(step.say[0], keys)
