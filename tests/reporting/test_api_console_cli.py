"""Bulletins by API, console and command line."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.cli import run
from tests.reporting.world import WordDocument, Workbook
from tests.scoring.command_line import enter, import_history
from tests.scoring.world import RandomTickets
from tests.stories.console import sign_in
from tests.stories.office import Office, open_office

LINK = re.compile(r'href="(/bulletins/\d+/[^"]+\.pdf)"')


@pytest.fixture
async def office(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Office]:
    """The sample city, with all its adapters."""
    async with open_office(tmp_path, sqlite_url, sample_tickets=True) as opened:
        yield opened


async def download(office: Office, path: str, who: str) -> tuple[int, bytes, str]:
    """Return status, content and disposition."""
    url = f"{office.url}/api/v1{path}"
    async with office.http.get(url, headers={"Authorization": f"Bearer {await office.get_key(who)}"}) as answer:
        return answer.status, await answer.read(), answer.headers.get("Content-Disposition", "")


async def test_a_monthly_bulletin_is_made_read_and_audited_B11_B13_FA12(office: Office) -> None:
    for n in range(3):
        await office.dispatch_ticket(f"T{n}", phone=f"+861390000000{n}")
    await office.act("T0", "sign", "unit:U01")
    begun = await office.request("POST", "/bulletins", "clerk", {"period": "2026-11"})
    assert begun.status == 202 and begun["state"] == "making" and begun["number"] == 1
    assert (await office.request("GET", "/tickets/T0", "clerk")).status == 200  # other requests are answered meanwhile
    for _ in range(200):
        if (found := await office.request("GET", f"/bulletins/{begun['id']}", "auditor"))["state"] != "making":
            break
        await asyncio.sleep(0.1)
    assert found["state"] == "ready", found.body
    assert [f["name"].rpartition(".")[2] for f in found["files"]] == ["docx", "xlsx", "pdf"]
    status, content, disposition = await download(office, f"/bulletins/{begun['id']}/xlsx", "auditor")
    assert status == 200 and "attachment" in disposition and len(content) == found["files"][1]["size"]
    figures = Workbook(content).column("主要指标")
    assert figures["派出工单（件）"] == 3 and figures["受理诉求（件）"] >= 3
    status, content, _ = await download(office, f"/bulletins/{begun['id']}/docx", "clerk")
    assert "云岭市" in WordDocument(content).text()

    for who, method, path, body, wanted in (
        ("unit:U01", "GET", "/bulletins", None, 403), ("unit:U01", "POST", "/bulletins", {"period": "2026-11"}, 403),
        ("auditor", "POST", "/bulletins", {"period": "2026-11"}, 403),
        ("clerk", "POST", "/bulletins", {"period": "2026-13"}, 422),
        ("clerk", "GET", "/bulletins/999999", None, 404), ("clerk", "GET", "/bulletins/abc", None, 404),
        ("clerk", "POST", "/bulletins", {"period": "2026-11", "x": 1}, 422),
    ):  # fmt: skip
        assert (await office.request(method, path, who, body)).status == wanted, (who, path)
    assert [i["period"] for i in await office.list_items("/bulletins", period="2026-11")] == ["2026-11"]
    audited = [(row["who"], row["what"]) for row in await office.list_items("/audit")]
    assert ("SJ01", "export") in audited and ("FF01", "bulletin") in audited

    async with sign_in(office, "clerk") as console:
        page = await console.get("/bulletins")
        assert "月通报 2026-11" in page
        link = LINK.search(page)
        assert link is not None
        async with console.http.get(office.url + link[1]) as answer:
            assert (await answer.read()).startswith(b"%PDF")
        for fields in ({"period": "2026-99"}, {"period": "2026-11", "number": "x"}):
            assert 'role="alert"' in await console.post("/bulletins", 422, **fields)


def test_the_command_writes_three_documents_into_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """contract §3."""
    enter(tmp_path, monkeypatch)
    tickets = RandomTickets(31).make(60)
    import_history(tmp_path, tickets)
    capfd.readouterr()
    assert run(["bulletin", "--month", "2026-10", "--out", "out", "--issue", "10", "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["kind"], report["number"], report["revision"]) == ("monthly_bulletin", 10, 1)
    assert sorted(p.suffix for p in (tmp_path / "out").iterdir()) == [".docx", ".pdf", ".xlsx"]
    book = Workbook(next((tmp_path / "out").glob("*.xlsx")).read_bytes())
    received = [ticket for ticket in tickets if ticket["generated_at"].startswith("2026-10")]
    assert book.column("主要指标")["受理诉求（件）"] == len(received)
    for options, status in (
        (["--month", "2026-13"], 2), (["--quarter", "2026-10"], 2), ([], 2),
        (["--month", "2026-10", "--year", "2026"], 2), (["--month", "2026-09", "--issue", "10"], 1),
        (["--month", "2026-10", "--kind", "weekly"], 1),
    ):  # fmt: skip
        assert run(["bulletin", *options, "--out", "out"]) == status
        assert capfd.readouterr().err.strip()
    (tmp_path / "file").write_text("")
    assert run(["bulletin", "--month", "2026-10", "--out", "file/deeper"]) == 1
    assert "无法写入" in capfd.readouterr().err


def test_starting_imports_nothing_that_only_documents_need_P10() -> None:
    code = """
import sys, backend.app.build, backend.cli.bulletin
print([name for name in ("docx", "typst", "matplotlib", "xlsxwriter") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
