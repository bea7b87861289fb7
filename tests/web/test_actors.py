"""Who acts is never decided by spelling: people coded like another kind of account keep a person's rights."""

import pytest
from sqlalchemy import Connection, update

from backend.domain.acts import OPERATOR, Account, AccountKind
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.office.people import PersonForm
from storage import tables as t
from storage.office.config import bump_epoch
from tests.web.browser import Browser
from tests.web.world import World

LOOKALIKES = ("operator", "system", "clock", "key:boss", "key:platform")


async def _rename(world: World, code: str) -> None:
    """Give the auditor a code that older versions took, and a service key with an administrator's role beside it."""

    def work(c: Connection) -> None:
        c.execute(update(t.people).where(t.people.c.code == "O1").values(code=code))
        bump_epoch(c)

    await world.db.write(work)
    world.services.office.invalidate()
    await world.services.keys.create_key("boss", world.at, role="admin")
    world.keys["twin"] = await world.services.keys.create_key("of a person", world.at, person=code)


@pytest.mark.parametrize("code", LOOKALIKES)
async def test_a_person_coded_like_another_kind_has_a_persons_rights_at_every_door_XS3(
    world: World, browser: Browser, code: str
) -> None:
    await _rename(world, code)
    token = await world.services.keys.create_sign_in_token(Account(AccountKind.PERSON, code), world.at)
    assert await browser.sign_in(token) == 303
    for path in ("/tickets", "/settings"):
        await browser.page(path)
    assert (await browser.post("/settings", key="sign.general.limit", value="2wd"))[0] == 403
    body = {"code": "N1", "name": "新", "unit": "U01", "role": "handler"}
    assert (await world.request("twin", "POST", "/people", body))[0] == 403


async def test_a_key_and_the_operator_stay_what_they_are_XS3(world: World, browser: Browser) -> None:
    await _rename(world, "operator")
    assert await browser.sign_in(await world.services.keys.create_sign_in_token(OPERATOR.account, world.at)) == 303
    assert (await browser.post("/settings", key="sign.general.limit", value="2wd"))[0] == 303
    reader = await world.services.keys.create_key("reader", world.at, role="auditor")
    assert await browser.sign_in(reader) == 401, "a key opens no session"
    assert (await world.request(reader, "PUT", "/settings/sign.general.limit", {"value": "3wd"}))[0] == 403
    await world.services.keys.revoke_keys("reader", world.at)
    assert (await world.request(reader, "GET", "/tickets"))[0] == 401


async def test_a_sign_in_code_of_an_older_version_opens_nothing_XS3(world: World, browser: Browser) -> None:
    token = await world.services.keys.create_sign_in_token(OPERATOR.account, world.at)
    older = '{"holder": "operator", "until": 9999999999999999}'
    await world.db.write(
        lambda c: c.execute(update(t.key_values).where(t.key_values.c.name.like("sign_in:%")).values(value=older))
    )
    assert await browser.sign_in(token) == 401


@pytest.mark.parametrize("code", ["operator", "System", "ＫＥＹ", "clock", "platform", "key:x", "a：b", "U1:H1"])
async def test_reserved_words_and_colons_are_refused_as_codes_XS3(sqlite_world: World, code: str) -> None:
    world, people = sqlite_world, sqlite_world.services.people
    for path, body in (
        ("/people", {"code": code, "name": "某人", "unit": "U01", "role": "handler"}),
        ("/units", {"code": code, "name": "某单位", "kind": "handling"}),
        ("/keys", {"name": code, "role": "auditor"}),
    ):
        status, answer = await world.request("A1", "POST", path, body)
        assert (status, answer["error"]["code"]) == (422, "reserved_code"), path
    assert people is not None
    with pytest.raises(Refused):
        await people.save_people([PersonForm("某人", "U01", Role.HANDLER, code=code)], "A1")


async def test_a_unit_learns_of_no_ticket_that_it_may_not_see_XS7(world: World, browser: Browser) -> None:
    await world.create_ticket("N1")
    await world.act("D1", "N1", "dispatch", unit="U02")
    await world.create_ticket("N2", confidential=True)
    await world.act("D1", "N2", "dispatch", unit="U02")
    await world.dispatch_ticket("N3")
    await world.dispatch_ticket("N4")
    await world.create_ticket("N5")
    assert (await world.act("D1", "N5", "merge", into="N4"))[0] == 200
    timeline = (await world.request("H1", "GET", "/tickets/N4/timeline"))[1]
    words = {item["verb"]: item["words"] for item in timeline["items"] if item["type"] == "move"}
    assert words["create"]["repeats"] == ["N3"] and "repeat" not in words["take_repeat"]
    assert "N1" not in str(timeline) and "N2" not in str(timeline) and "N5" not in str(timeline)
    assert "repeats" not in next(
        item["words"] for item in (await world.request("H1", "GET", "/tickets/N3/timeline"))[1]["items"]
        if item["type"] == "move"
    )  # fmt: skip
    everything = (await world.request("D1", "GET", "/tickets/N4/timeline"))[1]
    assert everything["items"][0]["words"]["repeats"] == ["N1", "N2", "N3"]
    await browser.sign_in(world.keys["H1"])
    page = await browser.page("/tickets/N4")
    assert "N1" not in page and "N5" not in page


async def test_every_refusal_of_somebody_known_is_on_record_XS14(world: World, browser: Browser) -> None:
    await world.sign_ticket()
    assert (await world.request("H9", "GET", "/tickets/T1"))[0] == 404
    assert (await world.request("H9", "POST", "/units", {"code": "U9", "name": "九", "kind": "handling"}))[0] == 403
    assert (await world.act("H1", "T1", "dispatch", unit="U02"))[0] == 403
    await browser.sign_in(world.keys["H1"])
    assert (await browser.post("/tickets/T1/acts/dispatch", unit="U02"))[0] == 403
    await browser.page("/tickets/T9", 404)
    _, audit = await world.request("O1", "GET", "/audit")
    rows = sorted((e["who"], e["about"], e["facts"]["status"]) for e in audit["items"] if e["what"] == "refused")
    assert rows == [
        ("H1", "GET /tickets/{no}", 404), ("H1", "POST /api/v1/tickets/{no}/acts", 403),
        ("H1", "POST /tickets/{no}/acts/{verb}", 403), ("H9", "GET /api/v1/tickets/{no}", 404),
        ("H9", "POST /api/v1/units", 403),
    ]  # fmt: skip
