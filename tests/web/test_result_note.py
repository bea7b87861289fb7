"""After a form the page that follows says once, in words, what was done; without scripts and to nobody else."""

import re

import pytest

from tests.web.browser import Browser
from tests.web.world import World

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
SAID = re.compile(r'<p class="done" id="done" role="status">([^<]+)</p>')


async def test_after_an_act_the_page_says_once_what_was_done(world: World, browser: Browser) -> None:
    await world.create_ticket()
    await browser.sign_in(world.keys["D1"])
    assert SAID.findall(await browser.page("/tickets/T1")) == []
    assert (await browser.post("/tickets/T1/acts/dispatch", unit="U01"))[0] == 303
    assert SAID.findall(await browser.page(browser.sent_to)) == ["已派单给住建局。"]
    assert SAID.findall(await browser.page(browser.sent_to)) == [], "reloaded"
    status, page = await browser.post("/tickets/T1/acts/dispatch", unit="U02")
    assert status == 409 and 'role="alert"' in page and SAID.findall(page) == [], "refused"
    assert SAID.findall(await browser.page("/tickets/T1")) == []


async def test_what_one_did_is_said_to_nobody_else(world: World, browser: Browser) -> None:
    await world.create_ticket()
    await browser.sign_in(world.keys["D1"])
    await browser.post("/tickets/T1/acts/dispatch", unit="U01")
    jar = world.client.session.cookie_jar
    (kept,) = [cookie for cookie in jar if cookie.key == "jiesu_result"]
    assert kept["httponly"] and kept["samesite"] == "Strict" and kept["path"] == "/"
    await browser.sign_in(world.keys["R1"])
    jar.update_cookies({"jiesu_result": kept.value}, world.client.make_url("/"))
    assert SAID.findall(await browser.page("/tickets/T1")) == []


@pytest.mark.parametrize("who, verb, fields, said", [
    ("H1", "extend", {"new_due_at": "2026-11-20T17:00", "reason": "等材料", "informed_at": "2026-11-10T08:00", "informed_way": "phone", "reason_class": "complex"}, "延期申请已提交，等待审核。"),
    ("D1", "regrade", {"grade": "urgent", "reason": "漏电"}, "级别已调整为紧急。"),
    ("D1", "flag", {"flag": "confidential", "raised": "yes", "reason": "本人要求"}, "标记已生效。"),
    ("D1", "flag", {"flag": "mass_incident", "raised": "yes", "reason": "多人反映"}, "标记申请已提交，等待审核。"),
    ("H1", "close", {"close_type": "explained_unresolvable", "all_the_same": "yes", "text": "答复", "explanation": "政策所限", "revisit_on": "2027-01-10", "feedback": "理解"}, "解释类办结申请已提交，等待审核。"),
    ("H1", "close", {"close_type": "solved", "all_the_same": "yes", "text": "已修复", "feedback": "认可"}, "已办结。"),
])  # fmt: skip
async def test_it_is_said_whether_it_was_done_or_only_asked_for(
    world: World, browser: Browser, who: str, verb: str, fields: dict[str, str], said: str
) -> None:
    await world.sign_ticket()
    await browser.sign_in(world.keys[who])
    status, page = await browser.post(f"/tickets/T1/acts/{verb}", **fields)
    assert status == 303, re.findall(r'role="alert">([^<]+)', page)
    assert SAID.findall(await browser.page(browser.sent_to)) == [said]


@pytest.mark.parametrize("accept, said", [("yes", "已同意延期。"), ("no", "未同意延期，办结时限不变。")])
async def test_a_decision_is_said_as_it_was_made(world: World, browser: Browser, accept: str, said: str) -> None:
    await world.sign_ticket()
    informed = {"at": "2026-11-10T08:00:00+08:00", "way": "phone"}
    asked = {"new_due_at": "2026-11-20T17:00:00+08:00", "reason": "等材料", "requester_informed": informed}
    assert (await world.act("H1", "T1", "extend", **asked))[0] == 200
    await browser.sign_in(world.keys["R1"])
    await browser.post("/tickets/T1/acts/decide_extension", accept=accept, reason="情况属实")
    assert SAID.findall(await browser.page(browser.sent_to)) == [said]


async def test_a_saved_setting_is_named(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    assert (await browser.post("/settings", key="visit.manual.attempts", value="4"))[0] == 303
    (said,) = SAID.findall(await browser.page(browser.sent_to))
    assert said.startswith("已保存：") and len(said) > len("已保存：。")
