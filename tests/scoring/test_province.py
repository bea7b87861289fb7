"""Every sheet of every month, quarter and year of a province is what a calculation by hand of the same file says."""

from pathlib import Path

import pytest

from storage.engine.database import Database
from tests.domain.scoring.independent import count, read
from tests.scoring import by_hand
from tests.scoring.by_hand import Total
from tests.scoring.province import Province, import_province
from tests.scoring.world import World

MONTHS = [f"2026-{n:02d}" for n in range(1, 12)]
PERIODS = {
    "2026Q1": MONTHS[:3], "2026Q2": MONTHS[3:6], "2026Q3": MONTHS[6:9], "2026Q4": MONTHS[9:], "2026": MONTHS,
}  # fmt: skip


async def compare(database: Database, path: Path, tickets: int, regions: int, units: int, seed: int) -> int:
    """Import a province and compare every total and rank; return how many totals were compared."""
    world, province = await World(database).open(), Province(seed, regions, units)
    province.write(path, tickets)
    assert await import_province(world, province, path) == tickets
    world.office.invalidate()
    with path.open(encoding="utf-8") as file:
        counts = count(read(file), await world.load_due_times(), world.at)
    known = {unit.code: unit for unit in province.units()}
    institutions = {name: f"M{n:02d}" for n, name in enumerate(province.regions)}
    expected: dict[str, dict[str, Total]] = {}
    for month in MONTHS:
        totals = expected[month] = {code: by_hand.score_unit(counts.get((month, code), {})) for code in known}
        for name, code in institutions.items():
            totals[code] = by_hand.score_institution(counts.get((month, f"region:{name}"), {}))
        for name, code in institutions.items():
            totals[name] = by_hand.score_region(totals[code], [
                totals[other] for other, unit in known.items()
                if unit.region == name and other != code and not unit.province_department
            ])  # fmt: skip
    for period, months in PERIODS.items():
        expected[period] = {who: by_hand.average([expected[m][who] for m in months]) for who in expected[months[0]]}
    compared = 0
    for period, totals in expected.items():
        result = await world.scoring.compute_period(period, evidence=False)
        ours = {u["unit"]: u for u in result["units"]} | {r["region"]: r for r in result["regions"]}
        assert totals.keys() <= ours.keys()
        printed = {who: by_hand.format_total(total) for who, total in totals.items()}
        wrong = {who: (ours[who]["total"], total) for who, total in printed.items() if ours[who]["total"] != total}
        assert not wrong, (period, dict(list(wrong.items())[:5]), len(wrong))
        compared += len(totals)
        if period in PERIODS:
            for kind in (set(institutions), set(known) - set(institutions.values()), set(institutions.values())):
                ranks = by_hand.rank({who: totals[who] for who in kind})
                assert {who: ours[who]["rank"] for who in ranks} == ranks
    return compared


async def test_every_total_and_rank_of_a_small_province_is_the_one_calculated_by_hand(
    database: Database, tmp_path: Path
) -> None:
    assert await compare(database, tmp_path / "history.jsonl", 3_000, 3, 5, seed=11) == 16 * (3 + 3 + 15 + 1 + 1)


@pytest.mark.soak
async def test_every_total_and_rank_of_a_whole_province_is_the_one_calculated_by_hand(
    database: Database, tmp_path: Path
) -> None:
    """Two hundred thousand tickets."""
    assert await compare(database, tmp_path / "history.jsonl", 200_000, 9, 40, seed=12) > 6_000
