"""What a line is given that asks nothing during the call: the script of a call as its menu, with its facts."""

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
    """The script a call follows on this line: a visit of one key where no more can be asked."""
    return "visit_menu" if call.script == "visit" and not tools.line.can.live else call.script


def menu_of(call: Call, dial_id: int, standing: Standing, tools: Tools) -> Menu:
    """The menu of a call; its reports carry the attempt's number."""
    facts = facts_of(call, standing, tools.now(), tools)
    made = menu(script(book_of(call, tools)), facts)
    after = {key: _params(text, facts, tools) for key, text in made.keys.items()}
    return Menu(made.first, _params(made.first, facts, tools), made.keys, after, str(dial_id))


def _params(text: str, facts: Mapping[str, Any], tools: Tools) -> dict[str, str]:
    """What fills a text: only what has a value, for a carrier refuses empty ones."""
    asked = placeholders(tools.catalogue.template(text))
    return {name: sayable(facts[name]) for name in sorted(asked) if facts.get(name)}
