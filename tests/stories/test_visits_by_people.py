"""Manual visits: the work list, the call and its script, the do-not-call list, SMS, and a month's statistics."""

import pytest
from sqlalchemy import select, update

from backend.domain.acts import Account, AccountKind
from sandbox.telephone.behaviour import answer_with
from sandbox.twilio.webhooks import compute_signature
from storage import tables as t
from tests.stories.console import open_browser, sign_in
from tests.stories.office import REQUESTER, SATISFIED, Office

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ABROAD = "+12025550143"
UNSATISFIED = ["1", "1", "2", "3", "3", "#"]


async def send_sms(office: Office, number: str, body: str, sid: str = "SM1") -> int:
    """An SMS to the office's own number, as the carrier reports it; the status it is answered with."""
    config = office.config
    url = f"{config.base_url}/hooks/twilio/sms"
    fields = {
        "From": number, "To": config.drivers["twilio"]["from"], "Body": body, "MessageSid": sid,
        "AccountSid": config.drivers["twilio"]["account_sid"],
    }  # fmt: skip
    token = config.drivers["twilio"]["auth_token"]
    headers = {"X-Twilio-Signature": compute_signature(token, url, fields)}
    async with office.http.post(url, data=fields, headers=headers) as answer:
        return answer.status


async def close_ticket_from_abroad(office: Office) -> None:
    """A closed ticket whose requester left a number of another country; intake takes mainland numbers only."""
    await office.set_setting("calls.countries", "CN,US")
    await office.set_setting("caller_text.reply", "false")  # its one text is that of the visit
    await office.close_ticket("JS0001")
    core, encryption, columns = office.application.core, office.application.built.encryption, t.tickets.c
    row = await core.db.read(lambda c: c.execute(select(columns.id).where(columns.ticket_no == "JS0001")).one())
    values = {
        "phone_sealed": encryption.seal("tickets", row.id, "phone", ABROAD),
        "phone_index": encryption.blind_index(ABROAD),
    }
    await core.db.write(lambda c: c.execute(update(t.tickets).where(columns.id == row.id).values(**values)) and None)


async def list_audited(office: Office) -> set[str]:
    """The kinds of entries in the audit log."""
    return {entry["what"] for entry in await office.list_items("/audit")}


async def test_the_work_list_shows_what_was_heard_and_what_is_missing_and_hides_the_number(office: Office) -> None:
    office.phone(REQUESTER).answer_with(UNSATISFIED)
    await office.close_ticket("JS0001")
    await office.advance("6h")
    listed = (await office.request("GET", "/visits/tasks", "agent"))["items"]
    assert [(task["ticket_no"], task["tail"], task["why"], task["heard"]["satisfaction"]) for task in listed] == [
        ("JS0001", "0001", "unsatisfied", "unsatisfied")]  # fmt: skip
    sheet = await office.request("GET", "/visits/tasks/JS0001", "agent")
    assert sheet["lacking"] == {"attempts": 3, "days": 2, "bands": 2}
    assert "王某" in sheet["script"][0] and "工号HF01" in sheet["script"][0] and "评价为不满意" in sheet["script"][0]
    assert REQUESTER not in str(listed) and REQUESTER[3:] not in str(sheet.body)
    handler = await office.request("GET", "/visits/tasks", "H101")
    assert (handler.status, handler.code) == (403, "forbidden")
    await office.act("JS0001", "visit", "agent", kind="manual", answer="unreached", note="无人接听")
    assert (await office.request("GET", "/visits/tasks/JS0001", "agent"))["lacking"] == {
        "attempts": 2,
        "days": 1,
        "bands": 1,
    }


async def test_an_agent_is_connected_with_the_requester_and_neither_sees_a_number(office: Office) -> None:
    office.phone(REQUESTER).set_behaviours(answer_with(UNSATISFIED), answer_with([]))
    await office.close_ticket("JS0001")
    await office.advance("6h")
    agent_phone = office.find_phone("HF01")
    office.phone(agent_phone).answer_with([])
    begun = await office.request("POST", "/visits/tasks/JS0001/call", "agent", {})
    assert begun.status == 201, begun.body
    assert begun["to"].count("*") >= 4
    await office.settle()
    assert len(office.calls_to(agent_phone)) == 1
    unknown = await office.request("POST", "/visits/tasks/JS0009/call", "agent", {})
    assert unknown.status == 404
    await office.request("POST", "/visits/do-not-visit", "agent", {"phone": REQUESTER, "reason": "本人要求"})
    assert (await office.request("POST", "/visits/tasks/JS0001/call", "agent", {})).code == "left_in_peace"


async def test_a_number_joins_and_leaves_the_do_not_call_list_with_a_reason_FW33(office: Office) -> None:
    number = {"phone": "13900000001"}
    bare = await office.request("POST", "/visits/do-not-visit", "agent", number)
    assert (bare.status, bare.code) == (422, "reason_missing")
    assert (
        await office.request("POST", "/visits/do-not-visit", "dispatcher", {"phone": "13900000001", "reason": "x"})
    ).status == 403
    added = await office.request(
        "POST", "/visits/do-not-visit", "agent", {"phone": "139 0000 0001", "reason": "来电要求"}
    )
    assert (added.status, added["added"]) == (201, True)
    office.phone(REQUESTER).answer_with(SATISFIED)
    await office.close_ticket("JS0001")
    await office.advance("6h")
    assert office.calls_to(REQUESTER) == [] and await office.state("JS0001") == "finalized"
    entry = (await office.request("GET", "/visits/do-not-visit", "agent"))["items"][0]
    assert (entry["number"], entry["by"], entry["reason"]) == ("139****0001", "HF01", "来电要求")
    removed = await office.request(
        "POST", "/visits/do-not-visit/remove", "agent", {"ref": entry["ref"], "reason": "本人同意"}
    )
    assert removed["removed"] == "139****0001"
    await office.close_ticket("JS0002")
    await office.advance("6h")
    assert len(office.calls_to(REQUESTER)) == 1
    assert {"visits_refused", "visits_allowed"} <= await list_audited(office)


async def test_a_requester_who_was_not_reached_gets_one_short_sms_without_a_link_S6(office: Office) -> None:
    await office.set_setting("visit.manual.sample", "0")
    await office.set_setting("caller_text.reply", "false")
    office.phone(REQUESTER).ring_out()
    await office.close_ticket("JS0001")
    await office.advance("30h")
    (sms,) = office.phone(REQUESTER).sms
    assert sms.body == "【12345热线】我们曾电话回访您反映的事项（编号JS0001）未接通。如有意见请拨打12345，感谢支持。"
    assert len(sms.body) <= 70 and await office.state("JS0001") == "finalized"
    assert await send_sms(office, REQUESTER, "3") == 200  # in the mainland an SMS asks nothing and nothing is an answer
    assert (await office.ticket("JS0001"))["final_answer"] == "unreached"


async def test_a_requester_who_was_not_reached_gets_no_sms_where_the_office_wants_none(office: Office) -> None:
    await office.set_setting("visit.unreached_text", "false")
    office.phone(REQUESTER).ring_out()
    await office.close_ticket("JS0001")
    await office.advance("30h")
    assert [sms.body for sms in office.phone(REQUESTER).sms if "未接通" in sms.body] == []


async def test_abroad_an_answer_by_sms_counts_and_the_first_one_wins_FW22(office: Office) -> None:
    office.phone(ABROAD).ring_out()
    await close_ticket_from_abroad(office)
    await office.advance("30h")
    (sms,) = office.phone(ABROAD).sms
    assert "1满意" in sms.body and await office.state("JS0001") == "revisit_auto"
    assert await send_sms(office, ABROAD, "在吗") == 200 and await office.state("JS0001") == "revisit_auto"
    assert await send_sms(office, ABROAD, "２", "SM2") == 200
    assert await send_sms(office, ABROAD, "3", "SM3") == 200
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "basically_satisfied")
    async with office.http.post(f"{office.config.base_url}/hooks/twilio/sms", data={"Body": "1"}) as forged:
        assert forged.status == 403


async def test_words_of_danger_by_sms_alarm_people_as_in_a_call_XM19(office: Office) -> None:
    office.phone("+8613800001061").answer_with(["1"])
    office.phone(ABROAD).ring_out()
    await close_ticket_from_abroad(office)
    await office.advance("30h")
    assert await send_sms(office, ABROAD, "还没人管，我不想活了") == 200
    await office.settle()
    assert await office.state("JS0001") == "revisit_manual"
    rung = [(c["person"], c["outcome"]) for c in await office.list_items("/calls", ticket="JS0001")]
    assert ("PD01", "confirmed") in rung


async def test_a_requester_abroad_who_does_not_answer_the_sms_counts_as_unreached(office: Office) -> None:
    await office.set_setting("visit.manual.sample", "0")
    office.phone(ABROAD).ring_out()
    await close_ticket_from_abroad(office)
    await office.advance("60h")
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "unreached")


async def test_a_months_visits_are_counted_by_unit_and_agent_and_listening_to_a_recording_is_audited(
    office: Office,
) -> None:
    office.phone(REQUESTER).answer_with(UNSATISFIED)
    await office.close_ticket("JS0001")
    await office.advance("6h")
    recording = (await office.request("GET", "/visits/tasks/JS0001", "agent"))["recordings"][0]
    assert (await office.request("GET", f"/recordings/{recording}", "H101")).status == 403
    assert "/Recordings/" in (await office.request("GET", f"/recordings/{recording}", "agent"))["url"]
    await office.act("JS0001", "visit", "agent", kind="manual", answer="satisfied", note="“修好了，满意。”")
    month = await office.request("GET", "/visits/figures", "admin", month="2026-11")
    unit = next(u for u in month["units"] if u["unit"] == "U01")
    assert (unit["visited"], unit["reached"], unit["completed"], unit["answers"]) == (
        2, 2, 1, {"satisfied": 1, "unsatisfied": 1})  # fmt: skip
    assert [(a["person"], a["visited"]) for a in month["agents"]] == [("HF01", 1)]
    assert "listened" in await list_audited(office)
    await office.set_setting("recording.keep", "1d")
    await office.advance("3d")
    assert (await office.request("GET", f"/recordings/{recording}", "agent")).status == 404


async def test_the_console_leads_an_agent_from_the_list_to_a_recorded_answer(office: Office) -> None:
    office.phone(REQUESTER).answer_with(UNSATISFIED)
    await office.close_ticket("JS0001")
    await office.advance("6h")
    async with sign_in(office, "agent") as console:
        listed = await console.get("/visits")
        assert "JS0001" in listed and "评价为不满意" in listed
        sheet = await console.get("/visits/tasks/JS0001")
        assert "工号HF01" in sheet and REQUESTER[3:] not in sheet and "网页评价内容" not in sheet
        answer = {"answer": "unsatisfied", "note": ""}
        assert "原话" in await console.post("/visits/tasks/JS0001/record", 422, **answer)
        page = await console.post("/visits/tasks/JS0001/record", **answer | {"note": "还是不亮"})
        assert "目前没有待人工回访的工单" in page
        assert (await office.ticket("JS0001"))["final_answer"] == "unsatisfied"
        for path in ("/visits/do-not-call", "/visits/figures"):
            await console.get(path)


@pytest.mark.parametrize(("who", "says"), [("agent", "，工号HF01"), ("王工", "")])
async def test_only_a_number_is_said_as_a_staff_number(office: Office, who: str, says: str) -> None:
    office.phone(REQUESTER).answer_with(UNSATISFIED)
    await office.close_ticket("JS0001")
    await office.advance("6h")
    async with open_browser(office) as console:
        code = await office.create_code(who)
        if who != "agent":  # an administrator of no unit, whose name is no number
            account, services = Account(AccountKind.ADMINISTRATOR, who), office.application.services
            await services.accounts.store.create(account, office.now)
            code = await services.keys.create_sign_in_token(account, office.now)
        await console.post("/sign-in", word=code)
        page = await console.get("/visits/tasks/JS0001")
    assert f"工作人员{says}，通话会录音" in page
