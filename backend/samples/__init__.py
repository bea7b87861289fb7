"""The sample office of a rehearsal: invented units, people and demands, brought in by the same import as real ones."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from backend.domain.acts import Actor
from backend.domain.ticket import Role
from backend.imports import Imports

BY = Actor("sample", Role.ADMIN)
FILES = (("units", "units.csv"), ("people", "people.csv"), ("tickets", "tickets.jsonl"))


async def bring(imports: Imports, *kinds: str) -> dict[str, Mapping[str, Any]]:
    """Bring the sample files in (all, or these kinds); at a second start everything is there already."""
    reports: dict[str, Mapping[str, Any]] = {}
    for kind, name in FILES:
        if not kinds or kind in kinds:
            content = files("backend.samples").joinpath(name).read_bytes()
            reports[kind] = await imports.run(kind, name, content, BY)
    return reports


def neighbours() -> Iterator[dict[str, str]]:
    """Everybody of the sample files with a telephone, as the rehearsal's town introduces them."""
    folder = files("backend.samples")
    units = {r["code"]: r["name"] for r in csv.DictReader(io.StringIO(folder.joinpath("units.csv").read_text("utf-8")))}
    for row in csv.DictReader(io.StringIO(folder.joinpath("people.csv").read_text("utf-8"))):
        yield {
            "code": row["code"], "name": row["name"], "phone": f"+86{row['phone']}", "role": row["role"],
            "unit": units.get(row["unit"], row["unit"]), "note": "",
        }  # fmt: skip
    for line in folder.joinpath("tickets.jsonl").read_text("utf-8").splitlines():
        ticket = json.loads(line)
        caller = ticket.get("requester") or {}
        if caller.get("phone"):
            yield {
                "code": "", "name": caller.get("name", ""), "phone": f"+86{caller['phone']}", "role": "caller",
                "unit": "", "note": f"{ticket['ticket_no']} {ticket.get('title', '')}",
            }  # fmt: skip
