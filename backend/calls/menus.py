"""Build the menu of a call for carriers that ask nothing during the call: its script, filled with its facts."""

from collections.abc import Mapping
from typing import Any

from backend.calls.tools import Tools
from backend.calls.wording import facts_of
from backend.domain.script_book import script
from backend.domain.script_menu import menu
from backend.domain.texts import placeholders, sayable
from backend.office import Standing
from backend.ports.calls import Call
from notify.line import Menu


def book_of(call: Call, tools: Tools) -> str:
    """Return the script a call follows on this carrier: a one-key visit if it is not live."""
    return "visit_menu" if call.script == "visit" and not tools.line.can.live else call.script


def menu_of(call: Call, dial_id: int, standing: Standing, tools: Tools) -> Menu:
    """Build the menu of a call; its reports carry the attempt's id."""
    facts = facts_of(call, standing, tools.now(), tools)
    made = menu(script(book_of(call, tools)), facts)
    after = {key: _params(text, facts, tools) for key, text in made.keys.items()}
    return Menu(made.first, _params(made.first, facts, tools), made.keys, after, str(dial_id))


def _params(text: str, facts: Mapping[str, Any], tools: Tools) -> dict[str, str]:
    """Return the values of a text's placeholders; without empty ones, which carriers refuse."""
    asked = placeholders(tools.catalogue.template(text))
    return {name: sayable(facts[name]) for name in sorted(asked) if facts.get(name)}
