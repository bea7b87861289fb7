"""Build the menu of a call for carriers that ask nothing during the call: its script, filled with its facts."""

from collections.abc import Mapping
from typing import Any

from backend.calls.tools import Tools
from backend.calls.wording import facts_of
from backend.domain.script_files import load_script
from backend.domain.script_menu import build_menu
from backend.domain.texts import find_placeholders, make_sayable
from backend.office.cache import OfficeSnapshot
from backend.ports.calls import Call
from notify.line import Menu


def book_of(call: Call, tools: Tools) -> str:
    """Return the script a call follows on this carrier: a one-key visit if it is not live."""
    return "visit_menu" if call.script == "visit" and not tools.line.can.live else call.script


def menu_of(call: Call, attempt_id: int, snapshot: OfficeSnapshot, tools: Tools) -> Menu:
    """Build the menu of a call; its reports carry the attempt's id."""
    facts = facts_of(call, snapshot, tools.now(), tools)
    made = build_menu(load_script(book_of(call, tools)), facts)
    after = {key: _params(text, facts, tools) for key, text in made.keys.items()}
    return Menu(made.first, _params(made.first, facts, tools), made.keys, after, str(attempt_id))


def _params(text: str, facts: Mapping[str, Any], tools: Tools) -> dict[str, str]:
    """Return the values of a text's placeholders; without empty ones, which carriers refuse."""
    asked = find_placeholders(tools.catalogue.get_template(text))
    return {name: make_sayable(facts[name]) for name in sorted(asked) if facts.get(name)}
