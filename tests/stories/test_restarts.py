"""The application is stopped in the middle of its work and started again: nothing is lost, nobody is told twice."""

import asyncio
import csv
import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from backend.cli import run
from tests.stories.office import MONDAY, PHONES, REQUESTER, SATISFIED, Office, open_office


async def test_after_a_restart_work_goes_on_where_it_was_and_nobody_gets_a_message_twice(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(tmp_path, database_url, sample_tickets=True) as office:
        handler = await office.bind("H101")
        await office.dispatch_ticket("JS0001")
        card = await handler.expect("【新工单】JS0001")
        await handler.press(card, "签收")
        await office.act("JS0001", "close", "unit:U01", close_type="solved", text="已修复。", feedback="认可")
        await office.dispatch_ticket("JS0002")
        closed_at = office.now
    begun = time.monotonic()
    async with open_office(tmp_path, database_url, MONDAY + timedelta(hours=1), sample_tickets=True) as again:
        assert time.monotonic() - begun < 10  # contract §1
        assert closed_at < again.now
        assert await again.state("JS0001") == "closed" and await again.state("JS0002") == "dispatched"
        user = again.simulator.chat.get_user("李建国", PHONES["H101"])
        again.phone(REQUESTER).answer_with(SATISFIED)
        again.confirm_calls("H101")
        await again.settle()
        texts = [m.text for m in user.messages if m.from_bot]
        assert sum("JS0002" in text for text in texts) == 1, texts
        assert user.list_unexpected() == []  # nothing new was said
        card = next(m for m in user.messages if "JS0002" in m.text and m.from_bot)
        toast = await user.press(card, "签收")  # a card from before the restart still works
        assert toast is not None and "已签收" in toast
        await again.advance("6h")
        assert len(again.calls_to(REQUESTER)) == 1
        assert await again.state("JS0001") == "finalized" and await again.state("JS0002") == "signed"
        await again.assert_in_order()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_command_line_imports_files_through_the_running_server(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "留言.csv"
    with file.open("w", newline="", encoding="utf-8-sig") as out:
        rows = csv.writer(out)
        rows.writerow(["留言编号", "留言用户", "留言主题", "留言时间", "留言详情"])
        rows.writerow(["90001", "UU001", "道路积水", "2026/11/1 10:00:00", "小区门口道路积水严重，请尽快处理。"])
        rows.writerow(["90002", "UU002", "道路塌陷", "45962.5", "人行道塌陷，请围挡并修复。"])
        rows.writerow(["90003", "UU003", "", "", ""])
    monkeypatch.setenv("JIESU_DATA", str(office.config.data))
    monkeypatch.setenv("JIESU_DATABASE_URL", office.config.database_url)
    monkeypatch.setenv("JIESU_SANDBOX", "1")
    command = ["import", "tickets", str(file), "--set", f"phone={REQUESTER}", "--json"]
    capsys.readouterr()
    status = await asyncio.to_thread(run, command)
    report = json.loads(capsys.readouterr().out)
    assert (status, report["read"], report["imported"]) == (1, 3, 2), report
    assert [row["row"] for row in report["refused"]] == [4]
    ticket = await office.ticket("90001")
    assert (ticket["state"], ticket["category"], ticket["channel"]) == ("pending_dispatch", "help", "web")
    status = await asyncio.to_thread(run, command)
    assert json.loads(capsys.readouterr().out)["already"] == 2
