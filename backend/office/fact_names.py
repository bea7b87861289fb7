"""Facts of a refusal as its sentence has them: units and people by name; in `details` they stay codes."""

from collections.abc import Mapping

from backend.office.cache import OfficeSnapshot

UNIT_FACTS = ("unit",)
PERSON_FACTS = ("person", "absent")


def name_facts(office: OfficeSnapshot | None, facts: Mapping[str, object]) -> dict[str, object]:
    """Return the facts with known codes replaced by names; an office not yet read (None) knows none."""
    if office is None:
        return dict(facts)
    units, people = office.config.units, office.by_code
    told = {name: str(facts.get(name)) for name in (*UNIT_FACTS, *PERSON_FACTS)}
    named = {name: units[told[name]].name for name in UNIT_FACTS if told[name] in units}
    return {**facts, **named, **{name: people[told[name]].name for name in PERSON_FACTS if told[name] in people}}
