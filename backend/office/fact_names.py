"""Facts of a refusal as its sentence has them: units and people by name; in `details` they stay codes."""

from collections.abc import Mapping
from typing import Any

from backend.office.cache import OfficeSnapshot

UNIT_FACTS = ("unit",)
PERSON_FACTS = ("person", "absent")


def name_facts(office: OfficeSnapshot | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with known codes replaced by names; an office not yet read (None) knows none."""
    if office is None:
        return dict(facts)
    units, people = office.config.units, office.by_code
    named = {name: units[facts[name]].name for name in UNIT_FACTS if facts.get(name) in units}
    return {**facts, **named, **{name: people[facts[name]].name for name in PERSON_FACTS if facts.get(name) in people}}
