"""Two hundred real petitions go from the import to the month's score sheets, which must equal independent counts."""

import asyncio
import json
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from backend.cli import run
from tests.domain.scoring.independent import count as count_independently
from tests.shared_data import find_shared
from tests.stories.month import HANDLER, Month
from tests.stories.office import open_office
from tests.stories.plans import at, draw, workday
from tests.stories.tally import ITEMS, score, total

PETITIONS = find_shared("petitions.xlsx")
FIRST, DAYS, A_DAY, SEED = date(2026, 11, 2), 11, 19, 12345  # nineteen petitions a day
MONTH, SETTLED = "2026-11", date(2026, 12, 8)  # the fifth working day of December


def choose_petitions(file: Path, wanted: int) -> dict[str, dict[str, str]]:
    """Petitions of the workbook with number, subject and text, no two with the same last four digits."""
    sheet = openpyxl.load_workbook(file, read_only=True).active
    assert sheet is not None
    rows = sheet.iter_rows(values_only=True)
    columns = {str(name).strip(): n for n, name in enumerate(next(rows))}
    found: dict[str, dict[str, str]] = {}
    tails: set[str] = set()
    for row in rows:
        no, title, text = (str(row[columns[name]] or "").strip() for name in ("留言编号", "留言主题", "留言详情"))
        if len(no) >= 4 and no[-4:].isdigit() and no[-4:] not in tails and len(text) > 10:
            tails.add(no[-4:])
            found[no] = {"ticket_no": no, "title": title[:100], "text": text}
        if len(found) == wanted:
            break
    return found


def ask_no_deadline(kind: str, *_: object) -> datetime:
    """Every history of this story has its due times, except that of the dispatch, which is not counted here."""
    assert kind == "dispatch"
    return at(FIRST, "00:00")


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(PETITIONS is None, reason="no shared/data/petitions.xlsx beside the checkout (JIESU_SHARED)")
async def test_two_hundred_real_petitions_go_from_the_import_to_the_score_sheets_of_their_month(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = PETITIONS
    assert file is not None
    rows = choose_petitions(file, DAYS * A_DAY)
    days = [FIRST]
    while len(days) < DAYS:
        days.append(workday(days[-1]))
    cases = draw(list(rows), sorted(HANDLER), days, SEED)
    async with open_office(tmp_path, sqlite_url, at(FIRST, "08:40"), sample_tickets=True) as office:
        month = Month(office, cases, at(date(2026, 12, 1), "00:00"))
        await month.prepare()
        for day in days:
            if office.now < at(day, "08:45"):
                await office.advance_to(at(day, "08:45"))
            await month.begin_day([case for case in cases if case.day == day and not case.history], rows)
            await office.settle()
            await month.advance_to(at(day, "16:00"))
            await month.call_the_unsatisfied()
        day = days[-1]
        while month.todo or await office.list_items("/tickets", state="revisit_manual"):
            day = workday(day)
            for hour in ("11:00", "16:00"):
                await month.advance_to(at(day, hour))
                await month.call_the_unsatisfied()
        await office.advance_to(at(SETTLED, "09:00"))
        report = await month.import_tickets(file.name, file.read_bytes())
        assert (report["read"], report["imported"], report["already"]) == (2816, 2816 - len(cases), len(cases))
        second_count = count_independently(month.count(), ask_no_deadline, office.now)

        scores = await office.request("GET", "/scores", "clerk", month=MONTH, scheme="jilin-unit")
        sheets = {sheet["unit"]: sheet for sheet in scores["units"]}
        monkeypatch.setenv("JIESU_DATA", str(tmp_path / "var"))
        monkeypatch.setenv("JIESU_DATABASE_URL", sqlite_url)
        monkeypatch.setenv("JIESU_SANDBOX", "1")
        command = ["score", "--month", MONTH, "--scheme", "jilin-unit", "--as-of", office.now.isoformat(), "--json"]
        assert await asyncio.to_thread(run, command) == 0
        assert {sheet["unit"]: sheet for sheet in json.loads(capsys.readouterr().out)["units"]} == sheets
        for unit in sorted(HANDLER):
            lines = {line["item"]: line for line in sheets[unit]["lines"]}
            counted = {item: [lines[item]["numerator"], lines[item]["denominator"]] for item in ITEMS}
            independent = {item: second_count[MONTH, unit][item] for item in ITEMS}
            assert counted == month.tally.counts[unit] == independent, unit
            for item in ITEMS:
                assert lines[item]["score"] == str(score(item, *counted[item])), (unit, item)
            assert sheets[unit]["total"] == str(total(counted)), unit
        await office.assert_in_order()
