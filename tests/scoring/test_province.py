"""A simulated province: every sheet of every month, quarter and year is what a reckoning by hand of the same file says."""

from pathlib import Path

import pytest

from storage.engine.database import Database
from tests.domain.scoring.independent import count, read
from tests.scoring import by_hand
from tests.scoring.province import Province, bring
from tests.scoring.world import World

MONTHS = [f"2026-{n:02d}" for n in range(1, 12)]
PERIODS = {
    "2026Q1": MONTHS[:3], "2026Q2": MONTHS[3:6], "2026Q3": MONTHS[6:9], "2026Q4": MONTHS[9:], "2026": MONTHS,
}  # fmt: skip


async def agrees(database: Database, path: Path, tickets: int, regions: int, units: int, seed: int) -> int:
    """Bring a province in and compare; how many marks were compared."""
    world, province = await World(database).open(), Province(seed, regions, units)
    province.write(path, tickets)
    assert await bring(world, province, path) == tickets
    world.office.invalidate()
    with path.open(encoding="utf-8") as file:
        counts = count(read(file), await world.due(), world.at)
    known = {one.code: one for one in province.units()}
    managing = {name: f"M{n:02d}" for n, name in enumerate(province.regions)}
    hand: dict[str, dict[str, object]] = {}
    for month in MONTHS:
        here = hand[month] = {code: by_hand.unit(counts.get((month, code), {})) for code in known}
        for name, code in managing.items():
            here[code] = by_hand.institution(counts.get((month, f"region:{name}"), {}))
        for name, code in managing.items():
            there = [
                here[u] for u, one in known.items()
                if one.region == name and u != code and not one.province_department
            ]  # fmt: skip
            here[name] = by_hand.region(here[code], there)  # type: ignore[arg-type]
    for period, months in PERIODS.items():
        hand[period] = {who: by_hand.mean([hand[m][who] for m in months]) for who in hand[months[0]]}  # type: ignore[misc]
    compared = 0
    for period, theirs in hand.items():
        result = await world.marks.compute_period(period, evidence=False)
        ours = {u["unit"]: u for u in result["units"]} | {r["region"]: r for r in result["regions"]}
        assert theirs.keys() <= ours.keys()
        wrong = {
            who: (ours[who]["total"], by_hand.written(mark))  # type: ignore[arg-type]
            for who, mark in theirs.items()
            if ours[who]["total"] != by_hand.written(mark)  # type: ignore[arg-type]
        }
        assert not wrong, (period, dict(list(wrong.items())[:5]), len(wrong))
        compared += len(theirs)
        if period in PERIODS:
            for kind in (set(managing), set(known) - set(managing.values()), set(managing.values())):
                places = by_hand.ranks({who: theirs[who] for who in kind})  # type: ignore[misc]
                assert {who: ours[who]["rank"] for who in places} == places
    return compared


async def test_three_thousand_tickets_of_a_small_province(database: Database, tmp_path: Path) -> None:
    """The small form; on both engines."""
    assert await agrees(database, tmp_path / "history.jsonl", 3_000, 3, 5, seed=11) == 16 * (3 + 3 + 15 + 1 + 1)


@pytest.mark.soak
async def test_two_hundred_thousand_tickets_of_a_province(database: Database, tmp_path: Path) -> None:
    """The long form."""
    assert await agrees(database, tmp_path / "history.jsonl", 200_000, 9, 40, seed=12) > 6_000
