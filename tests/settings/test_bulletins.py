"""What a bulletin is called, to whom it goes and how it ranks follows the settings of the office."""

from collections.abc import Sequence

import pytest

from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.texts import Texts
from backend.domain.ticket_enums import UnitKind
from backend.ports.reporting import BulletinIssue, Figures, PeriodDetail
from backend.reporting.compose import compose
from backend.reporting.document import Document, Table
from backend.reporting.document_builder import Writer
from backend.reporting.figures import PeriodFigures
from backend.reporting.gather import Material, list_own_rates
from backend.reporting.kinds import BulletinKind, build_report_periods, resolve_kind
from backend.reporting.score_chapters import Scores, group_by_volume, write_scores
from backend.scoring.periods import parse_period
from tests.settings.world import NOW, ZONE, build_office

VOLUMES = {"U1": 150, "U2": 105, "U3": 40, "U4": 5}


async def compose_bulletin(settings: dict[str, str]) -> Document:
    """The bulletin of a month in which nothing happened."""
    office, _ = build_office(settings)
    snapshot = await office.snapshot()
    nothing = PeriodFigures(Figures((), (), 0, 0, 0, (), (), (), (), {}), {})
    material = Material(
        BulletinKind.MONTHLY, build_report_periods("2026-10", NOW, ZONE), snapshot, snapshot.settings, nothing, nothing,
        nothing, PeriodDetail((), (), 0, 0, ()), (), None, None, None, None,
    )  # fmt: skip
    return compose(
        material, BulletinIssue(1, "monthly_bulletin", "2026-10", 2026, 10, 0, "making", NOW, "A1"), Texts("zh_CN")
    )


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("bulletin.name", "masthead"),
        ("bulletin.issuer", "issuer"),
        ("bulletin.send_to", "send_to"),
        ("bulletin.copy_to", "copy_to"),
    ],
)
async def test_a_bulletin_bears_the_names_the_office_gives(key: str, field: str) -> None:
    assert getattr(await compose_bulletin({key: "省政府办公厅,专班"}), field) == "省政府办公厅、专班"


@pytest.mark.proves("bulletin.month_kind")
def test_an_office_may_write_an_analysis_each_month_A16() -> None:
    month, settings = parse_period("2026-10"), Settings({"bulletin.month_kind": "monthly_analysis"})
    assert resolve_kind(month, None, settings) is BulletinKind.ANALYSIS
    assert resolve_kind(parse_period("2026Q3"), None, settings) is BulletinKind.QUARTERLY


@pytest.mark.proves
@pytest.mark.parametrize(("key", "period"), [("bulletin.quarter_kind", "2026Q3"), ("bulletin.year_kind", "2026")])
def test_an_office_may_make_no_document_for_a_quarter_or_a_year_unless_it_is_asked_for(key: str, period: str) -> None:
    of_itself = resolve_kind(parse_period(period), None, Settings())
    with pytest.raises(Refused, match="bulletin_not_made"):
        resolve_kind(parse_period(period), None, Settings({key: "none"}))
    assert resolve_kind(parse_period(period), of_itself, Settings({key: "none"})) is of_itself


@pytest.mark.proves("bulletin.rates")
@pytest.mark.parametrize(
    ("scheme", "names"),
    [
        ("beijing-agency", ["response", "closure", "answered"]),
        ("zhungeer-agency", ["response", "resolution", "answered"]),
        ("jilin-unit", ["sign", "return", "on_time", "extension", "red_card", "satisfaction"]),
    ],
)
def test_an_office_may_list_the_rates_of_its_units_as_their_scheme_has_them_A26(scheme: str, names: list[str]) -> None:
    listed = {"bulletin.rates": "agencies", "scoring.unit_scheme": scheme}
    assert [name for name, _ in list_own_rates(Settings(listed))] == names
    assert not list_own_rates(Settings({**listed, "bulletin.rates": "scores"}))
    for texts in (Texts("zh_CN"), Texts("en")):
        assert all(texts.has(f"bulletin.{key}") for name in names for key in (
            f"name.{name}", f"column.{name}", f"column.{name}_of", f"column.{name}_all"))  # fmt: skip


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "value", "sizes"), [("bulletin.peer_large", "110", [1, 2, 1]), ("bulletin.peer_small", "50", [2, 0, 2])]
)
def test_units_are_ranked_among_those_of_like_volume_as_the_office_says(key: str, value: str, sizes: list[int]) -> None:
    rows = [{"unit": unit} for unit in VOLUMES]
    assert [len(members) for _, members in group_by_volume(rows, VOLUMES, Settings({key: value}))] == sizes


@pytest.mark.proves("bulletin.ranking")
def test_an_office_may_print_tiers_and_no_ranks() -> None:
    def list_titles(settings: Settings) -> Sequence[str]:
        writer = Writer(Texts("zh_CN"))
        units = {code: Unit(code, code, UnitKind.HANDLING, "A市") for code in VOLUMES}
        rows = [{"unit": code, "name": code, "total": "90.00", "tier": "good", "of": "jilin-unit"} for code in VOLUMES]
        write_scores(writer, Scores(rows, (), {}, VOLUMES, frozenset(), {}), units, settings)
        return next([column.title for column in block.columns] for block in writer.blocks if isinstance(block, Table))

    assert "档次" in list_titles(Settings({"bulletin.ranking": "tiers"}))[0]
