"""The real petitions of a city, where the file is at hand: all 2,816 are imported, once."""

import pytest

from storage import tables as t
from tests.shared_data import find_shared
from tests.tickets.conftest import ADMIN, SampleCity

PETITIONS = find_shared("petitions.xlsx")


@pytest.mark.skipif(PETITIONS is None, reason="no shared/data/petitions.xlsx beside the checkout (JIESU_SHARED)")
async def test_all_petitions_are_imported_once(city: SampleCity) -> None:
    file = PETITIONS
    assert file is not None
    report = await city.services.imports.import_file("tickets", file.name, file, ADMIN)
    assert (report["read"], report["imported"], report["refused"]) == (2816, 2816, [])
    again = await city.services.imports.import_file("tickets", file.name, file, ADMIN)
    assert (again["imported"], again["already"]) == (0, 2816)
    assert await city.count(t.tickets) == await city.count(t.journal) == await city.count(t.duties) == 2816
