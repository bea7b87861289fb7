"""The simulator's page with chat and handsets: its API, its protection, its stored state, and a person in a browser."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiogram import Bot, Dispatcher, F, Router
from aiogram.filters import CommandObject, CommandStart
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from playwright.async_api import Page, async_playwright

from sandbox.simulator import Simulator
from sandbox.telephone.behaviour import MANUAL
from sandbox.telephone.model import HookUrl
from tests.sandbox.conftest import LI, WANG, CreateCall, FakeOffice
from tests.sandbox.twiml import build_menu, build_say
from tests.time_and_chance import REAL


def add_people(simulator: Simulator) -> None:
    """A handler, a leader and a requester, all with telephones operated by hand."""
    simulator.add_person(name="李明", phone="13800001234", role="handler", unit="高新区街道办", note="值班", code="P01")
    simulator.add_person(name="周强", phone="13800002222", role="leader", unit="高新区街道办", code="P02")
    simulator.add_person(name="王女士", phone="13900005678", role="caller", note="反映噪声")
    simulator.phones.default = MANUAL

    async def create_binding_code(person: str) -> str:
        return {"P01": "314159"}[person]

    simulator.create_binding_code = create_binding_code


@pytest.fixture
async def working_bot(bot: Bot, simulator: Simulator) -> AsyncIterator[Bot]:
    """A bot that binds, sends one card, and repeats what it is sent."""
    router = Router()
    card = InlineKeyboardMarkup(
        inline_keyboard=[
            [
                InlineKeyboardButton(text="签收", callback_data="sign"),
                InlineKeyboardButton(text="查看详情", callback_data="show"),
            ]
        ]
    )

    @router.message(CommandStart())
    async def start(message: Message, command: CommandObject) -> None:
        assert command.args == "314159"
        contact = KeyboardButton(text="发送手机号", request_contact=True)
        await message.answer(
            "请发送手机号完成绑定。", reply_markup=ReplyKeyboardMarkup(keyboard=[[contact]], resize_keyboard=True)
        )

    @router.message(F.contact)
    async def bound(message: Message) -> None:
        await message.answer("绑定成功：高新区街道办 李明，手机尾号 1234。", reply_markup=ReplyKeyboardRemove())
        text = (
            "<b>【新工单】JL20261012-0001</b>\n类别：求助　级别：一般　地点：高新区\n诉求：小区旁工地夜间施工，噪声很大。\n"
            "请于 周一 17:30 前签收，10月19日 17:30 前办结。"
        )
        await message.answer(text, parse_mode="HTML", reply_markup=card)

    @router.callback_query()
    async def pressed(query: CallbackQuery) -> None:
        await query.message.edit_reply_markup()
        await query.answer("签收成功")
        await query.message.answer("已签收：JL20261012-0001（09:31）。\n请尽快联系诉求人，办结截止 10月19日 17:30。")

    @router.message()
    async def anything(message: Message) -> None:
        received = "文件" if message.document or message.photo else message.text
        await message.reply(f"已收到：{received}")

    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    task = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=1))
    yield bot
    await dispatcher.stop_polling()
    await task


@pytest.fixture
async def http(base_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url) as session:
        yield session


async def test_the_page_loads_nothing_from_elsewhere_and_forbids_inline_scripts(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    for address in ("/sandbox", "/sandbox/"):
        answer = await http.get(address)
        text = await answer.text()
        assert answer.status == 200 and 'data-base="/sandbox"' in text
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "http:" not in text and "https:" not in text and "style=" not in text and "<style" not in text
    for name in ("main.js", "chat.js", "phone.js", "kit.js", "base.css", "chat.css", "phone.css", "icon.svg"):
        assert (await http.get(f"/sandbox/page/{name}")).status == 200
    assert (await http.get("/sandbox/page/nothing.js")).status == 404
    assert (await http.get("/sandbox/clock")).status == 200, "the clock stays with the product"


JUNK: tuple[object, ...] = ("x", "", "٣", "-1", "9" * 40, 1.5, -1, 10**40, None, True, [], {}, ["x"], {"x": 1})


@pytest.mark.violates
async def test_texts_where_numbers_are_wanted_are_refused_and_never_an_error_XS11(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    add_people(simulator)
    await simulator.chat.get_user("李明", LI).say("你好")
    for junk in JUNK:
        for path, body in (
            (f"/chat/{LI}/say", {"text": "x", "reply_to": junk}), (f"/chat/{LI}/press", {"message": junk, "row": 0, "column": 0}),
            (f"/chat/{LI}/press", {"message": 1, "row": junk, "column": junk}), (f"/chat/{LI}/contact", {"whose": junk}),
            (f"/phone/{WANG}/behave", {"behaviour": junk}), ("/call/CAx/speech", {"text": "x", "confidence": junk}),
            (f"/chat/{LI}/block", {"blocked": junk}), (f"/people/{LI}/bind", {}),
        ):  # fmt: skip
            answer = await http.post(f"/sandbox/api{path}", json=body)
            assert answer.status < 500, (path, body)
        for path in (f"/feed?after={junk}&limit={junk}", "/nothing"):
            assert (await http.get(f"/sandbox/platform{path}")).status < 500
        for path in ("/mood", "/answer/1", f"/answer/{'9' * 30}", "/demand"):
            assert (await http.post(f"/sandbox/platform{path}", data={"mood": str(junk), "ok": str(junk)})).status < 500
    assert (await http.get("/sandbox/api/file/x")).status == 404


async def test_the_people_are_listed_with_their_numbers(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    add_people(simulator)
    first, second, third = await (await http.get("/sandbox/people.json")).json()
    assert (first["phone"], first["role"], first["started"]) == (LI, "handler", False)
    assert second["unit"] == "高新区街道办" and third["phone"] == WANG


async def test_one_click_binds_and_one_click_shares_the_number(
    http: aiohttp.ClientSession, simulator: Simulator, working_bot: Bot
) -> None:
    add_people(simulator)
    user = simulator.chat.get_user("李明", LI)
    assert (await http.post(f"/sandbox/api/people/{LI}/bind", json={})).status == 200
    await user.expect("请发送手机号")
    view = (await (await http.get("/sandbox/api/view", params={"chat": LI})).json())["chat"]
    assert view["keyboard"] == [[{"text": "发送手机号", "contact": True}]] and view["started"]
    await http.post(f"/sandbox/api/chat/{LI}/contact", json={})
    card = await user.expect("【新工单】")
    pressed = await http.post(f"/sandbox/api/chat/{LI}/press", json={"message": card.id, "row": 0, "column": 0})
    assert (await pressed.json())["toast"] == "签收成功"
    form = aiohttp.FormData({"reply_to": str(card.id)})
    form.add_field("file", b"%PDF-1.4" + b"x" * 2_000_000, filename="说明.pdf", content_type="application/pdf")
    assert (await http.post(f"/sandbox/api/chat/{LI}/file", data=form)).status == 200
    await user.expect("已收到：文件")
    again = await http.post(f"/sandbox/api/chat/{LI}/press", json={"message": card.id, "row": 0, "column": 0})
    assert (again.status, (await again.json())["error"]) == (404, "no_such_button")
    assert (await http.post("/sandbox/api/people/+8600/bind", json={})).status == 404
    assert simulator.list_violations() == []


async def test_calls_are_answered_made_and_refused_on_the_page(
    http: aiohttp.ClientSession, simulator: Simulator, office: FakeOffice, create_call: CreateCall
) -> None:
    add_people(simulator)
    office.answers |= {"voice": build_menu("确认收到请按1", timeout=30), "key": build_say("已记录，再见。")}
    made = await create_call(LI)
    view = await (await http.get("/sandbox/api/view", params=[("phone", LI), ("phone", WANG)])).json()
    assert view["ringing"] == [{"phone": LI, "name": "李明"}] and view["phones"][0]["calls"][0]["status"] == "ringing"
    call_url = f"/sandbox/api/call/{made.sid}"
    await http.post(f"{call_url}/answer", json={})
    await simulator.phones.live_calls[made.sid].wait_to_hear("请按1")
    assert (await http.post(f"{call_url}/key", json={"key": "x"})).status == 422
    await http.post(f"{call_url}/key", json={"key": "1"})
    await simulator.phones.get_phone(LI).calls[0].wait_until_over()
    assert (await http.post(f"{call_url}/key", json={"key": "1"})).status == 409
    await http.post(f"/sandbox/api/phone/{LI}/behave", json={"behaviour": "busy"})
    await create_call(LI)
    await simulator.settle()
    assert simulator.phones.calls_made[-1].status == "busy"
    office.answers["inbound"] = build_say("您好")
    simulator.phones.inbound = HookUrl(office.url_of("inbound"))
    await http.post(f"/sandbox/api/phone/{WANG}/dial", json={})
    call = simulator.phones.get_phone(WANG).calls[-1]
    assert await call.wait_until_over() == "completed" and call.heard == "您好"


async def test_the_page_is_told_of_every_change(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    add_people(simulator)
    async with http.get("/sandbox/api/events") as stream:
        await asyncio.wait_for(stream.content.readuntil(b"\n"), 5)
        await simulator.chat.get_user("李明", LI).say("在吗")
        revision = -1
        while revision < simulator.broadcast.revision:
            line = await asyncio.wait_for(stream.content.readline(), 5)
            if b"revision" in line:
                revision = json.loads(line.removeprefix(b"data: "))["revision"]


async def test_a_restarted_simulator_has_its_chats_and_handsets_again(
    simulator: Simulator, office: FakeOffice, create_call: CreateCall, tmp_path: Path
) -> None:
    settings = {
        **REAL, "now": simulator.now, "public_url": office.url, "chat_token": simulator.chat.token, "chat_secret": None,
        "twilio_sid": simulator.phones.sid, "twilio_token": simulator.phones.token, "own_number": simulator.phones.own_number,
        "state_path": tmp_path / "simulator.json",
    }  # fmt: skip
    before = Simulator(**settings)
    await before.start()
    add_people(before)
    user = before.chat.get_user("李明", LI)
    await user.start("1")
    document = await user.send_document("说明.pdf", b"%PDF")
    before.chat.send_as_bot(
        user.chat, text="卡片", markup={"inline_keyboard": [[{"text": "签收", "callback_data": "x"}]]}
    )
    before.phones.send_sms(LI, before.phones.own_number, "短信", None)
    before.phones.get_phone(LI).be_unreachable()
    await before.phones.get_phone(WANG).call_office()
    await before.close()
    after = Simulator(**settings)
    await after.start()
    user = after.chat.get_user("李明", LI)
    assert [message.text for message in user.messages] == ["/start 1", "", "卡片"]
    assert user.get_last_message().buttons == ["签收"]
    assert after.chat.files[document.file.id][1] == b"%PDF" and len(after.chat.updates.pending) == 2
    assert (await user.say("新")).id > document.id
    assert after.phones.get_phone(LI).sms[0].body == "短信" and after.people[WANG].name == "王女士"
    assert [live.call.status for live in after.phones.get_phone(WANG).calls] == ["failed"]
    await after.close()


@pytest.fixture
async def screen(chromium: str) -> AsyncIterator[Page]:
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(8000)
        yield page
        await browser.close()


async def test_a_person_uses_chat_and_handsets_in_a_browser(
    screen: Page, base_url: str, simulator: Simulator, office: FakeOffice, create_call: CreateCall, working_bot: Bot,
    tmp_path: Path,
) -> None:  # fmt: skip
    add_people(simulator)
    office.answers |= {
        "voice": build_menu("您单位有一件一般工单待签收，确认收到请按1", timeout=60),
        "key": build_say("已记录，请尽快签收。再见。"),
    }
    errors: list[str] = []
    screen.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    screen.on("pageerror", lambda error: errors.append(str(error)))
    await screen.goto(f"{base_url}/sandbox")
    await screen.screenshot(path=tmp_path / "1-first.png")
    await screen.click(".welcome .primary")
    await screen.click(".deck >> text=发送手机号")
    await screen.wait_for_selector("text=【新工单】JL20261012-0001")
    await screen.hover(".row:has-text('【新工单】')")
    await screen.screenshot(path=tmp_path / "2-card.png")
    await create_call(LI)
    await screen.wait_for_selector("#handler >> text=热线来电")
    await create_call(WANG)
    await screen.wait_for_selector("#caller >> text=热线来电")
    await screen.click("#handler .call-key.take")
    await screen.wait_for_selector("#handler >> text=确认收到请按1")
    await screen.screenshot(path=tmp_path / "3-call.png")
    await screen.click("#handler .pad >> text=1")
    await screen.wait_for_selector("#handler >> text=已记录")
    await screen.click("#chat .keys >> text=签收")
    await screen.wait_for_selector("text=签收成功")
    await screen.fill("#chat input[type=text]", "<img src=x onerror=alert(1)>")
    await screen.press("#chat input[type=text]", "Enter")
    await screen.wait_for_selector("text=已收到：<img src=x")
    await screen.screenshot(path=tmp_path / "4-signed.png")
    await screen.set_viewport_size({"width": 390, "height": 800})
    await screen.screenshot(path=tmp_path / "5-small.png")
    await screen.click("#tabs >> text=诉求人电话")
    await screen.screenshot(path=tmp_path / "6-small-ring.png")
    await screen.click("#caller .call-key.take")
    await screen.wait_for_selector("#caller >> text=确认收到请按1")
    await screen.fill("#caller .speak input", "知道了")
    await screen.press("#caller .speak input", "Enter")
    await screen.wait_for_selector("#caller >> text=已记录")
    await screen.screenshot(path=tmp_path / "7-small-done.png")
    assert [form.get("Digits") or form.get("SpeechResult") for form in office.list_received("key")] == ["1", "知道了"]
    assert errors == []
