"""People who visit: their work list, the call beside its script, who is left in peace, texts, and what a month came to."""

import re

import aiohttp
import pytest
from sqlalchemy import select, update

from sandbox.twilio.behaviour import answer_with
from sandbox.twilio.webhooks import compute_signature
from storage import tables as t
from tests.stories.office import CALLER, Office
from tests.stories.test_return_visits import SATISFIED, closed

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ABROAD = "+12025550143"
UNSATISFIED = ["1", "1", "2", "3", "3", "#"]


async def wrote(office: Office, number: str, body: str, sid: str = "SM1") -> int:
    """A text message to the house's own number, as the carrier hands it over."""
    env = office.house.config
    url = f"{env.base_url}/hooks/twilio/sms"
    fields = {
        "From": number,
        "To": env.twilio_from,
        "Body": body,
        "MessageSid": sid,
        "AccountSid": env.twilio_account_sid,
    }
    headers = {"X-Twilio-Signature": compute_signature(env.twilio_auth_token.get_secret_value(), url, fields)}
    async with office.http.post(url, data=fields, headers=headers) as answer:
        return answer.status


async def closed_abroad(office: Office) -> None:
    """A closed petition whose requester left a number of another country; intake here takes mainland numbers only."""
    await set_(office, "calls.countries", "CN,US")
    await closed(office)
    s, k = office.house.core, t.tickets.c
    row = await s.db.read(lambda c: c.execute(select(k.id).where(k.no == "JS0001")).one())
    sealed = {
        "phone_sealed": s.encryption.seal("tickets", row.id, "phone", ABROAD),
        "phone_index": s.encryption.blind_index(ABROAD),
    }
    await s.db.write(lambda c: c.execute(update(t.tickets).where(k.id == row.id).values(**sealed)) and None)


async def set_(office: Office, key: str, value: str) -> None:
    assert (await office.ask("PUT", f"/settings/{key}", "admin", {"value": value})).status == 200


async def test_the_work_list_shows_what_was_heard_and_what_is_missing_and_hides_the_number(office: Office) -> None:
    office.phone(CALLER).answer_with(UNSATISFIED)
    await closed(office)
    await office.go("6h")
    listed = (await office.ask("GET", "/visits/tasks", "agent"))["items"]
    assert [(t["ticket_no"], t["tail"], t["why"], t["heard"]["satisfaction"]) for t in listed] == [
        ("JS0001", "0001", "unsatisfied", "unsatisfied")]  # fmt: skip
    sheet = await office.ask("GET", "/visits/tasks/JS0001", "agent")
    assert sheet["lacking"] == {"attempts": 3, "days": 2, "bands": 2}
    assert "王某" in sheet["script"][0] and "工号HF01" in sheet["script"][0] and "评价为不满意" in sheet["script"][0]
    assert CALLER not in str(listed) and CALLER[3:] not in str(sheet.body)
    handler = await office.ask("GET", "/visits/tasks", "H101")
    assert (handler.status, handler.code) == (403, "forbidden")
    await office.act("JS0001", "visit", "agent", kind="manual", answer="unreached", note="无人接听")
    assert (await office.ask("GET", "/visits/tasks/JS0001", "agent"))["lacking"] == {
        "attempts": 2,
        "days": 1,
        "bands": 1,
    }


async def test_an_agent_is_connected_with_the_requester_and_neither_sees_a_number(office: Office) -> None:
    office.phone(CALLER).set_behaviours(answer_with(UNSATISFIED), answer_with([]))
    await closed(office)
    await office.go("6h")
    agent = next(one for one in office.town.people.values() if one.code == "HF01")
    office.phone(agent.phone).answer_with([])
    begun = await office.ask("POST", "/visits/tasks/JS0001/call", "agent", {})
    assert begun.status == 201, begun.body
    assert begun["to"].count("*") >= 4
    await office.settle()
    assert len(office.rung(agent.phone)) == 1
    nobody = await office.ask("POST", "/visits/tasks/JS0009/call", "agent", {})
    assert nobody.status == 404
    await office.ask("POST", "/visits/do-not-visit", "agent", {"phone": CALLER, "reason": "本人要求"})
    assert (await office.ask("POST", "/visits/tasks/JS0001/call", "agent", {})).code == "left_in_peace"


async def test_a_number_joins_and_leaves_the_do_not_call_list_with_a_reason_FW33(office: Office) -> None:
    bare = await office.ask("POST", "/visits/do-not-visit", "agent", {"phone": "13900000001"})
    assert (bare.status, bare.code) == (422, "reason_missing")
    assert (
        await office.ask("POST", "/visits/do-not-visit", "dispatcher", {"phone": "13900000001", "reason": "x"})
    ).status == 403
    added = await office.ask("POST", "/visits/do-not-visit", "agent", {"phone": "139 0000 0001", "reason": "来电要求"})
    assert (added.status, added["added"]) == (201, True)
    office.phone(CALLER).answer_with(SATISFIED)
    await closed(office)
    await office.go("6h")
    assert office.rung(CALLER) == [] and await office.state("JS0001") == "finalized"
    line = (await office.ask("GET", "/visits/do-not-visit", "agent"))["items"][0]
    assert (line["number"], line["by"], line["reason"]) == ("139****0001", "HF01", "来电要求")
    off = await office.ask("POST", "/visits/do-not-visit/remove", "agent", {"ref": line["ref"], "reason": "本人同意"})
    assert off["removed"] == "139****0001"
    await closed(office, "JS0002")
    await office.go("6h")
    assert len(office.rung(CALLER)) == 1
    booked = [e["what"] for e in (await office.ask("GET", "/audit", "auditor", limit="200"))["items"]]
    assert {"visits_refused", "visits_allowed"} <= set(booked)


async def test_a_requester_who_was_not_reached_gets_one_short_message_without_a_link_S6(office: Office) -> None:
    await set_(office, "visit.manual.sample", "0")
    office.phone(CALLER).ring_out()
    await closed(office)
    await office.go("30h")
    (text,) = office.phone(CALLER).sms
    assert text.body == "【12345热线】我们曾电话回访您反映的事项（编号JS0001）未接通。如有意见请拨打12345，感谢支持。"
    assert len(text.body) <= 70 and await office.state("JS0001") == "finalized"
    assert (
        await wrote(office, CALLER, "3") == 200
    )  # from the mainland nothing is asked, and nothing is taken as an answer
    assert (await office.ticket("JS0001"))["final_answer"] == "unreached"


async def test_no_message_is_sent_where_the_office_wants_none(office: Office) -> None:
    await set_(office, "visit.unreached_text", "false")
    office.phone(CALLER).ring_out()
    await closed(office)
    await office.go("30h")
    assert office.phone(CALLER).sms == []


async def test_abroad_an_answer_by_short_message_counts_and_the_first_one_wins_FW22(office: Office) -> None:
    office.phone(ABROAD).ring_out()
    await closed_abroad(office)
    await office.go("30h")
    (text,) = office.phone(ABROAD).sms
    assert "1满意" in text.body and await office.state("JS0001") == "revisit_auto"
    assert await wrote(office, ABROAD, "在吗") == 200 and await office.state("JS0001") == "revisit_auto"
    assert await wrote(office, ABROAD, "２", "SM2") == 200
    assert await wrote(office, ABROAD, "3", "SM3") == 200
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "basically_satisfied")
    async with office.http.post(f"{office.house.config.base_url}/hooks/twilio/sms", data={"Body": "1"}) as forged:
        assert forged.status == 403


async def test_an_answer_by_short_message_that_never_comes_leaves_the_visit_unreached(office: Office) -> None:
    await set_(office, "visit.manual.sample", "0")
    office.phone(ABROAD).ring_out()
    await closed_abroad(office)
    await office.go("60h")
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "unreached")


async def test_a_months_visits_are_counted_by_unit_and_agent_and_listening_to_recordings_is_audited(
    office: Office,
) -> None:
    office.phone(CALLER).answer_with(UNSATISFIED)
    await closed(office)
    await office.go("6h")
    taped = (await office.ask("GET", "/visits/tasks/JS0001", "agent"))["recordings"]
    assert (await office.ask("GET", f"/recordings/{taped[0]}", "H101")).status == 403
    assert "/Recordings/" in (await office.ask("GET", f"/recordings/{taped[0]}", "agent"))["url"]
    await office.act("JS0001", "visit", "agent", kind="manual", answer="satisfied", note="“修好了，满意。”")
    month = await office.ask("GET", "/visits/figures", "admin", month="2026-11")
    unit = next(u for u in month["units"] if u["unit"] == "U01")
    assert (unit["visited"], unit["reached"], unit["completed"], unit["answers"]) == (
        2, 2, 1, {"satisfied": 1, "unsatisfied": 1})  # fmt: skip
    assert [(a["person"], a["visited"]) for a in month["agents"]] == [("HF01", 1)]
    booked = [e["what"] for e in (await office.ask("GET", "/audit", "auditor", limit="200"))["items"]]
    assert "listened" in booked
    await set_(office, "recording.keep", "1d")
    await office.go("3d")
    assert (await office.ask("GET", f"/recordings/{taped[0]}", "agent")).status == 404


async def test_the_pages_of_the_console_lead_from_the_list_to_a_recorded_answer(office: Office) -> None:
    office.phone(CALLER).answer_with(UNSATISFIED)
    await closed(office)
    await office.go("6h")
    base = office.house.config.base_url
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.post(
            f"{base}/sign-in", data=_form({"word": await office.key("agent"), "next": "/visits"})
        ) as page:
            listed = await page.text()
        assert "JS0001" in listed and "评价为不满意" in listed
        async with http.get(f"{base}/visits/tasks/JS0001") as page:
            sheet = await page.text()
        csrf = re.search(r'name="csrf" value="([^"]+)"', sheet)
        assert csrf is not None and "工号HF01" in sheet and CALLER[3:] not in sheet
        said = {"csrf": csrf[1], "answer": "unsatisfied", "note": ""}
        async with http.post(f"{base}/visits/tasks/JS0001/record", data=_form(said)) as page:
            assert page.status == 422 and "原话" in await page.text()
        async with http.post(f"{base}/visits/tasks/JS0001/record", data=_form(said | {"note": "还是不亮"})) as page:
            assert page.status == 200 and "目前没有待人工回访的工单" in await page.text()
        assert (await office.ticket("JS0001"))["final_answer"] == "unsatisfied"
        for path in ("/visits/peace", "/visits/figures"):
            async with http.get(f"{base}{path}") as page:
                assert page.status == 200, path


def _form(fields: dict[str, str]) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value, content_type="text/plain")
    return form
