"""Networks that read the answer to a press in the response to it: in time, once, and with the card as it is now."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from backend.domain.acts import Snapshot
from backend.ports.tickets import TicketRef
from bot.press_answers import PressAnswers
from tests import paper
from tests.bot.world import World

NETWORK = "paper"


class PaperDesk:
    """Somebody with a desk on the network of `tests/paper`, whose code alone binds them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = 0

    def encode(self, **what: object) -> bytes:
        self.number += 1
        return json.dumps({"id": self.number, "user": "u1", "desk": "d1", **what}).encode()

    async def write(self, text: str, **what: object) -> list[str]:
        """Write to the office; what it wrote back."""
        before = len(paper.DESK.sheets)
        await self.world.worker.receive(NETWORK, self.encode(text=text, **what))
        await self.world.settle()
        return [card.text for _, card in list(paper.DESK.sheets.values())[before:]]

    async def tick(self, sheet: str, label: str) -> dict[str, str]:
        """Tick a box; what the office answers there and then."""
        buttons = [button for row in paper.DESK.sheets[sheet][1].buttons for button in row]
        data = next(button.data for button in buttons if button.label == label)
        return await self.send(self.encode(sheet=sheet, tick=data))

    async def send(self, body: bytes) -> dict[str, str]:
        answer = await self.world.worker.respond(NETWORK, body)
        return dict(json.loads(answer.text))


@pytest.fixture
async def desk(world: World) -> AsyncIterator[PaperDesk]:
    world.services.networks[NETWORK] = paper.build({"key": "k1"})  # type: ignore[index]
    paper.DESK.sheets.clear()
    yield PaperDesk(world)
    paper.DESK.sheets.clear()


async def bind(desk: PaperDesk, code: str = "H1") -> None:
    opened = await desk.world.people.create_binding_code(code, "admin")
    [said] = await desk.write(f"绑定 {opened.code}")
    assert "绑定成功" in said


async def get_card(desk: PaperDesk) -> str:
    """The number of the sheet with the card of T1, which was dispatched to them."""
    await desk.world.dispatch_ticket()
    await desk.write("/ticket T1")
    return str(len(paper.DESK.sheets))


async def test_where_nobody_can_share_their_number_the_code_alone_binds_once_FT32(desk: PaperDesk) -> None:
    people = desk.world.people
    opened = await people.create_binding_code("H1", "admin")
    assert await people.find_by_chat(NETWORK, "u1") is None
    [refused] = await desk.write("绑定 00000000")
    assert "绑定码" in refused and await people.find_by_chat(NETWORK, "u1") is None
    [said] = await desk.write(f"/start {opened.code}")
    assert "绑定成功" in said
    person = await people.find_by_chat(NETWORK, "u1")
    assert person is not None and (person.code, person.chat, person.address) == ("H1", NETWORK, "d1")
    [again] = await desk.write(f"绑定 {opened.code}")
    assert "绑定成功" not in again
    assert "bound" in await desk.world.list_audit_events()


async def test_a_press_is_answered_in_its_response_and_the_card_with_it(desk: PaperDesk) -> None:
    await bind(desk)
    sheet = await get_card(desk)
    answer = await desk.tick(sheet, "签收")
    assert answer["toast"] == "已签收。"
    assert "T1" in answer["sheet"] and answer["sheet"] != paper.DESK.sheets[sheet][1].text, "as it is after the act"
    await desk.world.settle()
    assert await desk.world.state() == "signed" and len(paper.DESK.sheets) == int(sheet), "nothing was said twice"


async def test_a_press_that_comes_five_times_has_one_effect_and_always_its_answer_FT1(desk: PaperDesk) -> None:
    await bind(desk)
    sheet = await get_card(desk)
    data = paper.DESK.sheets[sheet][1].buttons[0][0].data
    body = desk.encode(sheet=sheet, tick=data)
    answers = [await desk.send(body), *await asyncio.gather(*(desk.send(body) for _ in range(4)))]
    assert {answer["toast"] for answer in answers} == {"已签收。"}
    assert (await desk.world.list_verbs()).count("sign") == 1


async def test_a_slow_press_is_answered_working_in_time_and_then_in_words(desk: PaperDesk) -> None:
    await bind(desk)
    sheet = await get_card(desk)
    load = desk.world.tickets.moves.load

    async def load_slowly(ref: TicketRef) -> Snapshot | None:
        await asyncio.sleep(1.3)
        return await load(ref)

    desk.world.tickets.moves.load = load_slowly  # type: ignore[method-assign]
    began = asyncio.get_running_loop().time()
    answer = await desk.tick(sheet, "签收")
    assert (answer["toast"], answer["sheet"]) == ("正在处理，请稍候。", None)
    assert asyncio.get_running_loop().time() - began < paper.PaperReceiver.can.limit
    await desk.world.settle()
    said = [card.text for _, card in list(paper.DESK.sheets.values())[int(sheet) :]]
    assert len(said) == 1 and "已签收" in said[0]


async def test_a_press_handled_in_another_process_is_answered_from_its_row(desk: PaperDesk) -> None:
    world = desk.world
    await world.stop()
    kept = await world.worker.receive(NETWORK, desk.encode(sheet="1", tick="x"))
    here, there = PressAnswers(world.inbox), PressAnswers(world.inbox)
    waiting = asyncio.create_task(here.wait(kept.id, 1.0, "late"))
    await asyncio.sleep(0.1)
    assert await there.give(kept.id, "done")
    assert await asyncio.wait_for(waiting, 0.5) == ("done", True)
    assert not await there.give(kept.id, "again"), "nobody would see it"
    other = await world.worker.receive(NETWORK, desk.encode(sheet="1", tick="y"))
    assert await here.wait(other.id, 0.1, "late") == ("late", False)
    assert not await there.give(other.id, "too late")


async def test_people_on_two_networks_are_told_each_on_their_own_FT20(desk: PaperDesk) -> None:
    """The liaison of a person whose chat is dead is told where the liaison is."""
    await bind(desk, "L1")
    user = await desk.world.bind("H1")
    before = len(paper.DESK.sheets)
    user.block()
    await desk.world.settle()
    told = [card.text for _, card in list(paper.DESK.sheets.values())[before:]]
    assert len(told) == 1 and "李明" in told[0]
