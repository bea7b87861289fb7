"""Build the menu of a call for carriers that ask nothing during the call: its script, filled with its facts."""

from collections.abc import Mapping
from typing import Any

from backend.calls.dependencies import CallDependencies
from backend.calls.prompts import collect_facts
from backend.domain.script_files import load_script
from backend.domain.script_menu import build_menu
from backend.domain.texts import find_placeholders, make_sayable
from backend.office.cache import OfficeSnapshot
from backend.ports.calls import Call
from notify.carrier import Menu


def get_script_name(call: Call, tools: CallDependencies) -> str:
    """Return the script a call follows on this carrier: a one-key visit if it is not live."""
    return "visit_menu" if call.script == "visit" and not tools.carrier.can.live else call.script


def build_carrier_menu(call: Call, attempt_id: int, snapshot: OfficeSnapshot, tools: CallDependencies) -> Menu:
    """Build the menu of a call; its reports carry the attempt's id."""
    facts = collect_facts(call, snapshot, tools.now(), tools)
    made = build_menu(load_script(get_script_name(call, tools)), facts)
    after = {key: _get_params(text, facts, tools) for key, text in made.keys.items()}
    return Menu(made.first, _get_params(made.first, facts, tools), made.keys, after, str(attempt_id))


def _get_params(text_key: str, facts: Mapping[str, Any], tools: CallDependencies) -> dict[str, str]:
    """Return the values of a text's placeholders; without empty ones, which carriers refuse."""
    names = find_placeholders(tools.texts.get_template(text_key))
    return {name: make_sayable(facts[name]) for name in sorted(names) if facts.get(name)}
