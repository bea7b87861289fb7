"""One house holds three institutions: what one of them received is its own, whatever region it is about (A3, XM1)."""

from tests.stories.office import Office, november

COUNTY = {"code": "A01", "name": "某县热线", "kind": "management", "region": "某县"}
BRANCH = {"code": "B01", "name": "云岭办事处", "kind": "management", "region": "云岭市", "parent": "M01"}
STAFF = {"A9": ("A01", "reviewer"), "B1": ("B01", "dispatcher"), "B2": ("B01", "reviewer"), "B3": ("B01", "admin")}


async def open_institutions(office: Office) -> None:
    """A county's hotline, whose code comes first, and a branch office under the city's."""
    for unit in (COUNTY, BRANCH):
        assert (await office.request("POST", "/units", "admin", unit)).status == 201
    for n, (code, (unit, role)) in enumerate(STAFF.items()):
        person = {"code": code, "name": f"人员{code}", "unit": unit, "role": role, "phone": f"1380000990{n}"}
        assert (await office.request("POST", "/people", "admin", person)).status == 201
        office.simulator.add_person(
            name=person["name"], phone=f"+86{person['phone']}", role=role, unit=unit, note="", code=code
        )


async def list_institutions(office: Office) -> dict[str, tuple[str, str]]:
    """Ticket → its institution, and who received it first."""
    return {t["ticket_no"]: (t["management"], t["first_receiver"]) for t in await office.list_items("/tickets")}


async def test_what_an_institution_received_is_dispatched_reviewed_and_reminded_by_itself_XM1(office: Office) -> None:
    await open_institutions(office)
    county, branch, city = [await office.bind(code) for code in ("A9", "B2", "SH01")]
    dispatcher, city_dispatcher = await office.bind("B1"), await office.bind("PD01")
    body = {"category": "help", "grade": "general", "channel": "phone", "title": "路灯不亮", "text": "路灯不亮一周了。"}
    for no, who, region in (("B-1", "B1", "云岭市"), ("B-2", "B1", "某县"), ("M-1", "dispatcher", "某县")):
        made = await office.request("POST", "/tickets", who, {**body, "ticket_no": no, "region": region})
        assert made.status == 201, made.body
    sheet = "工单编号,类别,级别,渠道,诉求内容,地区\nB-3,求助,一般,电话,井盖丢失,某县\n".encode()
    assert (await office.upload("/imports/tickets", "件.csv", sheet, "B3"))["imported"] == 1
    assert await list_institutions(office) == {
        "B-1": ("B01", "B01"), "B-2": ("B01", "B01"), "B-3": ("B01", "B01"), "M-1": ("M01", "M01")
    }  # fmt: skip
    await office.act("B-1", "dispatch", "B1", unit="U01")
    await office.act("B-1", "sign", "unit:U01")
    await office.act("B-1", "return", "unit:U01", reason_code="not_our_duty", reason="不属于本单位职责",
                     signed_by="seal", files=[await office.upload_statement()])  # fmt: skip
    await office.settle()
    await branch.expect("待审核退单：B-1")
    assert county.list_unexpected() == city.list_unexpected() == []
    await office.advance_to(november(9, 16))  # more than half of the twelve hours to dispatch
    await branch.expect("待审核事项已到审核时限：B-1")
    for user, own in ((dispatcher, ("B-2", "B-3")), (city_dispatcher, ("M-1",))):
        for no in own:
            await user.expect(no)
    assert office.list_unexpected() == []
