"""Settlement, checks and drafts of ledger lines follow the settings of the office: another value changes them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.domain.acts import Actor
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Role
from backend.ports.ledgers import RegisterEntry
from backend.ports.score_runs import Run
from backend.ports.scoring import Clue, LedgerCandidate
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.documents import group_by_scheme
from backend.scoring.drafts import LedgerDrafts
from backend.scoring.inputs import ScoringInputs
from backend.scoring.runs import Runs
from tests.settings.world import NOW, ZONE, Fake, Ids, build_office

CLERK = Actor("C1", Role.SCORE_CLERK, "M01")
EARLIER = datetime(2025, 1, 1, tzinfo=ZONE)


@pytest.mark.proves("settlement_day")
async def test_a_month_is_settled_on_the_day_the_office_says() -> None:
    office, _ = build_office({"settlement_day": "20wd"})
    inputs = ScoringInputs(Fake(find_first_record=EARLIER), office)  # type: ignore[arg-type]
    assert (await inputs.load_rules(("2026-10",), await office.snapshot()))[1] is None, "not settled yet"


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("scoring.unit_scheme", "zhungeer-agency", {"jilin-mgmt": ["M01"], "zhungeer-agency": ["U01", "U02"]}),
        ("scoring.institution_scheme", "none", {"jilin-unit": ["U01", "U02"]}),
    ],
)
async def test_units_are_scored_by_the_schemes_the_office_names(
    key: str, value: str, found: dict[str, list[str]]
) -> None:
    office, _ = build_office({key: value})
    snapshot = await office.snapshot()
    grouped = group_by_scheme(snapshot, snapshot.settings, None, None)
    assert {scheme: [unit.code for unit in units] for scheme, units in grouped.items()} == found


@pytest.mark.proves("check_period")
async def test_units_check_their_scores_for_as_long_as_the_office_says() -> None:
    office, _ = build_office({"check_period": "2h"})
    run = Run(
        1,
        "2026-10",
        "",
        "trial",
        "C1",
        NOW,
        {"inputs": {}, "result": {"period": "2026-10", "units": [], "regions": []}},
        "",
    )
    store: Any = Fake(get_run=run, open_check=True)
    runs = Runs(
        store,
        office,
        Ids(),
        Fake(),
        ScoringDependencies(Fake(record=None), Fake(), Fake(add=None), Texts("zh_CN")),
        Fake(),
    )  # type: ignore[arg-type]
    await runs.check(1, CLERK)
    assert store.list_asked("open_check") == [(1, NOW + timedelta(hours=2))]


def register(kind: str, name: str, on_date: str = "2026-10-01", at: datetime = NOW) -> RegisterEntry:
    """A row of a register of the institution."""
    return RegisterEntry(1, kind, "M01", name, on_date, {}, (), "C1", at)


async def draft(
    settings: dict[str, str], rows: Sequence[RegisterEntry] = (), remark: str = ""
) -> list[tuple[str, int]]:
    """The kinds and counts of the lines drafted for the month, from these registers and a requester's remark."""
    office, _ = build_office(settings)
    praise = [LedgerCandidate("U01", "T1", 1, "praise", remark)] if remark else []
    store = Fake(
        find_clues=lambda clue, span: praise if clue is Clue.PRAISE else [], list_in_hand=[], count_knowledge={}, list_ledger_entries=[],
        list_register_entries=lambda kind, **_: [r for r in rows if r.kind == kind],
    )  # fmt: skip
    ledgers: Any = Fake(draft=True)
    await LedgerDrafts(store, office, ledgers, lambda key, **facts: key).draft_month("2026-11")  # type: ignore[arg-type]
    return [(given[0], named["count"]) for _, given, named in ledgers.asked]


@pytest.mark.proves("scoring.praise_words")
async def test_a_remark_is_praise_by_the_words_the_office_lists() -> None:
    assert await draft({"scoring.praise_words": "好样的"}, remark="真是好样的") == [("praise", 1)]


@pytest.mark.proves("scoring.long_complaint_days")
async def test_a_complaint_without_result_is_long_after_the_days_the_office_says_B55() -> None:
    office, _ = build_office({"scoring.long_complaint_days": "45"})
    store: Any = Fake(
        find_clues=lambda clue, span: [LedgerCandidate("U01", "T1", 1, "open")] * (span.enduring == 45 and clue is Clue.ENDURING),
        list_in_hand=[], count_knowledge={}, list_register_entries=[], list_ledger_entries=[],
    )  # fmt: skip
    ledgers: Any = Fake(draft=True)
    await LedgerDrafts(store, office, ledgers, lambda key, **facts: key).draft_month("2026-11")
    assert [given[0] for _, given, _ in ledgers.asked] == ["exposure"]


@pytest.mark.proves("contact.report_within")
async def test_a_change_of_contacts_is_reported_within_the_limit_of_the_office() -> None:
    changed = register("contact", "钱领", "2026-11-05")
    assert await draft({"contact.report_within": "2wd"}, [changed]) == [("contact_unreported", 1)]


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "kind", "ledger"),
    [("scoring.required_posts", "post", "post_missing"), ("scoring.required_rules", "rule", "rule_missing")],
)
async def test_posts_and_rules_are_missing_by_the_list_of_the_office(key: str, kind: str, ledger: str) -> None:
    kept = register(kind, "甲")
    assert await draft({key: "甲"}, [kept]) == []
    assert await draft({key: "甲,乙,丙"}, [kept]) == [(ledger, 2)]
