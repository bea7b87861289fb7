"""`jiesu score` at the command line: JSON alone on stdout, a table for people, exit status 0, 1, 2 (contract §3)."""

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.app.core import open_core
from backend.cli import run
from backend.cli.connect import load_config
from backend.domain.acts import Actor
from backend.domain.ticket_enums import Role
from tests.scoring.command_line import enter, import_history
from tests.scoring.world import SECOND_CLERK, RandomTickets, find_line, find_unit
from tests.tickets.world import ZONE

ADMIN = Actor("A1", Role.ADMIN, "M01")
AS_OF = "2026-11-22T09:00:00+08:00"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with units and a history, to be copied: importing them takes longer than most tests here."""
    folder = tmp_path_factory.mktemp("imported")
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter(folder, monkeypatch)
        import_history(folder, RandomTickets(31).make(120))
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """A folder of one's own with units and a history; commands run there."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    enter(tmp_path, monkeypatch)
    capfd.readouterr()
    return tmp_path


def test_a_month_is_printed_as_json_or_as_a_table(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["score", "--month", "2026-10", "--as-of", AS_OF, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["period"] == "2026-10" and {u["unit"] for u in found["units"]} >= {"U01", "M01"}
    sheet = find_unit(found, "U01")
    sign = find_line(sheet, "sign")
    assert len(sign["evidence"]) == sign["denominator"] > 0
    assert run(["score", "--month", "2026-10", "--unit", "U01", "--as-of", AS_OF]) == 0
    printed = capfd.readouterr().out
    assert sheet["total"] in printed and f"{sign['numerator']}/{sign['denominator']}" in printed
    assert run(["score", "--quarter", "2026Q3", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["period"] == "2026Q3"


def test_commands_go_by_the_clock_of_the_rehearsal_they_look_at_XD16(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed in another window than the rehearsal, whose clock is forty days ahead."""
    config = load_config()

    async def move() -> None:
        async with open_core(config) as core:
            await core.key_values.put("sandbox_offset", str(timedelta(days=40).total_seconds()))

    asyncio.run(move())
    monkeypatch.delenv("JIESU_SANDBOX")
    monkeypatch.setenv("JIESU_SECRET_KEY", "a-key-of-sixteen-or-more-letters")
    at = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    assignment = {"unit": "U01", "dispatched_at": at.isoformat(), "close_due_at": (at + timedelta(days=2)).isoformat()}
    ticket = {"ticket_no": "F1", "category": "help", "grade": "urgent", "region": "朝阳区", "generated_at": at.isoformat(),
            "assignments": [assignment]}  # fmt: skip
    (folder / "late.jsonl").write_text(json.dumps(ticket, ensure_ascii=False), "utf-8")
    assert run(["import", "history", "late.jsonl"]) == 0
    capfd.readouterr()
    month = at.astimezone(ZONE).strftime("%Y-%m")
    assert run(["score", "--month", month, "--unit", "U01", "--json"]) == 0
    (sheet,) = json.loads(capfd.readouterr().out)["units"]
    line = find_line(sheet, "sign")
    assert (line["numerator"], line["denominator"]) == (0, 1)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--month", "2026-13"], 1), (["--quarter", "2026-10"], 1), (["--month", "2026-10", "--unit", "XX"], 1),
        (["--month", "2026-10", "--scheme", "nowhere"], 1), (["--month", "2026-10", "--as-of", "gestern"], 1),
        (["--month", "2026-10", "--set", "scoring.slope_mode=wild"], 1), (["--month", "2026-10", "--set", "x=1"], 1),
        (["--facts", "absent.json"], 1), (["--facts", "units.csv"], 1), ([], 2), (["--month", "2026-10", "--set", "x"], 2),
        (["--month", "2026-10", "--year", "2026"], 2), (["--facts", "units.csv", "--unit", "U01"], 2),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_refused_with_a_sentence_and_no_traceback(
    folder: Path, capfd: pytest.CaptureFixture[str], options: list[str], status: int
) -> None:
    assert run(["score", *options, "--json"]) == status
    printed = capfd.readouterr()
    assert printed.err.strip() and "Traceback" not in printed.err
    if status == 1:
        assert json.loads(printed.out)["error"]["message"] in printed.err
    else:
        assert printed.out == ""


def test_facts_are_scored_by_their_own_settings_unless_the_command_sets_others(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    facts = {"scheme": "jilin-unit", "assignments": 3, "rates": {"sign": [2, 3], "red_card": [0, 3]},
             "settings": {"scoring.tolerance_count": "1"}}  # fmt: skip
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")
    for more, total in (([], "100.00"), (["--set", "scoring.tolerance_count=0"], "85.00")):
        assert run(["score", "--facts", "facts.json", "--json", *more]) == 0
        assert json.loads(capfd.readouterr().out)["total"] == total


def test_a_locked_month_takes_nothing_new_from_a_file_and_its_revision_is_compared_with_it(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.csv").write_text("kind,unit,month,note\npraise,U01,2025-10,锦旗\n", "utf-8")
    (folder / "b.csv").write_text(
        "kind,unit,month,note\npraise,U01,2025-10,锦旗\nexposure,U01,2025-10,曝光\npost_missing,U01,2025-11,\n", "utf-8"
    )
    assert run(["import", "ledger", "a.csv"]) == 0
    first, second = asyncio.run(_lock_and_revise())
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


async def _lock_and_revise() -> tuple[int, int]:
    """Return two runs of October: one locked, one after a late line."""
    async with open_core(load_config()) as core:
        locked = await core.scoring.start_run("2025-10", None, ADMIN)
        await core.scoring.lock_run(locked["id"], ADMIN, force=True, reason="演练")
        late = {"kind": "exposure", "unit": "U01", "month": "2025-10", "reason": "定稿后收到", "note": "曝光",
                "evidence": "通报"}  # fmt: skip
        entered = await core.scoring.enter_ledger(late, SECOND_CLERK)
        await core.scoring.review_ledger(entered["id"], True, ADMIN)
        revised = await core.scoring.start_run("2025-10", None, ADMIN)
        return int(locked["id"]), int(revised["id"])
