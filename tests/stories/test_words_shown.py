"""What the console shows is words: no option of a form and no cell of a table is a bare code."""

import re

import pytest

from tests.stories.console import sign_in
from tests.stories.office import Office
from tests.stories.test_a_month_is_checked import import_october, office

__all__ = ["office"]  # its integrity checks leave an older platform alone

SHOWN = re.compile(r"<(option|td|dd|li|legend|summary)\b[^>]*>\s*([^<]*?)\s*(?=<)")
CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)+|[a-z]{3,}(?:\.[a-z_]+)*")
LINK = re.compile(r'href="(/[^"#]*)"')
#: Pages for programs, or files.
NOT_READ = re.compile(r"/api/|/files/|/static/|/template|/sign-out|\.(?:docx|xlsx|pdf|csv|png|css|svg)$|/bulletins/\d")
MOST = 60  # pages one person opens


def find_bare_codes(page: str) -> set[str]:
    """Return what is shown as a code and nothing else."""
    return {shown for _, shown in SHOWN.findall(page) if CODE.fullmatch(shown)}


def test_the_walk_sees_a_code_and_passes_words() -> None:
    page = '<option value="a_b">a_b</option><td>满意</td><td class="n">pro_rata</td><option value="linear" selected>按比例</option>'
    assert find_bare_codes(page) == {"a_b", "pro_rata"}


@pytest.mark.parametrize("who", ["admin", "clerk", "dispatcher", "reviewer", "supervisor", "agent", "H101"])
async def test_no_page_of_the_console_shows_a_bare_code(office: Office, who: str) -> None:
    await import_october(office)
    await office.sign_ticket("JS0001", by="H101")
    await office.request(
        "POST", "/score-runs", "clerk", {"period": "2026-10", "settings": {"scoring.slope_mode": "step_floor"}}
    )
    await office.settle()
    found: dict[str, set[str]] = {}
    async with sign_in(office, who) as console:
        waiting, seen = ["/"], {"/"}
        while waiting and len(found) < MOST:
            path = waiting.pop(0)
            async with console.http.get(f"{console.url}{path}") as answer:
                if answer.status != 200 or "text/html" not in answer.headers["Content-Type"]:
                    continue
                page = await answer.text()
            found[path] = find_bare_codes(page)
            for link in LINK.findall(page):
                bare = re.sub(r"/(JS|T)?\d+", "/N", link.partition("?")[0])
                if bare not in seen and not NOT_READ.search(link):
                    seen.add(bare)
                    waiting.append(link.replace("&amp;", "&"))
    assert len(found) > 5
    assert {path: codes for path, codes in found.items() if codes} == {}


async def test_a_trial_by_other_settings_offers_and_takes_words(office: Office) -> None:
    await import_october(office)
    async with sign_in(office, "clerk") as console:
        for page in (await console.get("/runs"), await console.get("/scores/unit", month="2026-11", unit="U01")):
            assert '<option value="step_floor">' in page and not find_bare_codes(page)
        form = {"period": "2026-10", "what_if": "yes"}
        await console.post("/runs", **form, other="临时任务加分每月上限=5")
        await console.post("/runs", 422, **form, other="没有这一项=5")
        run = (await office.request("GET", "/score-runs", "clerk", period="2026-10"))["items"][0]
        assert "规则" in await console.get(f"/runs/{run['id']}")
