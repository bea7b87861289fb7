"""Units that are not ready are listed, reminded, and leave the list once they have registered (A21, A36-A40)."""

import pytest

from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def _gaps(office: Office, unit: str) -> list[str] | None:
    items = (await office.ask("GET", "/readiness", "dispatcher"))["items"]
    return next((one["gaps"] for one in items if one["unit"] == unit), None)


async def test_an_agency_is_reminded_until_its_receipt_and_its_key_are_there(office: Office) -> None:
    agency = {"code": "U77", "name": "通州区代办处", "kind": "handling", "region": "通州区"}
    assert (await office.ask("POST", "/units", "admin", agency)).status == 201
    await office.ask("PUT", "/settings/registration.key_required", "admin", {"value": "true"})
    await office.ask("PUT", "/settings/registration.deadline", "admin", {"value": "2026-11-09"})
    assert await _gaps(office, "U77") == ["not_registered"]
    await office.go("1d")
    listed = (await office.ask("GET", "/readiness", "dispatcher"))["items"]
    assert listed[0]["unit"] == "U77" and listed[0]["late"] is True
    chased = await office.ask("POST", "/units/U77/chases", "dispatcher", {"note": "已电话催报"})
    assert chased.status == 201
    listed = (await office.ask("GET", "/readiness", "dispatcher"))["items"]
    assert listed[0]["chased"]["note"] == "已电话催报"
    subject = "@测试@通州区代办处@x"
    handler = {
        "code": "H771",
        "name": "赵敏",
        "unit": "U77",
        "role": "handler",
        "phone": "13800007701",
        "key_subject": subject,
    }
    made = await office.ask("POST", "/people", "admin", handler)
    assert made["key_name"] == "通州区代办处" and made["key_authorised"] is False
    assert set(await _gaps(office, "U77") or ()) == {
        "no_deputy", "no_liaison", "no_leader", "nobody_bound", "key_unauthorised"
    }  # fmt: skip
    await office.ask("POST", "/people", "admin", {**handler, "key_authorised": True})
    for code, role in (("H772", "handler"), ("L771", "liaison"), ("D771", "leader")):
        person = {"code": code, "name": f"某{code}", "unit": "U77", "role": role, "phone": f"1380000{code[1:]}9"}
        assert (await office.ask("POST", "/people", "admin", person)).status == 201
    assert await _gaps(office, "U77") == ["nobody_bound"]
    another = await office.ask("POST", "/people", "admin", {**handler, "key_subject": None, "key_name": "另一把"})
    assert another["key_authorised"] is False  # another key has to be authorised anew
    assert (await office.ask("GET", "/readiness", "unit:U01")).code == "forbidden"


@SQLITE
async def test_a_unit_outside_the_pilot_gets_no_chat_messages_and_is_listed_so_A38(office: Office) -> None:
    handler = await office.bound("H101")
    unit = next(u for u in await office.items("/units") if u["code"] == "U01")
    await office.ask("POST", "/units", "admin", {**unit, "pilot": False})
    assert "bot_off" in (await _gaps(office, "U01") or ())
    office.phone("H101").answer_with(["1"])
    office.phone("H102").answer_with(["1"])
    await office.dispatched("JS0001")
    assert handler.list_unexpected() == []
