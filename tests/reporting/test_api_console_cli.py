"""Bulletins through the doors: API and console of an open house, and the command line over a history."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.cli import run
from tests.reporting.world import Book, Paper
from tests.scoring.world import Lives
from tests.stories.console import sign_in
from tests.stories.office import Office, open_office

UNITS = "code,name,kind,region,parent,province_department\nM01,云岭热线,management,朝阳区,,no\nM02,热线二,management,南关区,,no\n"
UNITS += "".join(f"U0{n},单位{n},handling,朝阳区,,no\n" for n in range(1, 5))
SHOWN = re.compile(r'href="(/bulletins/\d+/[^"]+\.pdf)"')


@pytest.fixture
async def office(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Office]:
    """The open house."""
    async with open_office(tmp_path, sqlite_url, sample_tickets=True) as one:
        yield one


async def _raw(office: Office, path: str, who: str) -> tuple[int, bytes, str]:
    url = f"{office.url}/api/v1{path}"
    async with office.http.get(url, headers={"Authorization": f"Bearer {await office.get_key(who)}"}) as answer:
        return answer.status, await answer.read(), answer.headers.get("Content-Disposition", "")


async def test_a_month_is_made_read_and_noted(office: Office) -> None:
    """B11, B13, FA12."""
    for n in range(3):
        await office.dispatch_ticket(f"T{n}", phone=f"+861390000000{n}")
    await office.act("T0", "sign", "unit:U01")
    begun = await office.request("POST", "/bulletins", "clerk", {"period": "2026-11"})
    assert begun.status == 202 and begun["state"] == "making" and begun["number"] == 1
    assert (await office.request("GET", "/tickets/T0", "clerk")).status == 200  # the application goes on answering
    for _ in range(200):
        if (found := await office.request("GET", f"/bulletins/{begun['id']}", "auditor"))["state"] != "making":
            break
        await asyncio.sleep(0.1)
    assert found["state"] == "ready", found.body
    assert [f["name"].rpartition(".")[2] for f in found["files"]] == ["docx", "xlsx", "pdf"]
    status, content, disposition = await _raw(office, f"/bulletins/{begun['id']}/xlsx", "auditor")
    assert status == 200 and "attachment" in disposition and len(content) == found["files"][1]["size"]
    main = Book(content).column("主要指标")
    assert main["派出工单（件）"] == 3 and main["受理诉求（件）"] >= 3
    status, content, _ = await _raw(office, f"/bulletins/{begun['id']}/docx", "clerk")
    assert "云岭市" in Paper(content).words()

    for who, method, path, body, wanted in (
        ("unit:U01", "GET", "/bulletins", None, 403), ("unit:U01", "POST", "/bulletins", {"period": "2026-11"}, 403),
        ("auditor", "POST", "/bulletins", {"period": "2026-11"}, 403), ("clerk", "POST", "/bulletins", {"period": "2026-13"}, 422),
        ("clerk", "GET", "/bulletins/999999", None, 404), ("clerk", "GET", "/bulletins/abc", None, 404),
        ("clerk", "POST", "/bulletins", {"period": "2026-11", "x": 1}, 422),
    ):  # fmt: skip
        assert (await office.request(method, path, who, body)).status == wanted, (who, path)
    assert [i["period"] for i in await office.list_items("/bulletins", period="2026-11")] == ["2026-11"]
    noted = [(row["who"], row["what"]) for row in await office.list_items("/audit")]
    assert ("SJ01", "export") in noted and ("FF01", "bulletin") in noted

    async with sign_in(office, "clerk") as console:
        page = await console.get("/bulletins")
        assert "月通报 2026-11" in page
        link = SHOWN.search(page)
        assert link is not None
        async with console.http.get(office.url + link[1]) as answer:
            assert (await answer.read()).startswith(b"%PDF")
        for fields in ({"period": "2026-99"}, {"period": "2026-11", "number": "x"}):
            assert 'role="alert"' in await console.post("/bulletins", 422, **fields)


def test_the_command_puts_three_documents_into_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """contract §3."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JIESU_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("JIESU_SANDBOX", "1")
    for name in ("JIESU_DATABASE_URL", "JIESU_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "units.csv").write_text(UNITS, "utf-8")
    lives = Lives(31).make(60)
    (tmp_path / "history.jsonl").write_text("\n".join(json.dumps(x, ensure_ascii=False) for x in lives), "utf-8")
    assert run(["import", "units", "units.csv"]) == 0 and run(["import", "history", "history.jsonl"]) == 0
    capfd.readouterr()
    assert run(["bulletin", "--month", "2026-10", "--out", "out", "--issue", "10", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["kind"], said["number"], said["revision"]) == ("monthly_bulletin", 10, 1)
    assert sorted(p.suffix for p in (tmp_path / "out").iterdir()) == [".docx", ".pdf", ".xlsx"]
    book = Book(next((tmp_path / "out").glob("*.xlsx")).read_bytes())
    born = [x for x in lives if x["generated_at"].startswith("2026-10")]
    assert book.column("主要指标")["受理诉求（件）"] == len(born)
    for words, status in ((["--month", "2026-13"], 2), (["--quarter", "2026-10"], 2), ([], 2), (["--month", "2026-10", "--year", "2026"], 2),
                          (["--month", "2026-09", "--issue", "10"], 1), (["--month", "2026-10", "--kind", "weekly"], 1)):  # fmt: skip
        assert run(["bulletin", *words, "--out", "out"]) == status
        assert capfd.readouterr().err.strip()
    (tmp_path / "file").write_text("")
    assert run(["bulletin", "--month", "2026-10", "--out", "file/deeper"]) == 1
    assert "无法写入" in capfd.readouterr().err


def test_the_house_opens_without_importing_what_sets_documents() -> None:
    """P10."""
    words = "import sys, backend.app.build, backend.cli.bulletin; print([m for m in ('docx','typst','matplotlib','xlsxwriter') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
