"""A simulated province: regions with an institution and units, departments apart, and a history file from a seed."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from backend.domain.records import Unit
from backend.domain.ticket_enums import UnitKind
from backend.importing.files.reader import open_import
from backend.tickets.form_fields import FileContext
from tests.scoring.world import RandomTickets, Record, World
from tests.tickets.world import ZONE

FIRST, DAYS = datetime(2026, 1, 3, 8, tzinfo=ZONE), 292  # up to the end of October
CHUNK = 2_000


class Province(RandomTickets):
    """Tickets spread unevenly over the units: some have many, one in each region idles now and then, one always."""

    def __init__(self, seed: int, regions: int, units: int) -> None:
        super().__init__(seed, FIRST, DAYS)
        self.regions = {f"{n:02d}市": [f"U{n:02d}{k:02d}" for k in range(units)] for n in range(regions)}
        self.departments = [f"P{k:02d}" for k in range(max(1, units // 4))]

    def units(self) -> list[Unit]:
        """Return the institution of each region, its units, and the province's departments; `IDLE` gets no ticket."""
        first = next(iter(self.regions))
        return [
            *(Unit(f"M{n:02d}", f"{name}热线", UnitKind.MANAGEMENT, name) for n, name in enumerate(self.regions)),
            Unit("IDLE", "闲", UnitKind.HANDLING, first),
            *(Unit(c, f"单位{c}", UnitKind.HANDLING, name) for name, codes in self.regions.items() for c in codes),
            *(Unit(c, f"厅{c}", UnitKind.HANDLING, first, province_department=True) for c in self.departments),
        ]  # fmt: skip

    def make_one(self, no: str) -> Record:
        """Return a ticket of one region; most go well, as they do outside tests."""
        record = super().make_one(no)
        region = record["region"] = self.random.choice(list(self.regions))
        codes, generated = self.regions[region], datetime.fromisoformat(record["generated_at"])
        for assignment in record.get("assignments", ()):
            place = min(self.random.randrange(len(codes)), self.random.randrange(len(codes)))
            if place == len(codes) - 1 and generated.month % 3 == 0:
                place = 0  # the last unit of each region idles every third month
            assignment["unit"] = self.random.choice(self.departments) if self.chance(6) else codes[place]
            if "signed_at" in assignment and assignment.get("signed") != "auto" and not self.chance(10):
                dispatched = datetime.fromisoformat(assignment["dispatched_at"])
                soon = (dispatched + timedelta(minutes=50)).isoformat()
                assignment["signed_at"] = min(assignment["signed_at"], soon)
            if "close_due_at" in assignment and "extensions" not in assignment and not self.chance(15):
                assignment["close_due_at"] = max(assignment["close_due_at"], assignment.get("closed_at", ""))
        return record

    def write(self, path: Path, count: int) -> None:
        """Write a history file, one ticket a line."""
        with path.open("w", encoding="utf-8") as file:
            for n in range(count):
                file.write(json.dumps(self.make_one(f"T{n:06d}"), ensure_ascii=False) + "\n")


async def import_province(world: World, province: Province, path: Path) -> int:
    """Save the units and import the file; return how many tickets are kept. A refusal is an error."""
    await world.config.save_units(province.units(), "admin", world.at)
    rows: Iterator[Any] = iter(
        open_import("history", path, now=world.at, context=FileContext(ZONE, date(1899, 12, 30), ("CN",)))
    )
    kept = 0
    while chunk := list(islice(rows, CHUNK)):
        refused = [row for row in chunk if not hasattr(row, "ticket_no")]
        assert not refused, refused[:3]
        answers = await world.history.write(chunk, "import")
        assert set(answers) == {True}
        kept += len(answers)
    return kept
