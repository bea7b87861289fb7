"""Requesters rate on a one-time page whose address a text or the office hands over (XM30)."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser

import aiohttp
import pytest

from tests.stories.console import sign_in
from tests.stories.office import REQUESTER, Office
from tests.stories.test_visits_by_people import ABROAD, close_ticket_from_abroad, send_sms

ADDRESS = re.compile(r"http://[0-9.:]+/rate/[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")
PERSONAL = ("王某", "138", "139", "JS0001", "0001", "路灯", "云岭", "住房", "住建")


@dataclass
class Form(HTMLParser):
    """What a person with a screen reader finds on a page: its language, questions, labelled choices, and buttons."""

    page: str
    language: str = ""
    method: str = ""
    legends: list[str] = field(default_factory=list)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)  # name → label → value
    buttons: list[str] = field(default_factory=list)
    _inside: list[str] = field(default_factory=list)
    _radio: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.language = given["lang"] if tag == "html" else self.language
        self.method = given["method"] if tag == "form" else self.method
        assert not any(name.startswith("on") for name in given) and tag not in ("script", "iframe", "img")
        if tag == "input":
            assert self._inside[-1] == "label" and "fieldset" in self._inside
            self._radio = given["name"], given["value"]
        elif tag not in ("meta", "link"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not (text := data.strip()):
            return
        if self._inside[-1] == "legend":
            self.legends.append(text)
        elif self._inside[-1] == "button":
            self.buttons.append(text)
        elif self._radio is not None:
            name, value = self._radio
            self.choices.setdefault(name, {})[text] = value
            self._radio = None


async def open_page(address: str) -> tuple[int, str]:
    """Open an address in a browser of one's own, without scripts and cookies."""
    async with aiohttp.ClientSession() as browser, browser.get(address) as answer:
        assert not browser.cookie_jar and answer.headers["Referrer-Policy"] == "no-referrer"
        page = await answer.text()
        assert [word for word in PERSONAL if word in page] == []
        return answer.status, page


async def fill_in(address: str, *answers: str, reason: str = "") -> tuple[int, str]:
    """Read the questions, choose the answers by their labels, and send the form as a browser does."""
    status, page = await open_page(address)
    form = Form(page)
    assert (status, form.language, form.method, len(form.legends), len(form.buttons)) == (200, "zh-CN", "post", 3, 1)
    fields = {name: labels[chosen] for (name, labels), chosen in zip(form.choices.items(), answers, strict=True)}
    async with aiohttp.ClientSession() as browser, browser.post(address, data={**fields, "reason": reason}) as answer:
        return answer.status, await answer.text()


async def text_address(office: Office) -> str:
    """A requester whom no call reached, and the address in the text they got."""
    await office.set_setting("visit.rating_page", "true")
    office.phone(ABROAD).ring_out()
    await close_ticket_from_abroad(office)
    await office.advance("30h")
    (sms,) = office.phone(ABROAD).sms
    found = ADDRESS.search(sms.body)
    assert found is not None and "尾号0001" in sms.body and await office.state("JS0001") == "revisit_auto"
    return found[0]


async def test_a_text_brings_the_address_and_the_answers_settle_the_visit_and_count_in_the_month_XM30(
    office: Office,
) -> None:
    address = await text_address(office)
    status, page = await fill_in(address, "联系过", "已解决", "基本满意", reason="修得快")
    assert status == 200 and "评价已收到" in page
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "basically_satisfied")
    move = (await office.list_moves("JS0001"))[-1]
    assert (move["verb"], move["source"], move["words"]["contacted"], move["words"]["resolved"]) == (
        "visit", "page", "yes", "resolved")  # fmt: skip
    assert (await office.count_scores())["satisfaction"] == (1, 1)
    month = await office.request("GET", "/visits/figures", "admin", month="2026-11")
    assert month["total"]["answers"] == {"basically_satisfied": 1} and month["total"]["deemed"] == 0
    again = await open_page(address)
    assert again == (200, page)
    assert await send_sms(office, ABROAD, "3") == 200  # the text could be answered too; the page was first
    await office.advance("6d")
    assert (await office.ticket("JS0001"))["final_answer"] == "basically_satisfied"
    assert len(office.phone(ABROAD).sms) == 1 and (await open_page(address))[0] == 200
    async with office.http.get(f"{address[:-1]}!") as wrong:
        assert wrong.status == 404


async def test_who_answered_by_text_or_not_at_all_finds_the_page_closed_and_the_visit_is_in_time(
    office: Office,
) -> None:
    await office.set_setting("visit.manual.sample", "0")
    address = await text_address(office)
    await office.advance("2d")
    assert await office.state("JS0001") == "revisit_auto" and (await open_page(address))[0] == 200
    await office.advance("6d")
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "unreached")
    duties = await office.request("GET", "/tickets/JS0001/timeline")
    (visit,) = [d for d in duties["items"] if d["type"] == "duty" and d["kind"] == "revisit"]
    assert visit["outcome"] == "timely"
    assert (await open_page(address))[0] == 404


async def test_an_answer_by_text_ends_the_page(office: Office) -> None:
    address = await text_address(office)
    assert await send_sms(office, ABROAD, "1") == 200
    status, page = await open_page(address)
    assert status == 410 and "本次评价已截止" in page and "12345" in page


async def test_a_text_that_waited_is_not_sent_any_more_once_the_visit_is_answered(office: Office) -> None:
    await office.set_setting("visit.rating_page", "true")
    await office.set_setting("caller_text.quiet", "08:00-23:00")
    office.phone(ABROAD).ring_out()
    await close_ticket_from_abroad(office)
    await office.advance("13h")  # two calls in vain; the text waits for eleven in the evening
    assert office.phone(ABROAD).sms == [] and await office.state("JS0001") == "revisit_auto"
    given = await office.request("POST", "/tickets/JS0001/rating-page", "agent", {})
    assert (await fill_in(given["address"], "联系过", "已解决", "满意"))[0] == 200
    await office.advance("12h")
    assert office.phone(ABROAD).sms == [] and (await office.ticket("JS0001"))["final_answer"] == "satisfied"


async def test_the_office_hands_over_an_address_and_a_no_comes_to_a_person_before_any_call(office: Office) -> None:
    agent = await office.bind("HF01")
    office.phone(REQUESTER).answer_with(["1", "1", "1", "1", "1"])
    await office.close_ticket("JS0001")
    async with sign_in(office, "agent") as console:
        assert "提供评价网址" in await console.get("/tickets/JS0001")
        shown = ADDRESS.search(await console.post("/tickets/JS0001/rating-page"))
        later = await console.get("/tickets/JS0001")
        assert shown is not None and ADDRESS.search(later) is None  # shown once
        assert "<b>已提供评价网址</b>" in later.partition("办理过程")[2]
    status, page = await fill_in(shown[0], "未联系", "未解决", "不满意", reason="打13900000001，王某等了一周")
    assert status == 200 and "工作人员会与您联系" in page
    await office.settle()
    task = await agent.expect("待人工回访：JS0001")
    assert "不满意" in task.text
    await office.advance("6h")
    assert office.calls_to(REQUESTER) == [] and await office.state("JS0001") == "revisit_manual"
    sheet = await office.request("GET", "/visits/tasks/JS0001", "agent")
    (heard,) = sheet["attempts"]
    assert (heard["answer"], heard["contacted"], heard["resolved"]) == ("unsatisfied", "no", "unresolved")
    assert "等了一周" in heard["note"] and "13900000001" not in str(sheet.body)
    assert (await office.count_scores())["satisfaction"] == (0, 1)
    async with sign_in(office, "agent") as console:
        seen = await console.get("/visits/tasks/JS0001")
        assert (
            "<h2>网页评价内容</h2>" in seen and "未联系" in seen and "提供评价网址" not in seen
        )  # only a person takes it back
    (entry,) = [e for e in await office.list_items("/audit") if e["what"] == "rating_page_handed"]
    assert (entry["who"], entry["about"]) == ("HF01", "JS0001")


async def test_who_cannot_be_rung_rates_while_a_person_is_to_visit_and_words_of_danger_ring_the_duty_person_XM19(
    office: Office,
) -> None:
    office.confirm_calls("H101")  # who is told of the tickets first
    office.phone("+8613800001061").answer_with(["1"])
    await office.close_ticket("JS0001", phone=None)
    await office.close_ticket("JS0002", phone=None)
    await office.advance("6h")
    assert await office.state("JS0001") == await office.state("JS0002") == "revisit_manual"
    async with sign_in(office, "agent") as console:
        await console.get("/visits/tasks/JS0001")
        shown = ADDRESS.search(await console.post("/visits/tasks/JS0001/rating-page"))
    assert shown is not None
    assert (await fill_in(shown[0], "记不清", "部分解决", "满意"))[0] == 200
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "satisfied")
    given = await office.request("POST", "/tickets/JS0002/rating-page", "agent", {})
    assert (await fill_in(given["address"], "未联系", "未解决", "满意", reason="还没人管，我不想活了"))[0] == 200
    await office.settle()
    assert await office.state("JS0002") == "revisit_manual"
    rung = [(c["person"], c["outcome"]) for c in await office.list_items("/calls", ticket="JS0002")]
    assert ("PD01", "confirmed") in rung


async def test_who_answers_on_the_page_while_the_telephone_rings_hears_that_it_is_recorded_FW22(office: Office) -> None:
    await office.close_ticket("JS0001")
    given = await office.request("POST", "/tickets/JS0001/rating-page", "agent", {})
    phone = office.phone(REQUESTER).operate_by_hand()
    await office.advance("5h")  # to two in the afternoon
    live = await phone.wait_for_ring()
    live.answer()
    await live.wait_to_hear("方便请按1")
    live.press("1")
    await live.wait_to_hear("是您本人吗")
    assert (await fill_in(given["address"], "联系过", "已解决", "满意"))[0] == 200
    live.press("1")
    await live.wait_to_hear("此前已经记录")
    await live.wait_until_over()
    await office.settle()
    assert (await office.ticket("JS0001"))["final_answer"] == "satisfied"


async def hold_page(office: Office) -> str:
    """A requester whom no call reaches, and who was handed an address before the first rang."""
    await office.set_setting("visit.manual.sample", "0")
    office.phone(ABROAD).ring_out()
    await close_ticket_from_abroad(office)
    return str((await office.request("POST", "/tickets/JS0001/rating-page", "agent", {}))["address"])


@pytest.mark.parametrize("texts", ["true", "false"])
async def test_a_visit_waits_for_who_holds_a_page_although_no_call_reached_them_XM30(
    office: Office, texts: str
) -> None:
    await office.set_setting("visit.unreached_text", texts)
    address = await hold_page(office)
    await office.advance("3d")
    assert len(office.calls_to(ABROAD)) == 2 and await office.state("JS0001") == "revisit_auto"
    await office.assert_in_order()
    assert (await fill_in(address, "联系过", "已解决", "满意"))[0] == 200
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "satisfied")


async def test_a_visit_whose_page_nobody_answered_is_settled_when_the_page_ends_and_in_time(office: Office) -> None:
    address = await hold_page(office)
    status, page = await open_page(address)
    assert status == 200 and "请在" in page and "前提交" in page
    await office.advance("3d")
    assert len(office.calls_to(ABROAD)) == 2 and office.phone(ABROAD).sms == []  # who holds a page was reached (S6)
    given = await office.request("POST", "/tickets/JS0001/rating-page", "agent", {})  # another, while it waits
    until = datetime.fromisoformat(given["until"])
    await office.advance_to(until - timedelta(minutes=1))
    assert await office.state("JS0001") == "revisit_auto" and (await open_page(address))[0] == 200
    await office.advance("2d")  # it is settled at its own time on the way
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "unreached")
    duties = await office.request("GET", "/tickets/JS0001/timeline")
    (visit,) = [d for d in duties["items"] if d["type"] == "duty" and d["kind"] == "revisit"]
    assert visit["outcome"] == "timely"
    assert (await open_page(given["address"]))[0] == 404
    (sms,) = office.phone(ABROAD).sms
    assert "未接通" in sms.body and "回复数字" not in sms.body  # now it is true, and nothing is asked any more


async def test_a_text_that_waited_is_not_sent_to_who_was_handed_a_page_meanwhile_S6_XM30(office: Office) -> None:
    await office.set_setting("caller_text.quiet", "08:00-23:00")
    office.phone(ABROAD).ring_out()
    await office.set_setting("visit.manual.sample", "0")
    await close_ticket_from_abroad(office)
    await office.advance("13h")  # two calls in vain; the text waits for eleven in the evening
    await office.request("POST", "/tickets/JS0001/rating-page", "agent", {})
    await office.advance("12h")
    assert office.phone(ABROAD).sms == [] and await office.state("JS0001") == "revisit_auto"
    await office.advance("7d")
    assert (await office.ticket("JS0001"))["final_answer"] == "unreached"
