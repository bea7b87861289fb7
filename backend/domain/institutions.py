"""The tree of units: which institution answers for a matter (A3, XM1), and which units are below one (A2, XM2)."""

from collections.abc import Iterable, Mapping

from backend.domain.records import Unit
from backend.domain.ticket_enums import UnitKind


def list_institutions_above(units: Mapping[str, Unit], code: str | None) -> tuple[str, ...]:
    """List the active institutions on a unit's parent line, nearest first; an institution's line begins with itself."""
    line = list_line(units, code)
    return tuple(u.code for u in line if u.kind is UnitKind.MANAGEMENT and u.active)


def list_line(units: Mapping[str, Unit], code: str | None) -> list[Unit]:
    """List a unit and those above it, nearest first; a line that runs in a circle ends before it repeats."""
    line: dict[str, Unit] = {}
    unit = units.get(code or "")
    while unit is not None and unit.code not in line:
        line[unit.code] = unit
        unit = units.get(unit.parent or "")
    return list(line.values())


def list_children(units: Mapping[str, Unit], code: str) -> tuple[Unit, ...]:
    """List the active units right below one to which it may pass a ticket down, by code (A2, XM2)."""
    found = (u for u in units.values() if u.parent == code and u.active and u.kind is not UnitKind.MANAGEMENT)
    return tuple(sorted(found, key=lambda u: u.code))


def list_below(units: Mapping[str, Unit], code: str) -> frozenset[str]:
    """List the units of every level below one, also those no longer active."""
    below: set[str] = set()
    level = {code}
    while level:
        level = {u.code for u in units.values() if u.parent in level} - below - {code}
        below |= level
    return frozenset(below)


def is_circular(units: Mapping[str, Unit], code: str) -> bool:
    """Whether the parent line of a unit runs in a circle."""
    return list_line(units, code)[-1].parent in units


def find_institution(units: Mapping[str, Unit], region: str, receiver: str | None = None) -> str | None:
    """Find the institution that answers for a matter of a region; None where the tree names none, never just any.

    It is the nearest above the unit that received the matter; else the one above all institutions of the region, or,
    if the region has none of its own, above all its units; else the only one that no other is above.
    """
    received = list_institutions_above(units, receiver)
    if received:
        return received[0]
    here = [u for u in units.values() if u.active and u.region == region]
    own = [u.code for u in here if u.kind is UnitKind.MANAGEMENT]
    return _find_common(units, own or [u.code for u in here if region]) or _find_common(units, _list_tops(units))


def _list_tops(units: Mapping[str, Unit]) -> list[str]:
    return [
        u.code
        for u in units.values()
        if u.active and u.kind is UnitKind.MANAGEMENT and len(list_institutions_above(units, u.code)) == 1
    ]


def _find_common(units: Mapping[str, Unit], codes: Iterable[str]) -> str | None:
    """Find the nearest institution on the lines of all these units; None if they share none."""
    lines = [line for code in codes if (line := list_institutions_above(units, code))]
    return next((code for code in lines[0] if all(code in line for line in lines)), None) if lines else None
