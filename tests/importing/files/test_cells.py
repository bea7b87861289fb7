"""An exported cell is data and never a formula."""

from datetime import datetime
from decimal import Decimal

import pytest

from backend.importing.files.export_cells import export_cell
from backend.tickets.form_fields import SHANGHAI


@pytest.mark.parametrize(
    "cell", ["=1+1", "+8613800001234", "-2", "@SUM(A1)", "\t=1", " =1", "＝1", "\r=1", "|cmd", "%0A"]
)
def test_a_cell_that_could_be_a_formula_is_neutralised_FR10(cell: str) -> None:
    exported = export_cell(cell)
    assert isinstance(exported, str) and exported.startswith("'")


def test_numbers_texts_and_times_are_exported_as_they_are() -> None:
    exported = [export_cell(value) for value in (1, 2.5, "路灯", None, True, Decimal("-1.50"))]
    assert exported == [1, 2.5, "路灯", None, "是", "-1.50"]
    assert export_cell(datetime(2026, 10, 8, 9, 0, tzinfo=SHANGHAI), SHANGHAI) == "2026-10-08 09:00:00"
    assert len(str(export_cell("字" * 40_000))) == 32_767
    with pytest.raises(ValueError, match="2026"):
        export_cell(datetime(2026, 10, 8))  # noqa: DTZ001
