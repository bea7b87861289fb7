"""A handler on a Mattermost server: bound by code, told, signs by a press, replies and closes in words; late presses; accounts closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from backend.domain.acts import Snapshot
from backend.ports.tickets import TicketRef
from sandbox.faults import Fault
from sandbox.mattermost.model import Post
from sandbox.mattermost.network import MattermostNetwork
from sandbox.mattermost.users import MattermostGroup, MattermostUser
from tests.stories.office import Office, open_office

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
REPLY = "答复 路灯已经更换，今晚起恢复照明，已电话告知。"


@pytest.fixture
async def office(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """An office on both networks of the rehearsal."""
    monkeypatch.setenv("JIESU_CHAT", "telegram,mattermost")
    async with open_office(tmp_path, database_url) as opened:
        await wait_for(lambda: bool(find_server(opened).sockets))
        yield opened


@pytest.fixture
def server(office: Office) -> MattermostNetwork:
    return find_server(office)


def find_server(office: Office) -> MattermostNetwork:
    """The simulated server of the office."""
    server = office.simulator.chats["mattermost"]
    assert isinstance(server, MattermostNetwork)
    return server


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


async def test_a_question_is_a_post_of_its_own_and_answered_by_plain_words_or_in_its_thread(office, server) -> None:
    user = await bind(office, server)
    card = await be_told(office, user)
    await user.press(card, "签收")
    await user.press(card, "填写答复")
    question = await user.expect("答复")
    assert question.root == "", "so that a reply names it"
    await user.write(REPLY.removeprefix("答复 "))
    await wait_for_state(office, "replied")
    await user.press(card, "办结")
    await office.settle()
    asked = user.posts[-1]
    assert asked.user == server.bot.id and asked.id != card.id
    await user.write("诉求人认可", root=asked)
    await wait_for_state(office, "closed")


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


async def test_a_handler_is_bound_told_and_signs_on_the_page_of_the_rehearsal(office, server) -> None:
    phone = office.find_phone("H101")
    base = f"{office.config.local_url}/sandbox"

    async def post(path: str, **body: object) -> dict[str, object]:
        async with office.http.post(f"{base}/api/{path}", json=body) as answer:
            return {**await answer.json(), "status": answer.status}

    async def look() -> list[dict[str, Any]]:
        async with office.http.get(f"{base}/api/view", params={"chat": phone}) as answer:
            found = (await answer.json())["chat"]
        return list(found["messages"])

    assert (await post(f"people/{phone}/bind"))["ok"]
    await wait_until_shown(look, "绑定成功")
    await office.dispatch_ticket("JS0001")
    await wait_until_shown(look, "JS0001")
    card = (await look())[-1]
    assert card["rows"][0][0]["text"] == "签收" and not card["mine"]
    pressed = await post(f"chat/{phone}/press", message=card["id"], row=0, column=0)
    assert (pressed["toast"], pressed["alert"]) == ("已签收。", False)
    assert await office.state("JS0001") == "signed"
    assert (await post(f"chat/{phone}/press", message="x", row=0, column=0))["status"] == 404
    assert (await post(f"chat/{phone}/say", text="/todo"))["status"] == 422, "the server takes it for its own command"
    assert (await post(f"chat/{phone}/say", text=REPLY, reply_to=card["id"]))["ok"]
    await wait_for_state(office, "replied")
    assert "quote" in (await look())[-1]


async def wait_until_shown(look: Callable[[], Awaitable[list[dict[str, Any]]]], text: str) -> None:
    """Wait until the page shows a text."""
    for _ in range(200):
        if any(text in str(one["text"]) for one in await look()):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(text)
