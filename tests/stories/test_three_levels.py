"""A house of three levels: the city's institution, its agencies, and an agency's own union (A2, A5, A8, A28, XM2)."""

from typing import Any

import pytest

from tests.stories.console import sign_in
from tests.stories.office import Office, november

UNION = {"code": "Z11", "name": "住建系统工会", "kind": "handling", "region": "云岭市", "parent": "U01"}
OTHER = {"code": "Z21", "name": "城管系统工会", "kind": "handling", "region": "云岭市", "parent": "U02"}
PEOPLE = {"Z1": ("Z11", "handler"), "Z2": ("Z21", "handler")}
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def open_unions(office: Office) -> None:
    """Two agencies each have a union, which an import or the API puts below them."""
    sheet = "编码,名称,类别,地区,上级\n" + "\n".join(
        f"{u['code']},{u['name']},承办单位,云岭市,{u['parent']}" for u in (UNION, OTHER)
    )
    done = await office.upload("/imports/units", "单位.csv", sheet.encode(), "admin")
    assert done["imported"] == 2, done.body
    for n, (code, (unit, role)) in enumerate(PEOPLE.items()):
        person = {"code": code, "name": f"经办{code}", "unit": unit, "role": role, "phone": f"1380000980{n}"}
        assert (await office.request("POST", "/people", "admin", person)).status == 201
        office.simulator.add_person(
            name=person["name"], phone=f"+86{person['phone']}", role=role, unit=unit, note="", code=code
        )


async def list_seen(office: Office, who: str) -> list[str]:
    return sorted(t["ticket_no"] for t in (await office.request("GET", "/tickets", who))["items"])


def list_open_duties(items: list[Any], unit: str) -> list[str]:
    return sorted(d["kind"] for d in items if d["unit"] == unit and d["outcome"] is None)


async def test_an_agency_passes_a_ticket_down_to_its_own_union_with_and_without_the_lead_XM2_A2_A5_A8_A28(
    office: Office,
) -> None:
    await open_unions(office)
    office.confirm_calls()
    await office.set_setting("close.limit.help", "1wd")
    agency, union, stranger = [await office.bind(code) for code in ("H101", "Z1", "Z2")]
    for no in ("JS0001", "JS0002"):
        await office.create_ticket(no)
        await office.act(no, "dispatch", "dispatcher", unit="U01", reason="属住建系统职责")
        await office.settle()
        card = await agency.expect(f"【新工单】{no}")
        await agency.press(card, "签收")
        await office.settle()
        words = (await office.list_moves(no))[-2]["words"]
        assert (words["triage"], words["reason"]) == ("agency", "属住建系统职责")
    # by chat, keeping the lead: the button is there because there is a union
    card = await agency.expect("JS0001", edit=True)
    await agency.press(card, "交下级办理")
    asked = await agency.expect("交给哪个下级单位")
    toast = await agency.press(asked, "交办 住建系统工会")
    assert toast and "已交办 住建系统工会，仍由您单位主办" in toast
    await office.settle()
    theirs = await union.expect("【新工单】JS0001")
    lead, part = (await office.ticket("JS0001"))["assignments"]
    assert (lead["unit"], lead["lead"], part["unit"], part["lead"]) == ("U01", True, "Z11", False)
    assert part["close_due_at"] == lead["close_due_at"]
    duties = (await office.request("GET", "/tickets/JS0001/duties", "H101"))["items"]
    assert list_open_duties(duties, "Z11") == ["close", "sign"]  # the unit above follows the clocks below
    assert "sign" not in list_open_duties(duties, "U01") and "close" in list_open_duties(duties, "U01")
    # by words, giving the lead away; the agency sees it all the same
    await agency.say("JS0002 转办 住建系统工会 在其辖区内")
    await agency.expect("已转办 住建系统工会，由该单位主办")
    await office.settle()
    await union.expect("【新工单】JS0002")
    assert await office.state("JS0002") == "dispatched" and (await office.lead("JS0002"))["unit"] == "Z11"
    assert await list_seen(office, "H101") == await list_seen(office, "Z1") == ["JS0001", "JS0002"]
    assert await list_seen(office, "Z2") == []
    # the union does its part; the agency hears of it and closes the whole
    await union.press(theirs, "签收")
    await office.settle()
    await office.act("JS0001", "close", "Z1", text="已到现场更换灯具", feedback="已告知")
    await office.settle()
    await agency.expect("住建系统工会 已办结工单 JS0001")
    assert await office.state("JS0001") == "signed"
    await office.act("JS0001", "close", "H101", text="灯具已更换并恢复照明", feedback="满意", no_objection=True)
    # the clocks of the second one run on at the union alone: it is late, and the card is the union's
    await office.act("JS0002", "sign", "Z1")
    await office.advance_to(november(11, 9))
    second = await office.ticket("JS0002")
    assert [(a["unit"], a["red_card"]) for a in second["assignments"]] == [("U01", False), ("Z11", True)]
    assert stranger.list_unexpected() == []
    office.users.pop("H101"), office.users.pop("Z1")  # reminders and cards of the days between


@SQLITE
async def test_nobody_passes_a_ticket_aside_or_up_or_reads_what_is_not_below_XM2(office: Office) -> None:
    await open_unions(office)
    office.confirm_calls()
    union = await office.bind("Z1")  # who would not take a call
    await office.sign_ticket("JS0001")
    for unit in ("Z21", "U02", "M01", "nowhere"):
        for kind in ("entrust", "transfer"):
            answer = await office.request(
                "POST", "/tickets/JS0001/acts", "H101", {"verb": "hand_on", "unit": unit, "dispatch_kind": kind}
            )
            assert (answer.status, answer.code) == (403, "not_below"), (unit, answer.body)
    await office.act_refused("JS0001", "hand_on", "dispatcher", "forbidden", unit="Z11", dispatch_kind="entrust")
    await office.act_refused("JS0001", "hand_on", "H101", "bad_field", unit="Z11", dispatch_kind="give")
    # straight from the institution to the union: its agency sees it, reads on, and may not act for it
    await office.sign_ticket("JS0002", "Z11")
    ticket = (await office.ticket("JS0002"))["assignments"][0]["id"]
    assert (await office.request("GET", "/tickets/JS0002", "H101")).status == 200
    assert (await office.request("GET", "/tickets/JS0002/timeline", "H101")).status == 200
    assert (await office.request("GET", "/tickets/JS0002", "H201")).status == 404
    await office.act_refused("JS0002", "reply", "H101", "not_found", text="代为答复诉求人", assignment=ticket)
    await office.act_refused("JS0002", "reply", "H101", "not_now", text="代为答复诉求人")
    revealed = await office.request("POST", "/tickets/JS0002/reveal", "H101", {"reason": "回访"})
    assert (revealed.status, revealed.code) == (403, "forbidden")
    await office.create_ticket("JS0003", confidential=True)
    await office.act("JS0003", "dispatch", "dispatcher", unit="Z11")
    assert (await office.request("GET", "/tickets/JS0003", "H101")).status == 404
    assert await list_seen(office, "H101") == ["JS0001", "JS0002"]
    assert await list_seen(office, "Z1") == ["JS0002", "JS0003"]
    for no in ("JS0002", "JS0003"):
        await union.expect(f"【新工单】{no}")
    found = await office.request("GET", "/tickets", "H101", unit="Z11")
    assert [t["ticket_no"] for t in found["items"]] == ["JS0002"]


@SQLITE
async def test_the_console_offers_only_the_units_right_below_and_only_where_there_are_any_XM2(office: Office) -> None:
    await open_unions(office)
    office.confirm_calls()
    await office.sign_ticket("JS0001")
    union = await office.bind("Z1")
    async with sign_in(office, "H101") as console:
        page = await console.get("/tickets/JS0001")
        form = page.split("acts/hand_on", 1)[1].split("</form>", 1)[0]
        assert "住建系统工会" in form and "城管系统工会" not in form
        page = await console.post("/tickets/JS0001/acts/hand_on", 403, unit="Z21", dispatch_kind="entrust", version="")
        assert "不是您单位的直接下级" in page
        page = await console.post("/tickets/JS0001/acts/hand_on", unit="Z11", dispatch_kind="transfer", version="")
        assert "转办（改由下级单位主办）" in page and "住建系统工会" in page
    await union.expect("【新工单】JS0001")
    await office.act("JS0001", "sign", "Z1")
    async with sign_in(office, "Z1") as console:
        page = await console.get("/tickets/JS0001")
        assert "acts/reply" in page and "acts/hand_on" not in page  # nobody is below the union
