"""Who is reached, when and by what, follows the settings of the office: another value changes it."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from backend.calls.carriers import Carriers
from backend.calls.dependencies import CallDependencies
from backend.calls.service import Calls
from backend.delivery.fallback import FallbackContext, build_sms_fallback
from backend.delivery.gateways import SmsGateways
from backend.delivery.snooze import SnoozeService
from backend.delivery.view import MessageView
from backend.domain.rating_page import find_deadline
from backend.domain.reminders import Purpose
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Grade, Obligation
from backend.office.cache import OfficeCache
from backend.office.phone_numbers import mask_number
from backend.ports.ticket_queries import Page
from backend.ports.visits import RequesterNews as News
from backend.visits.automatic import AutoVisits
from backend.visits.rating_pages import RatingPages
from backend.visits.requester_news import RequesterNews
from backend.visits.texting import RequesterTexts
from notify.sms_gateway import SmsCapabilities, SmsRules
from tests.domain.move_world import Flow, closed, signed
from tests.settings.world import NOW, ZONE, Fake, Ids, build_office
from tests.time_and_chance import CHANCE

REQUESTER = "+8613900005678"


@pytest.mark.proves("escalation.order")
def test_a_unit_is_contacted_in_the_order_the_office_says() -> None:
    order = "leader,liaison,handler,deputy"
    flow, own = Flow(**{"escalation.order": order}), Flow(**{"escalation.order": "deputy,handler"})
    assert [p.code for p in flow.snapshot.contacts("U01", NOW, urgent=False)] == ["B1", "L1", "H1", "H2"]
    assert [p.code for p in own.snapshot.contacts("U01", NOW, urgent=False)] == ["H2", "H1"]


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "value", "called_at"),
    [  # closed on Tuesday at 09:30
        ("visit.start_after_close", "1h", "2026-11-10 10:30"),
        ("visit.window", "16:00-18:00", "2026-11-10 16:00"),
        ("visit.blocked_days", "11-10,11-11", "2026-11-12 09:00"),
    ],
)
def test_a_requester_is_called_when_the_office_says(key: str, value: str, called_at: str) -> None:
    assert Flow(**{key: value}).snapshot.visit_start(NOW) == datetime.fromisoformat(called_at).replace(tzinfo=ZONE)


@pytest.mark.proves("remind.max_per_obligation")
def test_a_duty_is_reminded_of_no_more_often_than_the_office_says() -> None:
    flow = Flow(**{"remind.max_per_obligation": "1"}).act("dispatcher", "dispatch", unit="U01")
    steps = flow.snapshot.list_reminder_steps(
        Obligation.SIGN, Grade.GENERAL, flow.at, flow.lead.sign_due_at, flow.lead.unit
    )
    assert {step.number for step in steps if step.purpose is Purpose.REMIND} == {1}


@pytest.mark.proves("remind.snooze")
async def test_a_list_that_is_put_off_comes_back_when_the_office_says() -> None:
    office, _ = build_office({"remind.snooze": "1h"})
    person = (await office.snapshot()).by_code["H1"]
    outbox: Any = Fake(add=None)
    service = SnoozeService(outbox, Fake(list_deliveries=Page(())), office, Ids(), Fake(), Fake())  # type: ignore[arg-type]
    assert await service.snooze_list(person) == NOW + timedelta(hours=1)
    assert [messages[0].not_before for (messages,) in outbox.list_asked("add")] == [NOW + timedelta(hours=1)]


@pytest.mark.proves("notify.sms")
def test_an_office_may_text_who_took_neither_chat_nor_telephone() -> None:
    flow = Flow(grade=Grade.URGENT, **{"notify.sms": "true"}).act("dispatcher", "dispatch", unit="U01")
    call = next(message for message in flow.messages if message.kind == "call_to_sign")
    context = FallbackContext(call, "no_answer", (), flow.snap, flow.snapshot, flow.at, Ids().take)
    assert [(sms.kind, sms.channel, sms.person) for sms in build_sms_fallback(context)] == [
        ("sms_to_sign", "sms", "H1")
    ]


@pytest.mark.proves("privacy.chat")
def test_an_office_may_keep_the_demand_out_of_the_chat() -> None:
    flow = signed(**{"privacy.chat": "strict"})
    assert MessageView(flow.snap, flow.lead, flow.snapshot, flow.at, Texts("zh_CN")).is_hidden


@pytest.mark.proves("privacy.phone_mask")
def test_numbers_are_shown_as_the_office_says() -> None:
    assert mask_number("+8613800001234", Flow(**{"privacy.phone_mask": "*******1234"}).snapshot) == "*******1234"


async def offer_nothing(_ticket_id: int, _round: int) -> bool:
    """No SMS and no page is out."""
    return False


def build_tools(office: OfficeCache, store: Any) -> CallDependencies:
    """What calls and visits need, with a store and nothing else that answers."""
    nobody: Any = Fake()
    return CallDependencies(
        store=store, outbox=nobody, tickets=nobody, office=office, people=nobody, delivery=nobody, carriers=Carriers(),
        rate_limiter=nobody, audit=nobody, texts=Texts("zh_CN"), public_url="", hotline="12345",
        hotline_name="12345热线", ids=Ids(), chance=CHANCE, ledgers=nobody,
        wake=nobody, tell_alarm=nobody,
    )  # fmt: skip


@pytest.mark.proves("visit.cap_per_person")
async def test_a_requester_is_visited_again_as_often_as_the_office_says() -> None:
    office, _ = build_office({"visit.cap_per_person": "2/7d"})
    store = Fake(is_do_not_call=False, list_visit_calls=[NOW - timedelta(days=1)])
    call: Any = SimpleNamespace(id=1, subject=None)
    visits = AutoVisits(build_tools(office, store), offer_nothing, offer_nothing)
    assert await visits.earliest_call(call, REQUESTER, NOW, await office.snapshot()) == NOW


@pytest.mark.proves("recording.keep")
async def test_recordings_are_dropped_after_as_long_as_the_office_says() -> None:
    office, _ = build_office({"recording.keep": "30d"})
    store = Fake(delete_recordings=3)
    assert await Calls(build_tools(office, store), {}).drop_recordings() == 3
    assert store.list_asked("delete_recordings") == [(NOW - timedelta(days=30),)]


@pytest.mark.proves("visit.unreached_text")
async def test_an_office_may_leave_requesters_untexted_whom_no_call_reached() -> None:
    office, _ = build_office({"visit.unreached_text": "false"})
    nobody, store = Fake(), Fake(enqueue=True)
    gateway: Any = SmsGateways(
        (SimpleNamespace(can=SmsCapabilities((), SmsRules(two_way=True, links=False, max_chars=70))),)
    )
    numbers = Fake(get_requester_phone=REQUESTER, is_do_not_call=False)
    texts = RequesterTexts(
        store, numbers, nobody, nobody, office, Texts("zh_CN"), nobody, nobody, gateway, CHANCE, nobody, "", "12345", "12345热线"  # type: ignore[arg-type]
    )  # fmt: skip
    assert not await texts.offer(1, 1) and store.asked == []


def ask_on_page(office: OfficeCache, rules: SmsRules, flow: Flow, public_url: str) -> tuple[RequesterTexts, Any]:
    """Texts to the requester of a ticket over a line with these rules, and the store they are kept in."""
    nobody: Any = Fake()
    tickets: Any = SimpleNamespace(moves=Fake(load=flow.snap))
    store: Any = Fake(enqueue=True)
    numbers = Fake(get_requester_phone=REQUESTER, is_do_not_call=False)
    pages = RatingPages(nobody, tickets, office, nobody, public_url, "12345", "12345热线")
    gateway: Any = SmsGateways((SimpleNamespace(can=SmsCapabilities((), rules)),))
    texts = RequesterTexts(
        store, numbers, nobody, tickets, office, Texts("zh_CN"), nobody, nobody, gateway, CHANCE, pages, public_url,
        "12345", "12345热线",
    )  # type: ignore[arg-type]  # fmt: skip
    return texts, store


MAINLAND = SmsRules(two_way=False, links=True, max_chars=500)  # a line that was allowed to send addresses
URL = "https://12345.yunling.gov.cn"


@pytest.mark.proves("visit.rating_page")
async def test_an_office_may_let_requesters_rate_on_a_page_whose_address_a_text_brings_XM30() -> None:
    office, _ = build_office({"visit.rating_page": "true"})
    texts, store = ask_on_page(office, MAINLAND, closed().act("clock", "start_visit"), URL)
    assert await texts.offer(1, 1)
    assert [asked[2] for asked in store.asked] == [{"page": True}]


@pytest.mark.parametrize(
    ("rules", "left", "url"),
    [
        (replace(MAINLAND, links=False), timedelta(days=1), URL),  # the line takes no addresses
        (MAINLAND, timedelta(hours=1), URL),  # the visit is due within the hour
        (MAINLAND, timedelta(days=1), f"https://{'long.' * 9}gov.cn"),  # an address is never cut
        (replace(MAINLAND, max_chars=100), timedelta(days=1), URL),
    ],
)
async def test_no_page_is_announced_that_could_not_be_sent_or_answered_XM30(
    rules: SmsRules, left: timedelta, url: str
) -> None:
    office, hands = build_office({"visit.rating_page": "true"})
    flow = closed().act("clock", "start_visit")
    texts, store = ask_on_page(office, rules, flow, url)
    due = find_deadline(flow.snap)
    assert due is not None
    hands.at = due - left
    assert not await texts.offer(1, 1)
    assert [asked[2] for asked in store.asked] == [{"page": False}]


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "value", "verb", "word", "sent"),
    [
        ("caller_text.reply", "false", "reply", "text", 0),
        ("caller_text.reply", "false", "close", "text", 0),
        ("caller_text.extension", "false", "decide_extension", "accept", 0),
    ],
)
async def test_requesters_are_texted_the_news_that_the_office_wants(
    key: str, value: str, verb: str, word: str, sent: int
) -> None:
    def list_unsent(after: datetime, kinds: dict[str, str], limit: int) -> list[News]:
        return [News(1, 2, verb, {word: "已修复"})] if verb in kinds else []

    office, _ = build_office({key: value})
    news, store = Fake(list_unsent=list_unsent), Fake(enqueue=True)
    numbers = Fake(get_requester_phone=REQUESTER)
    assert await RequesterNews(news, store, numbers, office).run_once() == sent  # type: ignore[arg-type]
    assert len(store.list_asked("enqueue")) == sent
