"""Load the sample office of a rehearsal: invented units, people and demands, through the normal import."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from backend.domain.acts import OPERATOR
from backend.importing.service import ImportService

SAMPLE_FILES = (("units", "units.csv"), ("people", "people.csv"), ("tickets", "tickets.jsonl"))


#: The rehearsal's daily shifts: unit, hours, person, deputy.
DAILY_SHIFTS = (
    ("M01", "08:00-20:00", "PD01", "DB01"), ("M01", "20:00-08:00", "PD02", "DB01"),
    ("U06", "08:00-20:00", "H601", "H602"), ("U06", "20:00-08:00", "H602", "L601"),
)  # fmt: skip


def build_roster(day: date) -> bytes:
    """Build the duty roster of that day's month as an import file; its first night shift begins the day before."""
    first = day.replace(day=1)
    days = [first + timedelta(days=n) for n in range(-1, 31)]
    rows = [
        ",".join((unit, person, deputy, d.isoformat(), hours))
        for d in days
        for unit, hours, person, deputy in DAILY_SHIFTS
        if d.month == day.month or (d < first and hours.endswith("08:00"))
    ]
    return "\n".join(("unit,person,deputy,date,time", *rows, "")).encode()


async def load_sample(imports: ImportService, *kinds: str, today: date | None = None) -> dict[str, Mapping[str, Any]]:
    """Import the sample files (all, or these kinds); idempotent.

    When the units are new, also import the duty roster of `today`'s month; shifts deleted later stay deleted.
    """
    reports: dict[str, Mapping[str, Any]] = {}
    for kind, name in SAMPLE_FILES:
        if not kinds or kind in kinds:
            content = files("backend.rehearsal.city").joinpath(name).read_bytes()
            reports[kind] = await imports.import_file(kind, name, content, OPERATOR, is_ours=True)
    if today is not None and reports["units"]["imported"]:
        reports["roster"] = await imports.import_file(
            "roster", "roster.csv", build_roster(today), OPERATOR, is_ours=True
        )
    return reports


def list_phone_owners() -> Iterator[dict[str, str]]:
    """Yield everybody in the sample files who has a telephone, for the sandbox simulator."""
    folder = files("backend.rehearsal.city")
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
