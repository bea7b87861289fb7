"""`jiesu score` at the command line: JSON alone on stdout, a table for people, exit status 0, 1, 2 (contract §3)."""

import asyncio
import json
from pathlib import Path

import pytest

from backend.app.core import open_scoring
from backend.cli import run
from backend.cli.connect import load_config
from backend.domain.acts import Actor
from backend.domain.ticket import Role
from tests.scoring.world import SECOND_CLERK, Lives

ADMIN = Actor("A1", Role.ADMIN, "M01")
UNITS = "code,name,kind,region,parent,province_department\nM01,热线,management,朝阳区,,no\nM02,热线二,management,南关区,,no\n"
UNITS += "".join(f"U0{n},单位{n},handling,朝阳区,,no\n" for n in range(1, 5))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """A house on its own file, with units and a history."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JIESU_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("JIESU_SANDBOX", "1")
    for name in ("JIESU_DATABASE_URL", "JIESU_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "units.csv").write_text(UNITS, "utf-8")
    lives = "\n".join(json.dumps(life, ensure_ascii=False) for life in Lives(31).make(120))
    (tmp_path / "history.jsonl").write_text(lives, "utf-8")
    assert run(["import", "units", "units.csv"]) == 0
    assert run(["import", "history", "history.jsonl"]) == 0
    capfd.readouterr()
    return tmp_path


def test_a_month_as_json_and_as_a_table(house: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["score", "--month", "2026-10", "--as-of", "2026-11-22T09:00:00+08:00", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["period"] == "2026-10" and {u["unit"] for u in found["units"]} >= {"U01", "M01"}
    one = next(u for u in found["units"] if u["unit"] == "U01")
    sign = next(x for x in one["lines"] if x["item"] == "sign")
    assert len(sign["evidence"]) == sign["denominator"] > 0
    assert run(["score", "--month", "2026-10", "--unit", "U01", "--as-of", "2026-11-22T09:00:00+08:00"]) == 0
    said = capfd.readouterr().out
    assert one["total"] in said and f"{sign['numerator']}/{sign['denominator']}" in said
    assert run(["score", "--quarter", "2026Q3", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["period"] == "2026Q3"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--month", "2026-13"], 1), (["--quarter", "2026-10"], 1), (["--month", "2026-10", "--unit", "XX"], 1),
        (["--month", "2026-10", "--scheme", "nowhere"], 1), (["--month", "2026-10", "--as-of", "gestern"], 1),
        (["--month", "2026-10", "--set", "scoring.slope_mode=wild"], 1), (["--month", "2026-10", "--set", "x=1"], 1),
        (["--facts", "absent.json"], 1), (["--facts", "units.csv"], 1), ([], 2), (["--month", "2026-10", "--set", "x"], 2),
        (["--month", "2026-10", "--year", "2026"], 2), (["--facts", "units.csv", "--unit", "U01"], 2),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_words_without_a_trace(
    house: Path, capfd: pytest.CaptureFixture[str], words: list[str], status: int
) -> None:
    assert run(["score", *words, "--json"]) == status
    said = capfd.readouterr()
    assert said.err.strip() and "Traceback" not in said.err
    if status == 1:
        assert json.loads(said.out)["error"]["message"] in said.err
    else:
        assert said.out == ""


def test_facts_are_reckoned_by_their_own_settings_unless_the_command_sets_others(
    house: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    facts = {"scheme": "jilin-unit", "assignments": 3, "rates": {"sign": [2, 3], "red_card": [0, 3]},
             "settings": {"scoring.tolerance_count": "1"}}  # fmt: skip
    (house / "facts.json").write_text(json.dumps(facts), "utf-8")
    for more, total in (([], "100.00"), (["--set", "scoring.tolerance_count=0"], "85.00")):
        assert run(["score", "--facts", "facts.json", "--json", *more]) == 0
        assert json.loads(capfd.readouterr().out)["total"] == total


def test_a_locked_month_takes_nothing_new_from_a_file_and_runs_are_compared(
    house: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (house / "a.csv").write_text("kind,unit,month,note\npraise,U01,2025-10,锦旗\n", "utf-8")
    (house / "b.csv").write_text(
        "kind,unit,month,note\npraise,U01,2025-10,锦旗\nexposure,U01,2025-10,曝光\npost_missing,U01,2025-11,\n", "utf-8"
    )
    assert run(["import", "ledger", "a.csv"]) == 0
    first, second = asyncio.run(_locked_and_revised())
    capfd.readouterr()
    assert run(["import", "ledger", "b.csv", "--json"]) == 1
    report = json.loads(capfd.readouterr().out)
    assert (report["imported"], report["already"]) == (0, 1)
    assert [(x["row"], x["code"]) for x in report["refused"]] == [(3, "month_locked"), (4, "unknown_kind")]
    assert run(["runs"]) == 0
    assert str(first) in capfd.readouterr().out
    assert run(["runs", str(second), "--json"]) == 0
    changed = json.loads(capfd.readouterr().out)
    assert [(u["unit"], [x["change"] for x in u["lines"]]) for u in changed["units"]] == [("U01", ["-2.50"])]
    assert run(["runs", str(first)]) == 1


async def _locked_and_revised() -> tuple[int, int]:
    """Two runs of October: one locked, one after a late line."""
    async with open_scoring(load_config()) as marks:
        one = await marks.start_run("2025-10", None, ADMIN)
        await marks.lock_run(one["id"], ADMIN, force=True, reason="演练")
        late = {
            "kind": "exposure",
            "note": "曝光",
            "evidence": "通报",
            "unit": "U01",
            "month": "2025-10",
            "reason": "定稿后收到",
        }
        entered = await marks.enter_ledger(late, SECOND_CLERK)
        await marks.review_ledger(entered["id"], True, ADMIN)
        two = await marks.start_run("2025-10", None, ADMIN)
        return int(one["id"]), int(two["id"])
