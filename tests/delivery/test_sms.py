"""When a person's chat and telephone both failed he is texted, once, in 70 characters and without a link (texts 7.5)."""

import time
from datetime import UTC, datetime

import pytest

from backend.delivery.sms import SmsWorker
from backend.domain.records import Message
from backend.ports.config import SettingVersion
from backend.ports.moves import TicketRef
from notify.channel import DeliveryError
from notify.message import Receipt
from notify.rate_limit import Bucket, LocalRateLimiter
from notify.sms_gateway import SmsCapabilities, SmsRules
from tests.delivery.world import HANDLER, House
from tests.time_and_chance import CHANCE


class Carrier:
    """A carrier of short messages that remembers, and fails as told."""

    name = "twilio"
    can = SmsCapabilities(by_prefix=(), otherwise=SmsRules(two_way=False, links=False, max_chars=500))

    def __init__(self, *fails: DeliveryError) -> None:
        self.sent: list[tuple[str, str]] = []
        self.fails = list(fails)

    def buckets(self) -> tuple[Bucket, ...]:
        return ()

    async def send(self, to: str, text: str, *, status_url: str = "") -> Receipt:
        self.sent.append((to, text))
        if self.fails:
            raise self.fails.pop(0)
        return Receipt("SM1", to, datetime.now(UTC))


class Phones:
    """Everybody's number."""

    async def get_phone(self, person: str) -> str | None:
        return "+8613800001001"


def _room(house: House, carrier: Carrier | None) -> SmsWorker:
    return SmsWorker(
        house.messages, house.moves, house.office, Phones(), house.catalogue, LocalRateLimiter(time.monotonic), "worker", CHANCE, "12345热线", "12345",
        carrier,  # type: ignore[arg-type]
    )  # fmt: skip


async def _allow(house: House) -> None:
    await house.config.add_version(SettingVersion("notify.sms", None, "true", house.at, "A1", house.at))
    house.office.invalidate()


async def _unreached(house: House, kind: str = "P1", person: str = "G1") -> int:
    """A call to a person without a chat that came to nothing; the assignment."""
    assignment = await house.dispatched()
    snap = await house.moves.load(TicketRef(assignment_id=assignment))
    assert snap is not None
    await house.ids.refill(4)
    message = Message(
        house.ids.take(), kind, "phone", person, snap.ticket.id, assignment, 1, True, house.at, house.at, {}
    )
    await house.messages.add([message])
    await house.courier.report_unreachable(message.id, "no_answer")
    return assignment


async def _texts(house: House) -> list[tuple[str, str, str]]:
    return [
        (d.message.kind, d.message.person, d.message.state)
        for d in await house.deliveries()
        if d.message.channel == "sms"
    ]


async def test_who_took_neither_chat_nor_telephone_is_texted_once_S1(house: House) -> None:
    await _allow(house)
    await _unreached(house)
    carrier = Carrier()
    room = _room(house, carrier)
    assert await room.run_once() == 1
    assert await room.run_once() == 0
    ((to, words),) = carrier.sent
    assert to == "+8613800001001"
    assert words.startswith("【12345热线】您单位有一件") and "待签收，编号" in words and "前登录平台签收" in words
    assert len(words) <= 70 and "http" not in words
    assert await _texts(house) == [("S1", "G1", "sent")]


async def test_nobody_is_texted_where_the_office_did_not_allow_it(house: House) -> None:
    await _unreached(house)
    assert await _room(house, Carrier()).run_once() == 0
    assert await _texts(house) == []


async def test_whoever_has_the_card_in_his_chat_is_not_texted(house: House) -> None:
    await _allow(house)
    assignment = await house.dispatched()
    await house.courier.run_once()  # the card reached H1's chat
    snap = await house.moves.load(TicketRef(assignment_id=assignment))
    assert snap is not None
    await house.ids.refill(4)
    at = snap.assignments[0].dispatched_at
    message = Message(house.ids.take(), "P1", "phone", "H1", snap.ticket.id, assignment, 1, True, at, at, {})
    await house.messages.add([message])
    await house.courier.report_unreachable(message.id, "no_answer")
    assert await _texts(house) == []


async def test_a_text_in_doubt_is_never_sent_twice_and_a_refused_one_is_tried_again(house: House) -> None:
    await _allow(house)
    await _unreached(house)
    carrier = Carrier(DeliveryError("throttled", "20429", retry_after=3.0), DeliveryError("ambiguous", "cut"))
    room = _room(house, carrier)
    await room.run_once()
    assert await _texts(house) == [("S1", "G1", "pending")]
    house.later(seconds=10)
    await room.run_once()
    house.later(seconds=3600)
    await room.run_once()
    assert len(carrier.sent) == 2
    assert await _texts(house) == [("S1", "G1", "ambiguous")]


async def test_without_a_carrier_the_book_says_so(house: House) -> None:
    await _allow(house)
    await _unreached(house)
    await _room(house, None).run_once()
    assert await _texts(house) == [("S1", "G1", "failed")]


async def test_a_text_about_what_was_settled_meanwhile_is_not_sent(house: House) -> None:
    await _allow(house)
    await _unreached(house)
    await house.act("sign", HANDLER)
    carrier = Carrier()
    await _room(house, carrier).run_once()
    assert carrier.sent == []
    assert await _texts(house) == [("S1", "G1", "skipped")]


@pytest.mark.parametrize(("kind", "facts"), [("S1", {}), ("S2", {}), ("S3", {}), ("S7", {"what": "auto_signed"})])
async def test_no_text_is_longer_than_one_message(house: House, kind: str, facts: dict[str, str]) -> None:
    assignment = await house.dispatched()
    snap = await house.moves.load(TicketRef(assignment_id=assignment))
    assert snap is not None
    message = Message(1, kind, "sms", "G1", snap.ticket.id, assignment, 1, True, house.at, house.at, facts)
    words = await _room(house, None).render(message)
    assert words is not None and 20 < len(words) <= 70 and "{" not in words
