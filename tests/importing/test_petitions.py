"""The real petitions of a city, where the file is at hand: all 2,816 are imported, once."""

import os
from pathlib import Path

import pytest

from storage import tables as t
from tests.tickets.conftest import ADMIN, SampleCity


def petitions() -> Path | None:
    """Return `petitions.xlsx` in the folder `JIESU_SHARED`, or in `shared/data` beside the checkout; None without it."""
    checkout = Path(__file__).resolve().parents[2]
    places = [Path(os.environ["JIESU_SHARED"])] if "JIESU_SHARED" in os.environ else []
    for place in (*places, checkout.parent / "shared"):
        for file in (place / "petitions.xlsx", place / "data" / "petitions.xlsx"):
            if file.is_file():
                return file
    return None


@pytest.mark.skipif(petitions() is None, reason="no shared/data/petitions.xlsx beside the checkout (JIESU_SHARED)")
async def test_all_petitions_are_imported_once(city: SampleCity) -> None:
    file = petitions()
    assert file is not None
    report = await city.core.imports.import_file("tickets", file.name, file, ADMIN)
    assert (report["read"], report["imported"], report["refused"]) == (2816, 2816, [])
    again = await city.core.imports.import_file("tickets", file.name, file, ADMIN)
    assert (again["imported"], again["already"]) == (0, 2816)
    assert await city.count(t.tickets) == await city.count(t.journal) == await city.count(t.duties) == 2816
