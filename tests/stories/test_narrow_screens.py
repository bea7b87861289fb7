"""No page of the console is wider than a telephone of 360 px; what is wide scrolls within itself."""

import os
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.stories.office import REQUESTER, Office
from tests.stories.test_a_month_is_checked import import_october, office
from tests.stories.test_visits_by_people import UNSATISFIED

__all__ = ["office"]
WIDTH = 360
PAGES = (
    "/", "/tickets", "/tickets/JS0001", "/tickets/JS0002", "/office", "/office/readiness", "/deliveries", "/calls", "/calls/costs",
    "/scores?month=2026-10", "/scores/unit?month=2026-10&unit=U01", "/scores/unit?month=2026-10&unit=U01&item=sign", "/settings", "/account", "/accounts", "/keys",
    "/settings?open=scoring", "/sync", "/bulletins", "/rosters", "/visits", "/visits/tasks/JS0001", "/visits/do-not-call",
    "/visits/figures", "/catalogue", "/hot", "/ledger", "/runs", "/registers/contact", "/registers/work_rule", "/knowledge",
    "/imports", "/imports?kind=connect", "/restored",
)  # fmt: skip
#: Elements that stick out of the page and are not inside one that scrolls.
STICKING_OUT = """() => [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1
  && !e.closest(".scroll, .skip")).map(e => e.outerHTML.slice(0, 160)).slice(0, 5)"""


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_no_page_is_wider_than_a_telephone(office: Office, chromium: str) -> None:
    office.phone(REQUESTER).answer_with(UNSATISFIED)
    await office.close_ticket("JS0001", title="人民路与桂林路交会处路灯不亮，晚上行人多，存在安全隐患")
    await office.advance("6h")
    await office.sign_ticket("JS0002", by="H101")
    await import_october(office)
    runs = [await office.request("POST", "/score-runs", "clerk", {"period": "2026-10"}) for _ in range(2)]
    pages = (*PAGES, f"/runs/{runs[0]['id']}", f"/runs/{runs[1]['id']}?with={runs[0]['id']}")
    shots = os.environ.get("JIESU_TEST_SHOTS", "")
    wide = []
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": WIDTH, "height": 740})
        await page.goto(f"{office.url}/sign-in?code={await office.create_code('admin')}")
        await page.click("main button[autofocus]")
        for path in pages:
            answer = await page.goto(f"{office.url}{path}")
            assert answer is not None and answer.status == 200, path
            width = await page.evaluate("document.documentElement.scrollWidth")
            if width > WIDTH:
                wide.append((path, width, await page.evaluate(STICKING_OUT)))
            for each in (WIDTH, 1280) if shots else ():
                await page.set_viewport_size({"width": each, "height": 740})
                name = path.replace("/", "_").replace("?", "_")
                await page.screenshot(path=Path(shots) / f"{name}-{each}.png", full_page=each == WIDTH)
                await page.set_viewport_size({"width": WIDTH, "height": 740})
        await browser.close()
    assert wide == []
