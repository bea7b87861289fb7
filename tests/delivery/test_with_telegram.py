"""Delivery through the real driver to a simulated chat network: what people see on their screens."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, select, update

from notify.chat.telegram.network import build_network
from sandbox.faults import Fault
from sandbox.simulator import Simulator
from sandbox.telegram.users import ChatUser
from storage import tables as t
from storage.engine.database import Database
from storage.engine.open import open_database
from storage.office.config import bump_epoch
from tests.delivery.world import DISPATCHER, HANDLER, World
from tests.simulated_networks import TELEGRAM_TOKEN, serve_networks


class ChatWorld(World):
    """An office whose worker sends to a simulated network, where H1, H2, L1 and R1 have opened the bot."""

    def __init__(self, db: Database, simulator: Simulator) -> None:
        super().__init__(db)
        self.simulator = simulator
        self.users: dict[str, ChatUser] = {}

    async def bind(self, person: str, chat_id: int) -> None:
        """Bind a person to a chat of the simulated network instead of the one they had."""

        def replace_address(c: Connection) -> None:
            c.execute(update(t.bindings).where(t.bindings.c.person == person).values(address=str(chat_id)))
            bump_epoch(c)

        await self.db.write(replace_address)


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[ChatWorld]:
    async with serve_networks(lambda: datetime(2026, 11, 10, 1, 30, tzinfo=UTC)) as (simulator, base_url):
        database = open_database(sqlite_url, time.monotonic)
        world = ChatWorld(database, simulator)
        await world.open()
        for number, code in enumerate(("H1", "H2", "L1", "R1")):
            user = world.users[code] = simulator.chat.get_user(f"{code}某", f"+861380000000{number}")
            await user.start()
            await world.bind(code, user.user_id)
        channel = build_network({"token": TELEGRAM_TOKEN, "api_url": f"{base_url}/sandbox/telegram"}).channel
        world.in_real_time = True
        world.worker = world.build_worker(channel=channel)
        yield world
        await world.worker.close()
        await channel.close()
    await database.close()
    assert simulator.list_violations() == []


async def test_a_ticket_signed_elsewhere_changes_the_card_on_every_screen(world: ChatWorld) -> None:
    await world.dispatch_ticket()
    await world.worker.run_once()
    card = await world.users["H1"].expect("【新工单】T1")
    assert card.buttons == ["签收", "查看详情"]
    await world.users["H2"].expect("【新工单】T1")
    await world.act("sign", HANDLER)
    await world.worker.run_once()
    assert await world.users["H1"].expect("已签收：H1某", edit=True) is card
    assert card.buttons == ["联系诉求人", "填写答复", "申请退单", "申请延期", "查看详情"]
    assert world.users["H1"].list_unexpected() == [] == world.users["H2"].list_unexpected()


async def test_hostile_text_is_shown_literally_FT27(world: ChatWorld) -> None:
    await world.dispatch_ticket(text="<b>急</b> &amp; _*[]()~ \u202e倒 \u200b路灯 🏮")
    await world.worker.run_once()
    assert "<b>急</b> &amp; _*[]()~" in (await world.users["H1"].expect("T1")).text


async def test_who_blocked_the_bot_is_unbound_and_their_liaison_told_FT20(world: ChatWorld) -> None:
    world.users["H1"].block()
    await world.dispatch_ticket()
    await world.worker.run_once()
    await world.users["L1"].expect("H1某 的消息通道已失效")
    assert [(p, r) for p, _, r in world.dropped_bindings] == [("H1", "blocked")]
    requests = len(world.simulator.chat.requests)
    await world.worker.run_once()
    assert len(world.simulator.chat.requests) == requests  # no retry loop


async def test_a_connection_cut_after_the_message_arrived_makes_one_marked_copy_and_no_third_FT24(
    world: ChatWorld,
) -> None:
    world.simulator.chat.faults.plan_next(Fault.CUT_AFTER, where="sendMessage")
    await world.dispatch_ticket()
    await world.worker.run_once()
    for _ in range(3):
        world.pass_time(minutes=1)
        await world.worker.run_once()
    texts = [m.text for p in ("H1", "H2") for m in world.users[p].messages if m.from_bot]
    assert len(texts) == 3 and sum(text.startswith("（重发）【新工单】T1") for text in texts) == 1


async def test_a_server_error_delays_the_card_and_loses_nothing_FT23(world: ChatWorld) -> None:
    world.simulator.chat.faults.plan_next(Fault.SERVER_ERROR, 2, where="sendMessage")
    await world.dispatch_ticket()
    for _ in range(4):
        await world.worker.run_once()
        world.pass_time(minutes=1)
    await world.users["H1"].expect("【新工单】T1")
    await world.users["H2"].expect("【新工单】T1")


async def test_a_group_that_became_a_supergroup_gets_its_message_once_FT21(world: ChatWorld) -> None:
    group = world.simulator.chat.create_group("住建局", [world.users["H1"], world.users["H2"]])
    await world.bind("H1", group.chat.id)
    moved = group.migrate()
    world.office.invalidate()
    await world.dispatch_ticket()
    await world.worker.run_once()
    assert sum(m.from_bot for m in moved.chat.messages.values()) == 1
    query = select(t.bindings.c.address).where(t.bindings.c.person == "H1")
    assert await world.db.read(lambda c: c.execute(query).scalar_one()) == str(moved.chat.id)


async def test_a_reassigned_ticket_leaves_no_buttons_behind_FT14(world: ChatWorld) -> None:
    await world.dispatch_ticket()
    await world.worker.run_once()
    card = await world.users["H1"].expect("【新工单】T1")
    await world.act("reassign", DISPATCHER, unit="U02")
    await world.worker.run_once()
    await world.users["H1"].expect("已改派", edit=True)
    assert card.buttons == []
