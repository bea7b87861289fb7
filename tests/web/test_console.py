"""The console: sessions, pages by role, text of strangers that is never run, forms no other site may send."""

import re
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.acts import OPERATOR, SYSTEM, Act
from backend.domain.setting_words import list_codes
from backend.domain.settings import load_catalogue
from backend.domain.ticket_enums import Source
from tests.web.browser import Browser
from tests.web.world import PDF, World

PAGES = ("/", "/tickets", "/tickets/T1", "/office", "/deliveries", "/calls", "/scores", "/settings")
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


async def test_a_sign_in_token_opens_one_session_once_FA9_FA6(world: World, browser: Browser) -> None:
    async with world.client.get("/tickets", allow_redirects=False, headers={"Accept": "text/html"}) as answer:
        assert answer.status == 303 and answer.headers["Location"] == "/sign-in?next=%2Ftickets"
    token = await world.services.keys.create_sign_in_token(OPERATOR.account, world.at)
    assert await browser.sign_in(token) == 303
    assert "HttpOnly" in browser.cookie and "SameSite=Strict" in browser.cookie
    assert await browser.sign_in(token) == 401
    assert await browser.sign_in("no such token") == 401


async def test_after_ten_wrong_guesses_of_a_code_another_waits_and_a_right_one_never_does_FA1(
    world: World, browser: Browser
) -> None:
    statuses = [await browser.sign_in(f"guess-{n}") for n in range(12)]
    assert statuses[:10] == [401] * 10 and statuses[10:] == [429, 429]
    assert await browser.sign_in(world.keys["A1"]) == 303


async def test_a_session_ends_after_an_idle_half_hour_after_signing_out_and_when_its_person_leaves_FA4_FA7_FR18(
    world: World, browser: Browser
) -> None:
    await browser.sign_in(world.keys["H1"])
    world.at += timedelta(minutes=29)
    await browser.page("/")
    world.at += timedelta(minutes=29)
    await browser.page("/")
    world.at += timedelta(minutes=31)
    assert "/sign-in" in await browser.page("/")
    await browser.sign_in(world.keys["H1"])
    token = {c.key: c.value for c in world.client.session.cookie_jar}["jiesu_session"]
    await browser.post("/sign-out")
    assert await world.services.keys.get_session(token, world.at) is None
    await browser.sign_in(world.keys["H1"])
    gone = {"code": "H1", "name": "人H1", "unit": "U01", "role": "handler", "active": False}
    assert (await world.request("A1", "POST", "/people", gone))[0] in (200, 201)
    assert "/sign-in" in await browser.page("/")


@pytest.mark.parametrize("who", ["A1", "H1", "V1", "O1"])
async def test_every_page_can_be_read_by_every_kind_of_role(sqlite_world: World, who: str) -> None:
    await sqlite_world.sign_ticket()
    browser = Browser(sqlite_world)
    assert await browser.sign_in(sqlite_world.keys[who]) == 303
    for path in PAGES:
        text = await browser.page(path)
        assert "13912345678" not in text and "张小三" not in text, path
        assert "style=" not in text and "onclick" not in text
    await browser.page("/tickets?q=路灯&state=signed&overdue=")
    await browser.page("/tickets/NONE", 404)
    await browser.page("/nowhere", 404)
    await browser.page("/tickets?sort=1", 422)


async def test_what_outsiders_write_is_shown_and_never_run_FR8(world: World, browser: Browser) -> None:
    await world.request("A1", "POST", "/units", {"code": "U01", "name": EVIL, "kind": "handling", "region": "A市"})
    await world.dispatch_ticket(title=EVIL, text=EVIL + "诉求", place=EVIL)
    await world.act("H1", "T1", "sign")
    await world.act("H1", "T1", "reply", text=EVIL, way="phone")
    await browser.sign_in(world.keys["A1"])
    for path in (*PAGES, "/tickets?q=%3Cscript%3E"):
        text = await browser.page(path)
        assert "<script>alert" not in text and "<img" not in text, path
    assert "&lt;script&gt;" in await browser.page("/tickets/T1")


async def test_a_post_from_another_site_or_without_the_csrf_token_is_refused_FR9(
    world: World, browser: Browser
) -> None:
    await world.create_ticket()
    await browser.sign_in(world.keys["D1"])
    path = "/tickets/T1/acts/dispatch"
    for headers, csrf in (
        ({"Origin": "https://evil.example"}, browser.csrf), ({"Sec-Fetch-Site": "cross-site"}, browser.csrf),
        ({"Origin": "null"}, browser.csrf), ({}, ""), ({}, "x" * 32), ({}, "词"),
    ):  # fmt: skip
        status, _ = await browser.post(path, headers, csrf=csrf, unit="U01")
        assert status == 403, (headers, csrf)
    assert (await world.load())["state"] == "pending_dispatch"
    assert (await browser.post(path, unit="U01"))[0] == 303
    assert (await world.load())["state"] == "dispatched"


async def test_a_ticket_goes_through_the_console_up_to_the_second_visit(world: World, browser: Browser) -> None:
    await world.create_ticket()
    steps: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("D1", "dispatch", {"unit": "U01"}), ("H1", "sign", {}),
        ("H1", "return", {"reason_code": "other", "reason": "不属于", "signed_by": "seal", "files": PDF}),
        ("R1", "decide_return", {"accept": "no", "reason": "属于"}),
        ("H1", "extend", {"new_due_at": "2026-11-25T17:00", "reason": "等待检测", "informed_at": "2026-11-10T08:00",
                          "informed_way": "phone"}),
        ("R1", "decide_extension", {"accept": "yes"}),
        ("H1", "contact", {"way": "phone", "reached": "yes"}), ("H1", "reply", {"text": "路灯已更换灯泡，今晚恢复照明。", "way": "phone"}),
        ("H1", "close", {"close_type": "solved", "feedback": "满意", "no_objection": "yes"}),
    )  # fmt: skip
    for who, verb, fields in steps:
        await browser.sign_in(world.keys[who])
        assert f"/acts/{verb}" in await browser.page("/tickets/T1"), verb
        status, text = await browser.post(f"/tickets/T1/acts/{verb}", **fields)
        assert status == 303, (verb, text[-3000:])
    await world.services.tickets.act(Act("start_visit", SYSTEM, Source.CLOCK, ticket_no="T1"))
    await world.services.tickets.act(Act("visit", SYSTEM, Source.PHONE, ticket_no="T1",
                                         arguments={"kind": "auto", "answer": "unsatisfied"}))  # fmt: skip
    await browser.sign_in(world.keys["V1"])
    text = await browser.page("/tickets/T1")
    assert "不劝说" in text and "/acts/visit" in text
    answers = {"answer": "satisfied", "contacted": "yes", "resolved": "resolved", "note": "已修好"}
    assert (await browser.post("/tickets/T1/acts/visit", **answers))[0] == 303
    done = await world.load()
    assert done["state"] == "finalized" and done["final_answer"] == "satisfied"
    assert any(i["type"] == "visit" for i in (await world.request("A1", "GET", "/tickets/T1/timeline"))[1]["items"])
    await browser.page("/tickets/T1")


async def test_a_refused_form_keeps_what_was_typed_and_says_why(world: World, browser: Browser) -> None:
    await world.sign_ticket()
    await browser.sign_in(world.keys["H1"])
    status, text = await browser.post(
        "/tickets/T1/acts/return", reason="不属于本单位，理由很长", reason_code="other", signed_by="seal"
    )
    assert status == 422 and "请先上传情况说明" in text and "不属于本单位，理由很长" in text
    status, text = await browser.post("/tickets/T1/acts/dispatch", unit="U02")
    assert status == 403 and "没有权限" in text
    assert (await browser.post("/tickets/T1/acts/explode"))[0] == 422
    status, text = await browser.post("/tickets/T1/reveal", reason="联系诉求人")
    assert status == 200 and "13912345678" in text
    await browser.sign_in(world.keys["H9"])
    assert (await browser.post("/tickets/T1/acts/reply", text="x"))[0] == 404


async def test_settings_and_bindings_are_changed_by_those_with_the_right(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    assert (await browser.post("/settings", key="sign.general.limit", value="2wd"))[0] == 303
    text = await browser.page("/settings")
    assert 'value="2wd"' in text and "已改 1 项" in text and "默认 1个工作日" in text
    assert '<option value="false" selected>否</option>' in text  # flags and choices are chosen, not typed
    assert text.count("（来自方案“吉林省接诉即办”）") == 3  # its schemes
    text = await browser.page("/settings?q=紧急 签收")
    assert 'id="sign.urgent.limit"' in text and 'id="sign.general.limit"' not in text and "open>" in text
    assert "没有符合条件的设置项" in await browser.page("/settings?q=zzzz")
    status, text = await browser.post("/settings", key="sign.general.limit", value="soon")
    assert status == 422 and 'role="alert"' in text
    status, text = await browser.post("/office/people/H1/binding")
    assert status == 200 and "https://t.me/jiesu_bot?start=" in text
    await browser.sign_in(world.keys["H1"])
    assert (await browser.post("/settings", key="sign.general.limit", value="3wd"))[0] == 403
    assert (await browser.post("/office/people/H1/binding"))[0] == 403


async def test_settings_are_drawn_without_codes_and_only_what_differs_counts_as_changed(
    world: World, browser: Browser
) -> None:
    await browser.sign_in(world.keys["A1"])
    for value in ("2wd", "1wd"):
        assert (await browser.post("/settings", key="sign.general.limit", value=value))[0] == 303
    assert (await browser.post("/settings", key="visit.categories", value="求助、投诉"))[0] == 303
    shown = re.sub(r"<[^>]*>", " ", await browser.page("/settings"))
    assert shown.count("已改") == 2, "the one setting and its group"
    assert "派单与办结要求" in shown and "默认 咨询、求助、投诉" in shown
    for key, row in load_catalogue().items():
        assert row.label in shown and key not in shown
        assert not [code for code in list_codes(row) if "_" in code and code in shown]
    assert re.search(r'name="value" value="求助、投诉"', await browser.page("/settings"))
    _, refused = await browser.post("/settings", key="card.red_at", value="soon")
    assert "红牌时点" in refused and "可填：到期即发，或数字加单位（" in refused
