"""The sample office of a rehearsal: invented units, people and demands, brought in by the same import as real ones."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from backend.domain.acts import Actor
from backend.domain.ticket import Role
from backend.imports import Imports

BY = Actor("sample", Role.ADMIN)
FILES = (("units", "units.csv"), ("people", "people.csv"), ("tickets", "tickets.jsonl"))


#: Whose duty is planned in the rehearsal: unit, hours, person, deputy; every day of the month.
DUTY = (
    ("M01", "08:00-20:00", "PD01", "DB01"), ("M01", "20:00-08:00", "PD02", "DB01"),
    ("U06", "08:00-20:00", "H601", "H602"), ("U06", "20:00-08:00", "H602", "L601"),
)  # fmt: skip


def roster(day: date) -> bytes:
    """The duty roster of the month of that day, as the file an office would bring; its first night began the day
    before."""
    first = day.replace(day=1)
    days = [first + timedelta(days=n) for n in range(-1, 31)]
    rows = [
        ",".join((unit, person, deputy, d.isoformat(), hours))
        for d in days for unit, hours, person, deputy in DUTY
        if d.month == day.month or (d < first and hours.endswith("08:00"))
    ]  # fmt: skip
    return "\n".join(("unit,person,deputy,date,time", *rows, "")).encode()


async def bring(imports: Imports, *kinds: str, today: date | None = None) -> dict[str, Mapping[str, Any]]:
    """Bring the sample files in (all, or these kinds); at a second start everything is there already.

    With the units comes, once, the duty roster of this day's month: what people then strike from it stays struck.
    """
    reports: dict[str, Mapping[str, Any]] = {}
    for kind, name in FILES:
        if not kinds or kind in kinds:
            content = files("backend.samples").joinpath(name).read_bytes()
            reports[kind] = await imports.run(kind, name, content, BY)
    if today is not None and reports["units"]["imported"]:
        reports["roster"] = await imports.run("roster", "roster.csv", roster(today), BY)
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
