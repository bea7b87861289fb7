"""A clerk reports what the switchboard counted: the flag is seen, the empty table filled in, the rate and its days shown (XD14).

One office, one day; about five seconds.
"""

from pathlib import Path

import pytest

from backend.cli import run
from tests.stories.console import sign_in
from tests.stories.office import open_office

MISSING = "未报送接通数据"


async def test_the_flag_goes_when_the_counts_are_handed_in_at_the_console_XD14(tmp_path: Path, sqlite_url: str) -> None:
    async with open_office(tmp_path, sqlite_url) as office:
        await office.close_ticket("T1")
        async with sign_in(office, "clerk") as console:
            assert MISSING in await console.get("/scores", month="2026-11")
            assert MISSING in await console.get("/scores/unit", month="2026-11", unit="M01")
            assert "/imports/connect/template" in await console.get("/imports", kind="connect")
            table = await console.get("/imports/connect/template")
            assert table.lstrip("\ufeff").strip() == "管理机构,日期,渠道,来话量,接通量,放弃量"
            rows = "M01,2026-11-02,电话,200,188,9\nM01,2026-11-03,电话,100,120,\nM01,2026-11-04,电话,100,94,\n"
            filled = f"{table}{rows}".encode()
            page = await console.post("/imports", kind="connect", look="yes", file=filled)
            assert "检查结果（未导入）" in page and "接通量大于来话量" in page
            assert MISSING in await console.get("/scores", month="2026-11")  # it was only looked at
            page = await console.post("/imports", kind="connect", file=filled)
            assert "共 3 行：导入 2 行，已有 0 行，未导入 1 行" in page
            scores = await console.get("/scores", month="2026-11")
            assert MISSING not in scores and "2 天，来话 300，接通 282，放弃 9" in scores
            why = await console.get("/scores/unit", month="2026-11", unit="M01", item="connect")
            assert "2 天，来话 300，接通 282，放弃 9" in why
            refused = await console.post("/imports", 422, kind="connect", file=b"\x00\x01")
            assert 'role="alert"' in refused
        sheet = await office.request("GET", "/scores?month=2026-11&unit=M01", "clerk")
        (institution,) = sheet["units"]
        assert institution["flags"] == ["small_sample"]
        assert (institution["lines"][0]["numerator"], institution["lines"][0]["denominator"]) == (282, 300)
        async with sign_in(office, "dispatcher") as console:
            await console.post("/imports", 403, kind="connect", file=filled)
        assert (await office.request("GET", "/imports/connect/template", "dispatcher")).status == 403
        assert (await office.request("GET", "/imports/pigeons/template", "clerk")).status == 404


def test_the_command_line_prints_the_empty_table_XD14(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "connect", "--template"]) == 0
    assert capfd.readouterr().out.lstrip("\ufeff").startswith("管理机构,日期,渠道")
    assert run(["import", "connect"]) == 2
    assert run(["import", "history", "--template"]) == 1
    assert "JSONL" in capfd.readouterr().err
