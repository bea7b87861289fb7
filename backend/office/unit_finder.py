"""Finds a unit by what people write for it: its code or its name (FF11)."""

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from backend.domain.records import Unit
from backend.domain.refusals import Refused


class UnitFinder:
    """Finds units by code or name; a name shared by two units finds none."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._codes = {u.code: u for u in units}
        names = Counter(u.name for u in self._codes.values())
        self._names = {u.name: u for u in self._codes.values() if names[u.name] == 1}

    def find(self, written: str, field: str = "unit") -> Unit:
        """Find a unit. Refused `unknown_unit` with near names (FF11)."""
        unit = self._codes.get(written) or self._names.get(written)
        if unit is None:
            raise self.suggest(Refused("unknown_unit", unit=written, field=field))
        return unit

    def suggest(self, no: Refused) -> Refused:
        """Return the refusal with the names and codes nearest to the input."""
        near = get_close_matches(str(no.facts.get("unit")), [*self._names, *self._codes], n=2, cutoff=0.5)
        return Refused(no.code, **{**no.facts, "near": near})
