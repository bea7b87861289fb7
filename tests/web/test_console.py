"""The console: signed in once, seen by role, nothing a stranger wrote is ever run, every form carries its own word."""

import re
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import FormData

from tests.web.world import PDF, House

PAGES = ("/", "/tickets", "/tickets/T1", "/office", "/deliveries", "/calls", "/scores", "/settings")
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def form(**fields: Any) -> FormData:
    """A form as the pages send it."""
    data = FormData(default_to_multipart=True)
    for name, value in fields.items():
        if isinstance(value, bytes):
            data.add_field(name, value, filename="情况说明.pdf")
        else:
            data.add_field(name, value)
    return data


class Visitor:
    """Somebody with a browser."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.csrf = ""

    async def sign_in(self, word: str) -> int:
        self.house.client.session.cookie_jar.clear()
        async with self.house.client.post("/sign-in", data=form(word=word), allow_redirects=False) as answer:
            self.cookie = answer.headers.get("Set-Cookie", "")
            status = answer.status
        if status == 303:
            found = re.search(r'name="csrf" value="([^"]+)"', await self.page("/"))
            assert found is not None
            self.csrf = found[1]
        return status

    async def page(self, path: str, status: int = 200) -> str:
        async with self.house.client.get(path, headers={"Accept": "text/html"}) as answer:
            text = await answer.text()
            assert answer.status == status, (path, answer.status, text[:2000])
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            return text

    async def post(self, path: str, headers: dict[str, str] | None = None, **fields: Any) -> tuple[int, str]:
        data = form(**{"csrf": self.csrf, **fields})
        said = {"Accept": "text/html", **(headers or {})}
        async with self.house.client.post(path, data=data, headers=said, allow_redirects=False) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def visitor(house: House) -> Visitor:
    return Visitor(house)


async def test_a_sign_in_token_opens_one_session_once_FA9_FA6(house: House, visitor: Visitor) -> None:
    async with house.client.get("/tickets", allow_redirects=False, headers={"Accept": "text/html"}) as answer:
        assert answer.status == 303 and answer.headers["Location"] == "/sign-in?next=%2Ftickets"
    word = await house.rooms.keys.create_sign_in_token("operator", house.at)
    assert await visitor.sign_in(word) == 303
    assert "HttpOnly" in visitor.cookie and "SameSite=Strict" in visitor.cookie
    assert await visitor.sign_in(word) == 401
    assert await visitor.sign_in("no such word") == 401


async def test_guessing_is_slowed_FA1(house: House, visitor: Visitor) -> None:
    statuses = [await visitor.sign_in(f"guess-{n}") for n in range(12)]
    assert statuses[:10] == [401] * 10 and statuses[10:] == [429, 429]


async def test_a_session_ends_after_an_idle_half_hour_after_signing_out_and_when_its_person_leaves_FA4_FA7_FR18(
    house: House, visitor: Visitor
) -> None:
    await visitor.sign_in(house.keys["H1"])
    house.at += timedelta(minutes=29)
    await visitor.page("/")
    house.at += timedelta(minutes=29)
    await visitor.page("/")
    house.at += timedelta(minutes=31)
    assert "/sign-in" in await visitor.page("/")
    await visitor.sign_in(house.keys["H1"])
    token = {c.key: c.value for c in house.client.session.cookie_jar}["jiesu_session"]
    await visitor.post("/sign-out")
    assert await house.rooms.keys.get_session(token, house.at) is None
    await visitor.sign_in(house.keys["H1"])
    left = {"code": "H1", "name": "人H1", "unit": "U01", "role": "handler", "active": False}
    assert (await house.ask("A1", "POST", "/people", left))[0] in (200, 201)
    assert "/sign-in" in await visitor.page("/")


@pytest.mark.parametrize("who", ["A1", "H1", "V1", "O1"])
async def test_every_page_can_be_read_by_every_kind_of_role(small_house: House, who: str) -> None:
    await small_house.signed()
    visitor = Visitor(small_house)
    assert await visitor.sign_in(small_house.keys[who]) == 303
    for path in PAGES:
        text = await visitor.page(path)
        assert "13912345678" not in text and "张小三" not in text, path
        assert "style=" not in text and "onclick" not in text
    await visitor.page("/tickets?q=路灯&state=signed&overdue=")
    await visitor.page("/tickets/NONE", 404)
    await visitor.page("/nowhere", 404)
    await visitor.page("/tickets?sort=1", 422)


async def test_what_outsiders_write_is_shown_and_never_run_FR8(house: House, visitor: Visitor) -> None:
    await house.ask("A1", "POST", "/units", {"code": "U01", "name": EVIL, "kind": "handling", "region": "A市"})
    await house.ticket(title=EVIL, text=EVIL + "诉求", place=EVIL)
    await house.act("D1", "T1", "dispatch", unit="U01")
    await house.act("H1", "T1", "sign")
    await house.act("H1", "T1", "reply", text=EVIL, way="phone")
    await visitor.sign_in(house.keys["A1"])
    for path in (*PAGES, "/tickets?q=%3Cscript%3E"):
        text = await visitor.page(path)
        assert "<script>alert" not in text and "<img" not in text, path
    assert "&lt;script&gt;" in await visitor.page("/tickets/T1")


async def test_a_post_from_another_site_or_without_the_csrf_token_is_refused_FR9(
    house: House, visitor: Visitor
) -> None:
    await house.ticket()
    await visitor.sign_in(house.keys["D1"])
    path = "/tickets/T1/acts/dispatch"
    for headers, csrf in (
        ({"Origin": "https://evil.example"}, visitor.csrf), ({"Sec-Fetch-Site": "cross-site"}, visitor.csrf),
        ({"Origin": "null"}, visitor.csrf), ({}, ""), ({}, "x" * 32), ({}, "词"),
    ):  # fmt: skip
        status, _ = await visitor.post(path, headers, csrf=csrf, unit="U01")
        assert status == 403, (headers, csrf)
    assert (await house.ask("A1", "GET", "/tickets/T1"))[1]["state"] == "pending_dispatch"
    assert (await visitor.post(path, unit="U01"))[0] == 303
    assert (await house.ask("A1", "GET", "/tickets/T1"))[1]["state"] == "dispatched"


async def test_a_ticket_goes_through_the_console_up_to_the_second_visit(house: House, visitor: Visitor) -> None:
    await house.ticket()
    steps: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("D1", "dispatch", {"unit": "U01"}), ("H1", "sign", {}),
        ("H1", "return", {"reason_code": "other", "reason": "不属于", "signed_by": "seal", "files": PDF}),
        ("R1", "decide_return", {"accept": "no", "reason": "属于"}),
        ("H1", "extend", {"new_due_at": "2026-11-25T17:00", "reason": "等待检测", "informed_at": "2026-11-10T08:00",
                          "informed_way": "phone"}),
        ("R1", "decide_extension", {"accept": "yes"}),
        ("H1", "contact", {"way": "phone", "reached": "yes"}), ("H1", "reply", {"text": "已修复", "way": "phone"}),
        ("H1", "close", {"close_type": "solved", "feedback": "满意", "no_objection": "yes"}),
    )  # fmt: skip
    for who, verb, fields in steps:
        await visitor.sign_in(house.keys[who])
        assert f"/acts/{verb}" in await visitor.page("/tickets/T1"), verb
        status, text = await visitor.post(f"/tickets/T1/acts/{verb}", **fields)
        assert status == 303, (verb, text[-3000:])
    from backend.domain.acts import SYSTEM, Act
    from backend.domain.ticket import Source

    await house.rooms.tickets.act(Act("start_visit", SYSTEM, Source.CLOCK, ticket_no="T1"))
    await house.rooms.tickets.act(Act("visit", SYSTEM, Source.PHONE, ticket_no="T1",
                                   arguments={"kind": "auto", "answer": "unsatisfied"}))  # fmt: skip
    await visitor.sign_in(house.keys["V1"])
    text = await visitor.page("/tickets/T1")
    assert "不劝说" in text and "/acts/visit" in text
    status, _ = await visitor.post(
        "/tickets/T1/acts/visit", answer="satisfied", contacted="yes", resolved="resolved", note="已修好"
    )
    assert status == 303
    done = (await house.ask("A1", "GET", "/tickets/T1"))[1]
    assert done["state"] == "finalized" and done["final_answer"] == "satisfied"
    assert any(i["type"] == "visit" for i in (await house.ask("A1", "GET", "/tickets/T1/timeline"))[1]["items"])
    await visitor.page("/tickets/T1")


async def test_a_refused_form_keeps_what_was_typed_and_says_why(house: House, visitor: Visitor) -> None:
    await house.signed()
    await visitor.sign_in(house.keys["H1"])
    status, text = await visitor.post(
        "/tickets/T1/acts/return", reason="不属于本单位，理由很长", reason_code="other", signed_by="seal"
    )
    assert status == 422 and "请先上传情况说明" in text and "不属于本单位，理由很长" in text
    status, text = await visitor.post("/tickets/T1/acts/dispatch", unit="U02")
    assert status == 403 and "没有权限" in text
    status, text = await visitor.post("/tickets/T1/acts/explode")
    assert status == 422
    status, text = await visitor.post("/tickets/T1/reveal", reason="联系诉求人")
    assert status == 200 and "13912345678" in text
    await visitor.sign_in(house.keys["H9"])
    assert (await visitor.post("/tickets/T1/acts/reply", text="x"))[0] == 404


async def test_settings_and_bindings_are_changed_by_those_with_the_right(house: House, visitor: Visitor) -> None:
    await visitor.sign_in(house.keys["A1"])
    assert (await visitor.post("/settings", key="sign.general.limit", value="2wd"))[0] == 303
    text = await visitor.page("/settings")
    assert 'value="2wd"' in text and "已改 1 项" in text and "默认 1wd" in text
    assert '<option value="false" selected>否</option>' in text  # flags and choices are chosen, not written
    text = await visitor.page("/settings?q=紧急 签收")
    assert 'id="sign.urgent.limit"' in text and 'id="sign.general.limit"' not in text and "open>" in text
    assert "没有符合条件的设置项" in await visitor.page("/settings?q=zzzz")
    status, text = await visitor.post("/settings", key="sign.general.limit", value="soon")
    assert status == 422 and 'role="alert"' in text
    status, text = await visitor.post("/office/people/H1/binding")
    assert status == 200 and "https://t.me/jiesu_bot?start=" in text
    await visitor.sign_in(house.keys["H1"])
    assert (await visitor.post("/settings", key="sign.general.limit", value="3wd"))[0] == 403
    assert (await visitor.post("/office/people/H1/binding"))[0] == 403
