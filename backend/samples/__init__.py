"""The sample office of a rehearsal: invented units, people and demands, brought in by the same import as real ones."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from backend.domain.acts import Actor
from backend.domain.ticket import Role
from backend.imports import Imports

BY = Actor("sample", Role.ADMIN)
FILES = (("units", "units.csv"), ("people", "people.csv"), ("tickets", "tickets.jsonl"))


async def bring(imports: Imports, *kinds: str) -> dict[str, Mapping[str, Any]]:
    """Bring the sample files in (all, or these kinds); at a second start everything is there already."""
    reports = {}
    for kind, name in FILES:
        if not kinds or kind in kinds:
            content = files("backend.samples").joinpath(name).read_bytes()
            reports[kind] = await imports.run(kind, name, content, BY)
    return reports
