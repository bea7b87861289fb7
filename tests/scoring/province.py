"""A simulated province: regions with an institution and units, departments apart, and a file of lives, all from a seed."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from backend.domain.records import Unit
from backend.domain.ticket import UnitKind
from backend.importing.files.reader import open_import
from backend.tickets.form_fields import FileContext
from tests.scoring.world import ZONE, Lives, World

FIRST, DAYS = datetime(2026, 1, 3, 8, tzinfo=ZONE), 292  # up to the end of October
CHUNK = 2_000


class Province(Lives):
    """Lives spread unevenly over the units: some are flooded, one in each region idles now and then, one always."""

    def __init__(self, seed: int, regions: int, units: int) -> None:
        super().__init__(seed, FIRST, DAYS)
        self.regions = {f"{n:02d}市": [f"U{n:02d}{k:02d}" for k in range(units)] for n in range(regions)}
        self.departments = [f"P{k:02d}" for k in range(max(1, units // 4))]

    def units(self) -> list[Unit]:
        """The institution of each region, its units, the province's departments; `IDLE` never gets anything."""
        found = [Unit(f"M{n:02d}", f"{name}热线", UnitKind.MANAGEMENT, name) for n, name in enumerate(self.regions)] + [
            Unit("IDLE", "闲", UnitKind.HANDLING, next(iter(self.regions)))
        ]
        for name, codes in self.regions.items():
            found += [Unit(code, f"单位{code}", UnitKind.HANDLING, name) for code in codes]
        some = next(iter(self.regions))
        return [
            *found,
            *(Unit(c, f"厅{c}", UnitKind.HANDLING, some, province_department=True) for c in self.departments),
        ]

    def one(self, no: str) -> dict[str, Any]:
        """A life of one region; most lives are good ones, as they are outside tests."""
        life = super().one(no)
        region = life["region"] = self.dice.choice(list(self.regions))
        codes, born = self.regions[region], datetime.fromisoformat(life["generated_at"])
        for entry in life.get("assignments", ()):
            place = min(self.dice.randrange(len(codes)), self.dice.randrange(len(codes)))
            if place == len(codes) - 1 and born.month % 3 == 0:
                place = 0  # the last unit of each region idles every third month
            entry["unit"] = self.dice.choice(self.departments) if self.chance(6) else codes[place]
            if "signed_at" in entry and entry.get("signed") != "auto" and not self.chance(10):
                sent = datetime.fromisoformat(entry["dispatched_at"])
                entry["signed_at"] = min(entry["signed_at"], (sent + timedelta(minutes=50)).isoformat())
            if "close_due_at" in entry and "extensions" not in entry and not self.chance(15):
                due = max(entry["close_due_at"], entry.get("closed_at", ""))
                entry["close_due_at"] = due
        return life

    def write(self, path: Path, count: int) -> None:
        """The file of a history, one life a line."""
        with path.open("w", encoding="utf-8") as file:
            for n in range(count):
                file.write(json.dumps(self.one(f"T{n:06d}"), ensure_ascii=False) + "\n")


async def bring(world: World, province: Province, path: Path) -> int:
    """Units and lives, as an import would; how many lives are kept. A refusal is an error."""
    await world.config.save_units(province.units())
    rows: Iterator[Any] = iter(
        open_import("history", path, now=world.at, context=FileContext(ZONE, date(1899, 12, 30), ("CN",)))
    )
    kept = 0
    while chunk := list(islice(rows, CHUNK)):
        refused = [row for row in chunk if not hasattr(row, "ticket_no")]
        assert not refused, refused[:3]
        answers = await world.histories.write(chunk, "import")
        assert set(answers) == {True}
        kept += len(answers)
    return kept
