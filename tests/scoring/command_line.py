"""A folder with units and a history, imported by the command line, for tests of its commands."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.cli import run
from tests.scoring.world import Record

_UNITS = "".join(
    f"{line}\n" for line in (
        "code,name,kind,region,parent,province_department", "M01,云岭热线,management,朝阳区,,no",
        "M02,热线二,management,南关区,,no", *(f"U0{n},单位{n},handling,朝阳区,,no" for n in range(1, 5)),
    )
)  # fmt: skip


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this folder, as a rehearsal with its own SQLite file."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("JIESU_DATA", str(folder / "var"))
    monkeypatch.setenv("JIESU_SANDBOX", "1")
    for name in ("JIESU_DATABASE_URL", "JIESU_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def import_history(folder: Path, records: Sequence[Record]) -> None:
    """Import two institutions, four units and these tickets; the folder must have been entered."""
    (folder / "units.csv").write_text(_UNITS, "utf-8")
    (folder / "history.jsonl").write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in records), "utf-8")
    assert run(["import", "units", "units.csv"]) == 0
    assert run(["import", "history", "history.jsonl"]) == 0
