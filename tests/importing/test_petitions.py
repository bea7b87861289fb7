"""The real petitions of a city, where they are at hand: all 2,816 come in, in seconds, and once."""

import os
from pathlib import Path

import pytest

from storage import tables as t
from tests.tickets.conftest import ADMIN, Bench


def petitions() -> Path | None:
    """`JIESU_SHARED`, or a folder `shared` beside the checkout, with `data/petitions.xlsx` in it."""
    checkout = Path(__file__).resolve().parents[2]
    places = [Path(os.environ["JIESU_SHARED"])] if "JIESU_SHARED" in os.environ else []
    for place in (*places, checkout.parent / "shared"):
        for file in (place / "petitions.xlsx", place / "data" / "petitions.xlsx"):
            if file.is_file():
                return file
    return None


@pytest.mark.skipif(petitions() is None, reason="no shared/data/petitions.xlsx beside the checkout (JIESU_SHARED)")
async def test_all_petitions_come_in_and_come_in_once(bench: Bench) -> None:
    file = petitions()
    assert file is not None
    report = await bench.house.imports.import_file("tickets", file.name, file, ADMIN)
    assert (report["read"], report["imported"], report["refused"]) == (2816, 2816, [])
    again = await bench.house.imports.import_file("tickets", file.name, file, ADMIN)
    assert (again["imported"], again["already"]) == (0, 2816)
    assert await bench.count(t.tickets) == await bench.count(t.journal) == await bench.count(t.duties) == 2816
