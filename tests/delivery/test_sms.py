"""Whom neither chat nor telephone reached gets one SMS of at most 70 characters without a link (texts 7.5)."""

import time
from datetime import UTC, datetime

import pytest

from backend.delivery.gateways import SmsGateways
from backend.delivery.sms import SmsWorker
from backend.domain.records import Message
from notify.channel import DeliveryError
from notify.message import Receipt
from notify.rate_limit import Bucket, LocalRateLimiter
from notify.sms_gateway import SmsCapabilities, SmsRules
from tests.delivery.world import HANDLER, World
from tests.time_and_chance import CHANCE


class FakeGateway:
    """An SMS gateway that remembers what it was asked to send, and fails as told."""

    name = "twilio"
    can = SmsCapabilities(by_prefix=(), otherwise=SmsRules(two_way=False, links=False, max_chars=500))

    def __init__(self, *failures: DeliveryError) -> None:
        self.requested: list[tuple[str, str]] = []
        self.failures = list(failures)

    def buckets(self) -> tuple[Bucket, ...]:
        return ()

    async def send(self, to: str, text: str, *, status_url: str = "") -> Receipt:
        self.requested.append((to, text))
        if self.failures:
            raise self.failures.pop(0)
        return Receipt("SM1", to, datetime.now(UTC))


class FakePeople:
    """Everybody has the same number."""

    async def get_phone(self, person: str) -> str | None:
        return "+8613800001001"


def build_sms_worker(world: World, gateway: FakeGateway | None) -> SmsWorker:
    return SmsWorker(
        world.outbox, world.moves, world.office, FakePeople(), world.texts, LocalRateLimiter(time.monotonic), "worker", CHANCE, "12345热线", "12345",
        SmsGateways((gateway,) if gateway else ()),  # type: ignore[arg-type]
    )  # fmt: skip


async def report_unanswered_call(world: World, person: str) -> None:
    """Report that nobody answered the call to a person about T1."""
    call = await world.add_message("call_to_sign", person, channel="phone")
    await world.worker.report_unreachable(call.id, "no_answer")


@pytest.fixture
async def unreached(world: World) -> World:
    """An office that allows SMS, with a leader without a chat who did not answer the call about T1."""
    await world.set_setting("notify.sms", "true")
    await world.dispatch_ticket()
    await report_unanswered_call(world, "G1")
    return world


async def list_sms(world: World) -> list[tuple[str, str, str]]:
    """Kind, person and state of every SMS about T1."""
    found = [d.message for d in await world.list_deliveries(channel="sms")]
    return [(message.kind, message.person, message.state) for message in found]


async def test_whom_neither_chat_nor_telephone_reached_gets_one_sms_S1(unreached: World) -> None:
    gateway = FakeGateway()
    worker = build_sms_worker(unreached, gateway)
    assert await worker.run_once() == 1
    assert await worker.run_once() == 0
    [(to, text)] = gateway.requested
    assert to == "+8613800001001"
    assert text.startswith("【12345热线】您单位有一件") and "待签收，编号" in text and "前登录平台签收" in text
    assert len(text) <= 70 and "http" not in text
    assert await list_sms(unreached) == [("sms_to_sign", "G1", "sent")]


async def test_no_sms_is_sent_where_the_office_did_not_allow_it(world: World) -> None:
    await world.dispatch_ticket()
    await report_unanswered_call(world, "G1")
    assert await build_sms_worker(world, FakeGateway()).run_once() == 0
    assert await list_sms(world) == []


async def test_whoever_has_the_card_in_their_chat_gets_no_sms(world: World) -> None:
    await world.set_setting("notify.sms", "true")
    await world.dispatch_ticket()
    await world.worker.run_once()  # the card reached the chat
    assert world.channel.list_sent("chat-H1")
    await report_unanswered_call(world, "H1")
    assert await list_sms(world) == []


async def test_an_ambiguous_sms_is_never_sent_again_and_a_throttled_one_is(unreached: World) -> None:
    gateway = FakeGateway(DeliveryError("throttled", "20429", retry_after=3.0), DeliveryError("ambiguous", "cut"))
    worker = build_sms_worker(unreached, gateway)
    await worker.run_once()
    assert await list_sms(unreached) == [("sms_to_sign", "G1", "pending")]
    unreached.pass_time(seconds=10)
    await worker.run_once()
    unreached.pass_time(seconds=3600)
    await worker.run_once()
    assert len(gateway.requested) == 2
    assert await list_sms(unreached) == [("sms_to_sign", "G1", "ambiguous")]


async def test_an_sms_without_a_gateway_is_recorded_as_failed(unreached: World) -> None:
    await build_sms_worker(unreached, None).run_once()
    assert await list_sms(unreached) == [("sms_to_sign", "G1", "failed")]


async def test_an_sms_about_a_ticket_signed_meanwhile_is_not_sent(unreached: World) -> None:
    await unreached.act("sign", HANDLER)
    gateway = FakeGateway()
    await build_sms_worker(unreached, gateway).run_once()
    assert gateway.requested == []
    assert await list_sms(unreached) == [("sms_to_sign", "G1", "skipped")]


@pytest.mark.parametrize(
    ("kind", "facts"),
    [("sms_to_sign", {}), ("sms_due_soon", {}), ("sms_overdue", {}), ("sms_leader", {"what": "auto_signed"})],
)
async def test_every_sms_fits_into_70_characters(world: World, kind: str, facts: dict[str, str]) -> None:
    assignment_id = await world.dispatch_ticket()
    ticket = (await world.load()).ticket
    message = Message(1, kind, "sms", "G1", ticket.id, assignment_id, 1, True, world.at, world.at, facts)
    text = await build_sms_worker(world, None).render(message)
    assert text is not None and 20 < len(text) <= 70 and "{" not in text
