"""Units that are not ready are listed and reminded, and leave the list once they have registered (A21, A36-A40)."""

import pytest

from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def list_gaps(office: Office, unit: str) -> list[str] | None:
    """What a unit still lacks; None if it is not listed."""
    items = (await office.request("GET", "/readiness", "dispatcher"))["items"]
    return next((item["gaps"] for item in items if item["unit"] == unit), None)


async def test_an_agency_is_listed_and_reminded_until_its_people_are_registered_and_its_key_is_authorised(
    office: Office,
) -> None:
    agency = {"code": "U77", "name": "通州区代办处", "kind": "handling", "region": "通州区"}
    assert (await office.request("POST", "/units", "admin", agency)).status == 201
    await office.set_setting("registration.key_required", "true")
    await office.set_setting("registration.deadline", "2026-11-09")
    assert await list_gaps(office, "U77") == ["not_registered"]
    await office.advance("1d")
    listed = (await office.request("GET", "/readiness", "dispatcher"))["items"]
    assert listed[0]["unit"] == "U77" and listed[0]["late"] is True
    reminded = await office.request("POST", "/units/U77/chases", "dispatcher", {"note": "已电话催报"})
    assert reminded.status == 201
    listed = (await office.request("GET", "/readiness", "dispatcher"))["items"]
    assert listed[0]["chased"]["note"] == "已电话催报"
    handler = {
        "code": "H771", "name": "赵敏", "unit": "U77", "role": "handler", "phone": "13800007701",
        "key_subject": "@测试@通州区代办处@x",
    }  # fmt: skip
    made = await office.request("POST", "/people", "admin", handler)
    assert made["key_name"] == "通州区代办处" and made["key_authorised"] is False
    assert set(await list_gaps(office, "U77") or ()) == {
        "no_deputy", "no_liaison", "no_leader", "nobody_bound", "key_unauthorised"
    }  # fmt: skip
    await office.request("POST", "/people", "admin", {**handler, "key_authorised": True})
    for code, role in (("H772", "handler"), ("L771", "liaison"), ("D771", "leader")):
        person = {"code": code, "name": f"某{code}", "unit": "U77", "role": role, "phone": f"1380000{code[1:]}9"}
        assert (await office.request("POST", "/people", "admin", person)).status == 201
    assert await list_gaps(office, "U77") == ["nobody_bound"]
    another_key = await office.request(
        "POST", "/people", "admin", {**handler, "key_subject": None, "key_name": "另一把"}
    )
    assert another_key["key_authorised"] is False  # it has to be authorised anew
    assert (await office.request("GET", "/readiness", "unit:U01")).code == "forbidden"


@SQLITE
async def test_a_unit_outside_the_pilot_gets_no_chat_messages_and_is_listed_so_A38(office: Office) -> None:
    handler = await office.bind("H101")
    unit = next(u for u in await office.list_items("/units") if u["code"] == "U01")
    await office.request("POST", "/units", "admin", {**unit, "pilot": False})
    assert "bot_off" in (await list_gaps(office, "U01") or ())
    office.confirm_calls("H101", "H102")
    await office.dispatch_ticket("JS0001")
    assert handler.list_unexpected() == []
