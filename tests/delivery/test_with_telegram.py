"""The same through the real driver against the rehearsal town's Bot API server: what people see on their screens."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web
from sqlalchemy import Connection, update

from notify.chat.telegram import build
from sandbox.faults import Fault
from sandbox.simulator import Simulator
from sandbox.telegram.users import ChatUser
from storage import tables as t
from storage.engine.database import Database, open_database
from storage.office.config import bump_epoch
from tests.delivery.world import DISPATCHER, HANDLER, House
from tests.time_and_chance import REAL

TOKEN = "123456789:AAsandbox-token"


class Screens:
    """A house whose courier speaks to a town; handlers H1 and H2 and the liaison L1 have opened the bot."""

    def __init__(self, house: House, town: Simulator, people: dict[str, ChatUser], courier) -> None:  # type: ignore[no-untyped-def]
        self.house, self.town, self.people, self.courier = house, town, people, courier


async def rebind(database: Database, person: str, address: str) -> None:
    """Bind a person to a chat of the town."""

    def work(c: Connection) -> None:
        c.execute(update(t.bindings).where(t.bindings.c.person == person).values(address=address))
        bump_epoch(c)

    await database.write(work)


@pytest.fixture
async def town() -> AsyncIterator[tuple[Simulator, str]]:
    made = Simulator(now=lambda: datetime(2026, 11, 10, 1, 30, tzinfo=UTC), **REAL, public_url="https://jiesu.example",
                telegram_token=TOKEN, telegram_secret=None, twilio_sid="AC" + "0" * 32, twilio_token="x",
                own_number="+864312345678", reach_url="http://127.0.0.1:1")  # fmt: skip
    main = web.Application()
    main.add_subapp("/sandbox/", made.build_app())
    runner = web.AppRunner(main, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await made.start()
    port = runner.addresses[0][1]
    yield made, f"http://127.0.0.1:{port}/sandbox/telegram"
    await made.close()
    await runner.cleanup()


@pytest.fixture
async def screens(town: tuple[Simulator, str], sqlite_url: str) -> AsyncIterator[Screens]:
    network, url = town
    database: Database = open_database(sqlite_url, time.monotonic)
    house = await House(database).open()
    people: dict[str, ChatUser] = {}
    for number, code in enumerate(("H1", "H2", "L1", "R1")):
        people[code] = network.chat.get_user(f"{code}某", f"+861380000000{number}")
        await people[code].start()
        address = str(people[code].user_id)
        await rebind(database, code, address)
    channel = build({"token": TOKEN, "api_url": url})
    house.in_real_time = True
    courier = house.new_courier(channel=channel)
    yield Screens(house, network, people, courier)
    await courier.close()
    await channel.close()
    await database.close()
    assert network.list_violations() == []


async def test_a_card_arrives_is_signed_elsewhere_and_changes_on_every_screen(screens: Screens) -> None:
    await screens.house.dispatched()
    await screens.courier.run_once()
    card = await screens.people["H1"].expect("【新工单】T1")
    assert card.buttons == ["签收", "查看详情"]
    await screens.people["H2"].expect("【新工单】T1")
    await screens.house.act("sign", HANDLER)
    await screens.courier.run_once()
    assert await screens.people["H1"].expect("已签收：H1某", edit=True) is card
    assert card.buttons == ["联系诉求人", "填写答复", "申请退单", "申请延期", "查看详情"]
    assert screens.people["H1"].list_unexpected() == [] == screens.people["H2"].list_unexpected()


async def test_hostile_text_is_shown_literally_FT27(screens: Screens) -> None:
    await screens.house.dispatched(text="<b>急</b> &amp; _*[]()~ \u202e倒 \u200b路灯 🏮")
    await screens.courier.run_once()
    assert "<b>急</b> &amp; _*[]()~" in (await screens.people["H1"].expect("T1")).text


async def test_somebody_who_blocked_the_bot_is_forgotten_and_his_colleagues_told_FT20(
    screens: Screens,
) -> None:
    screens.people["H1"].block()
    await screens.house.dispatched()
    await screens.courier.run_once()
    await screens.people["L1"].expect("H1某 的消息通道已失效")
    assert [(p, r) for p, _, r in screens.house.lost] == [("H1", "blocked")]
    asked = len(screens.town.chat.requests)
    await screens.courier.run_once()
    assert len(screens.town.chat.requests) == asked  # no retry loop


async def test_a_cut_after_accept_makes_one_marked_copy_and_never_a_third_FT24(screens: Screens) -> None:
    screens.town.chat.faults.plan_next(Fault.CUT_AFTER, where="sendMessage")
    await screens.house.dispatched()
    await screens.courier.run_once()
    for _ in range(3):
        screens.house.later(minutes=1)
        await screens.courier.run_once()
    texts = [m.text for p in ("H1", "H2") for m in screens.people[p].messages if m.from_bot]
    assert len(texts) == 3 and sum(text.startswith("（重发）【新工单】T1") for text in texts) == 1


async def test_a_gateway_s_error_page_is_no_crash_and_the_card_comes_FT23(screens: Screens) -> None:
    screens.town.chat.faults.plan_next(Fault.SERVER_ERROR, 2, where="sendMessage")
    await screens.house.dispatched()
    for _ in range(4):
        await screens.courier.run_once()
        screens.house.later(minutes=1)
    await screens.people["H1"].expect("【新工单】T1")
    await screens.people["H2"].expect("【新工单】T1")


async def test_a_group_that_became_a_supergroup_gets_its_message_once_FT21(screens: Screens) -> None:
    group = screens.town.chat.create_group("住建局", [screens.people["H1"], screens.people["H2"]])
    await rebind(screens.house.db, "H1", str(group.chat.id))
    moved = group.migrate()
    screens.house.office.invalidate()
    await screens.house.dispatched()
    await screens.courier.run_once()
    assert sum(m.from_bot for m in moved.chat.messages.values()) == 1
    address = await screens.house.db.read(
        lambda c: c.execute(t.bindings.select().where(t.bindings.c.person == "H1")).one().address
    )
    assert address == str(moved.chat.id)


async def test_a_reassigned_ticket_leaves_no_buttons_behind_FT14(screens: Screens) -> None:
    await screens.house.dispatched()
    await screens.courier.run_once()
    card = await screens.people["H1"].expect("【新工单】T1")
    await screens.house.act("reassign", DISPATCHER, unit="U02")
    await screens.courier.run_once()
    await screens.people["H1"].expect("已改派", edit=True)
    assert card.buttons == []
