"""The drill ignores what it says and nothing else, and lets no test pass that does not notice."""

from types import SimpleNamespace
from typing import Any

import pytest

from backend.domain.scoring.compute import compute_json
from backend.domain.settings import Settings
from tests.domain.move_world import Flow
from tests.drill import Drill, ignoring


def test_an_ignored_setting_answers_as_if_nobody_had_set_it() -> None:
    with ignoring("extension.max"):
        settings = Settings({"extension.max": "1", "appeal_window": "7wd"})
        assert (settings.integer("extension.max"), settings.text("appeal_window")) == (2, "7wd")
        assert settings.overrides["extension.max"] == "1", "what people set can still be read back"
    assert Settings({"extension.max": "1"}).integer("extension.max") == 1


def test_an_ignored_setting_follows_its_profile_or_the_key_it_inherits_and_no_unit_has_its_own() -> None:
    with ignoring("notify.phone.on_dispatch"):
        settings = Settings({"profile": "beijing_mutual_aid", "notify.phone.on_dispatch": "never"})
        assert settings.choice("notify.phone.on_dispatch") == "always"
    with ignoring("scoring.sign.slope_mode"):
        settings = Settings({"scoring.slope_mode": "step_floor", "scoring.sign.slope_mode": "step_ceil"})
        assert settings.choice("scoring.sign.slope_mode") == "step_floor"
    with ignoring("notify.quiet"):
        assert Settings({"notify.quiet@U01": "none"}).get("notify.quiet", "U01") == "20:00-08:00"


def test_scores_of_a_document_ignore_it_too() -> None:
    facts = {"scheme": "jilin-unit", "assignments": 20, "rates": {}, "ledger": [{"kind": "praise"}]}
    capped = {**facts, "settings": {"scoring.total_max": "100"}}
    assert compute_json(capped)["total"] == "100.00"
    with ignoring("scoring.total_max"):
        assert compute_json(capped)["total"] == "100.50"


def test_a_world_kept_from_an_earlier_test_is_built_again() -> None:
    def count_allowed() -> int:
        return Flow(extension__max="1").snapshot.settings.integer("extension.max")

    assert count_allowed() == 1
    with ignoring("extension.max"):
        assert count_allowed() == 2
    assert count_allowed() == 1


@pytest.mark.parametrize(
    ("when", "outcome", "turned"),
    [
        ("call", "failed", "passed"),
        ("call", "passed", "failed"),
        ("call", "skipped", "skipped"),
        ("setup", "failed", "failed"),
        ("teardown", "passed", "passed"),
    ],
)
def test_a_test_that_passes_proves_nothing_and_one_that_cannot_begin_neither(
    when: str, outcome: str, turned: str
) -> None:
    report: Any = SimpleNamespace(
        when=when,
        outcome=outcome,
        longrepr="",
        passed=outcome == "passed",
        failed=outcome == "failed",
        user_properties=[],
    )
    item: Any = SimpleNamespace(callspec=SimpleNamespace(params={"key": "appeal_window"}))
    hook: Any = Drill().pytest_runtest_makereport(item, SimpleNamespace())  # type: ignore[arg-type]
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    assert report.outcome == turned
    assert ("proves nothing" in str(report.longrepr)) is (turned == "failed" and when == "call")
