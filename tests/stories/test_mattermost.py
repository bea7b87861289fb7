"""A handler on a Mattermost server: bound by code, told, signs by a press, replies and closes in words; late presses; accounts closed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from backend.domain.acts import Snapshot
from backend.ports.tickets import TicketRef
from sandbox.faults import Fault
from sandbox.http_client import HttpClient
from sandbox.in_flight import InFlight
from sandbox.mattermost.model import Post
from sandbox.mattermost.network import MattermostNetwork
from sandbox.mattermost.server import MattermostServer
from sandbox.mattermost.users import MattermostGroup, MattermostUser
from tests.stories.office import Office, open_office

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
TOKEN, SECRET = "abcdefghijkmnopqrstuvwxyz1", "Geheim-9dK2mQ7xLp4s"
REPLY = "答复 路灯已经更换，今晚起恢复照明，已电话告知。"


@pytest.fixture
async def server() -> AsyncIterator[MattermostNetwork]:
    """A Mattermost server on a port of its own."""
    async with aiohttp.ClientSession() as http:
        client = HttpClient("https://none.example", None, http)
        network = MattermostNetwork(real_time=time.time, token=TOKEN, send_request=client.request, in_flight=InFlight())
        app = web.Application()
        app.add_subapp("/chat", MattermostServer(network).build_app())
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        network.url = f"http://127.0.0.1:{runner.addresses[0][1]}/chat"
        yield network
        await network.drop_streams()
        await runner.cleanup()


@pytest.fixture
async def office(
    server: MattermostNetwork, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    for name, value in {"API_URL": server.url, "TOKEN": TOKEN, "SECRET": SECRET, "PACE": "200"}.items():
        monkeypatch.setenv(f"JIESU_MATTERMOST_{name}", value)
    async with open_office(tmp_path, database_url) as opened:
        await wait_for(lambda: bool(server.sockets))
        yield opened
        assert server.violations == []


async def wait_for(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something holds."""
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    assert holds()


async def wait_for_state(office: Office, state: str, no: str = "JS0001") -> None:
    """Wait until a ticket has a state: words come by a stream of their own."""
    for _ in range(200):
        await office.settle()
        if await office.state(no) == state:
            return
        await asyncio.sleep(0.02)
    assert await office.state(no) == state


async def bind(office: Office, server: MattermostNetwork, code: str = "H101") -> MattermostUser:
    """Bind a person, by the code alone."""
    user = MattermostUser(server, code.lower())
    opened = await office.request("POST", f"/people/{code}/binding", "admin", {})
    await user.write(f"绑定 {opened['code']}")
    await user.expect("绑定成功")
    return user


async def be_told(office: Office, user: MattermostUser, no: str = "JS0001") -> Post:
    """A ticket comes; its card."""
    await office.dispatch_ticket(no)
    await office.settle()
    return await user.expect(no)


async def test_bound_by_code_told_signed_by_a_press_replied_and_closed_in_words(office, server) -> None:
    user = await bind(office, server)
    card = await be_told(office, user)
    assert "签收" in user.list_labels(card)
    assert await user.press(card, "签收") == ""
    assert user.list_notes()[-1] == "已签收。"
    assert "签收" not in user.list_labels(card) and "填写答复" in user.list_labels(card), "as it is after the act"
    await office.settle()
    assert await office.state("JS0001") == "signed"
    await user.write(REPLY, root=card)
    await wait_for_state(office, "replied")
    await user.write("办结 诉求人认可", root=card)
    await wait_for_state(office, "closed")
    moves = [move for move in await office.list_moves("JS0001") if move["source"] == "mattermost"]
    assert [(one["verb"], one["by"]) for one in moves] == [("sign", "H101"), ("reply", "H101"), ("close", "H101")]
    await office.assert_in_order()


async def test_a_press_answered_late_says_it_is_being_worked_on_and_the_card_is_right_afterwards(
    office, server
) -> None:
    user = await bind(office, server)
    card = await be_told(office, user)
    moves = office.application.services.tickets.moves
    load: Callable[[TicketRef], Awaitable[Snapshot | None]] = moves.load

    async def load_slowly(ref: TicketRef) -> Snapshot | None:
        await asyncio.sleep(3.2)
        return await load(ref)

    moves.load = load_slowly  # type: ignore[method-assign]
    assert await user.press(card, "签收") == ""
    assert user.list_notes()[-1] == "正在处理，请稍候。"
    moves.load = load  # type: ignore[method-assign]
    await wait_for_state(office, "signed")
    await office.settle()
    assert "签收" not in user.list_labels(card) and "填写答复" in user.list_labels(card)
    await user.expect("已签收")


async def test_the_same_press_twice_has_one_effect_and_a_forged_one_none_FT1_FT5(office, server) -> None:
    user = await bind(office, server)
    card = await be_told(office, user)
    action = next(one for one in server.list_rows(card) if one.name == "签收")
    forged = {**action.context, "mac": "0" * 32}
    action.context, genuine = forged, action.context
    assert await user.press(card, "签收") == "status=401"
    assert await office.state("JS0001") == "dispatched"
    action.context = genuine
    body = {
        "user_id": user.account.id, "user_name": "h101", "channel_id": user.channel.id, "channel_name": user.channel.name,
        "team_id": "", "post_id": card.id, "trigger_id": "one:and:the:same", "type": "button", "context": genuine,
    }  # fmt: skip
    for _ in range(2):
        assert await server.call(user.account, card, action.url, body) == ""
    await office.settle()
    assert [move["verb"] for move in await office.list_moves("JS0001")].count("sign") == 1


async def test_what_was_written_while_nobody_listened_is_heard_once_FT31(office, server) -> None:
    user = await bind(office, server)
    card = await be_told(office, user)
    await user.press(card, "签收")
    server.faults.plan_next(Fault.UNAVAILABLE, times=1, where="GET /websocket")
    await server.drop_streams()
    await user.write(REPLY, root=card)
    await wait_for_state(office, "replied")
    verbs = [move["verb"] for move in await office.list_moves("JS0001")]
    assert verbs.count("reply") == 1


async def test_whose_account_was_closed_is_unbound_and_rung_FT20(office, server) -> None:
    user = await bind(office, server)
    user.deactivate()
    await office.dispatch_ticket("JS0001", grade="urgent")
    await office.settle()
    assert not any("JS0001" in shown for shown in user.list_shown())
    assert (await office.request("GET", "/people/H101", "admin"))["chats"] == []
    assert len(office.calls_to("H101")) >= 1


async def test_in_a_group_only_what_is_said_to_us_is_kept(office, server) -> None:
    user = await bind(office, server)
    group = MattermostGroup(server, "residents", [user])
    before = len(server.list_posts(group.channel.id))
    await group.write(user, "今天谁去现场？")
    await group.write(user, "@jiesu /todo")
    await wait_for(lambda: len(server.list_posts(group.channel.id)) == before + 3)
    assert server.list_posts(group.channel.id)[-1].user == server.bot.id
