"""Search on the real web server: twins that look alike are never told apart; whole numbers are looked up on record."""

import asyncio
from urllib.parse import quote

import pytest

from tests.web.browser import Browser
from tests.web.world import World

#: Two hidden spans that look the same once masked, and the requester's name.
TWINS = (
    ("13912345678", "13998765678", None),
    ("139 1234 5678", "139 9876 5678", None),
    ("220102199003078514", "220102198511120019", None),
    ("6222021234567890123", "6222029876543210123", None),
    ("张小三", "张大四", ("张小三", "张大四")),
    ("幸福小区3号楼2单元501室", "幸福小区3号楼2单元902室", None),
    ("wang@example.com", "zhao@example.com", None),
)


@pytest.mark.parametrize("confidential", [False, True])
async def test_no_prefix_of_a_masked_span_tells_twins_apart_XS1(world: World, confidential: bool) -> None:
    for n, (one, other, names) in enumerate(TWINS):
        for which, hidden in enumerate((one, other)):
            name = names[which] if names else "钱某某"
            await world.dispatch_ticket(
                f"W{n}{'AB'[which]}", title="路灯不亮", text=f"家住附近，{hidden}，路灯不亮", place="人民路",
                requester={"name": name, "phone": f"1380013{n}0{which}5"}, confidential=confidential,
            )  # fmt: skip
    for n, (one, other, _) in enumerate(TWINS):
        shown = {(await world.load(f"W{n}{side}"))["text"] for side in "AB"}
        assert len(shown) == 1, shown
        for hidden in (one, other):
            for end in range(1, len(hidden) + 1):
                for who in ("A1", "O1", "H1"):
                    _, page = await world.request(who, "GET", f"/tickets?limit=200&q={quote(hidden[:end])}")
                    found = {item["ticket_no"] for item in page["items"]}
                    assert (f"W{n}A" in found) is (f"W{n}B" in found), (who, hidden[:end])
    _, page = await world.request("O1", "GET", "/tickets?limit=200&q=139****5678")
    assert {item["ticket_no"] for item in page["items"]} == {"W0A", "W0B", "W1A", "W1B"}


async def test_a_door_is_shown_to_those_who_go_there_and_found_by_nobody_XM13(world: World) -> None:
    site, doors = "春城小区3号楼2单元", ("501室", "902室")
    for n, door in enumerate(doors):
        await world.sign_ticket(f"W{n}", place=f"{site}{door}")
    read = dict.fromkeys(("H1", "L1", "D1", "R1"), "501室") | dict.fromkeys(("O1", "S1", "V1"), "*室")
    for who, door in read.items():
        assert (await world.request(who, "GET", "/tickets/W0"))[1]["place"] == site + door, who
        _, page = await world.request(who, "GET", f"/tickets?q={quote(site)}")
        assert {one["ticket_no"] for one in page["items"]} == {"W0", "W1"}
        for hidden in doors:
            for end in range(1, len(hidden)):
                _, page = await world.request(who, "GET", f"/tickets?q={quote(hidden[:end])}")
                assert len(page["items"]) in (0, 2), (who, hidden[:end])
    for verb, more in (
        ("contact", {"way": "phone", "reached": True}), ("reply", {"text": "已修复", "way": "phone"}),
        ("close", {"close_type": "solved", "feedback": "满意", "no_objection": True}),
    ):  # fmt: skip
        status, ticket = await world.act("H1", "W0", verb, **more)
        assert status == 200, ticket
    assert ticket["place"] == f"{site}*室"
    await world.create_ticket("W2", place=f"{site}501室 13912345678")
    assert "501" not in (await world.request("D1", "GET", "/tickets/W2"))[1]["place"]


async def test_a_search_goes_on_through_many_tickets_that_only_seem_to_match_XS1(world: World) -> None:
    for n in range(7):
        await world.create_ticket(f"P{n}", text="号码13912345678")
    _, page = await world.request("A1", "GET", "/tickets?limit=2&q=1391234")
    assert page["items"] == [] and page["next"] is None
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, page = await world.request("A1", "GET", f"/tickets?limit=3&q=139****5678{cursor and '&cursor=' + cursor}")
        seen += [item["ticket_no"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [f"P{n}" for n in reversed(range(7))]


async def test_a_whole_number_is_looked_up_with_a_reason_and_on_record_XS1(world: World) -> None:
    await world.sign_ticket()
    await world.create_ticket("T2", requester={"name": "李四", "phone": "13898765432"})
    await world.dispatch_ticket("T3", confidential=True)
    find = "/requesters/find"
    assert (await world.request("O1", "POST", find, {"phone": "13912345678", "reason": "核查"}))[0] == 403
    for body, code in (
        ({"phone": "13912345678", "reason": " "}, "reason_missing"), ({"phone": "1391234567", "reason": "x"}, "bad_phone"),
    ):  # fmt: skip
        status, answer = await world.request("D1", "POST", find, body)
        assert (status, answer["error"]["code"]) == (422, code)
    for who, phone, found in (
        ("D1", "139 1234 5678", ["T3", "T1"]), ("H1", "+8613912345678", ["T1"]), ("H9", "13912345678", []),
        ("H1", "13898765432", []), ("D1", "13700000000", []),
    ):  # fmt: skip
        status, answer = await world.request(who, "POST", find, {"phone": phone, "reason": "核对来电"})
        assert status == 200 and [t["ticket_no"] for t in answer["items"]] == found, who
    _, audit = await world.request("O1", "GET", "/audit")
    rows = [e for e in audit["items"] if e["what"] == "reveal"]
    assert len(rows) == 5 and rows[0]["facts"] == {"phone": "137****0000", "found": 0, "reason": "核对来电"}


async def test_parallel_reveals_and_look_ups_stop_exactly_at_the_limit_each_on_record_XS11(world: World) -> None:
    await world.sign_ticket()
    await world.request("H1", "GET", "/tickets")
    asked = [
        world.request("H1", "POST", "/tickets/T1/reveal", {"reason": "联系"}) if n % 2
        else world.request("H1", "POST", "/requesters/find", {"phone": "13912345678", "reason": "联系"})
        for n in range(60)
    ]  # fmt: skip
    statuses = [status for status, _ in await asyncio.gather(*asked)]
    assert statuses.count(200) == 20 and statuses.count(429) == 40
    _, audit = await world.request("O1", "GET", "/audit?limit=200")
    assert sum(e["what"] == "reveal" for e in audit["items"]) == 20
    assert {(cause, facts["person"]) for cause, facts in world.alarms} == {("bulk_reading", "H1")}, (
        "who reads beyond the limit is told to administrators and auditors"
    )


async def test_secrets_are_not_kept_for_repeated_requests_XS11(world: World) -> None:
    await world.sign_ticket()
    for who, path, body in (
        ("H1", "/tickets/T1/reveal", {"reason": "联系"}),
        ("H1", "/requesters/find", {"phone": "13912345678", "reason": "联系"}),
        ("A1", "/people/H1/binding", {}), ("A1", "/keys", {"name": "once", "role": "auditor"}),
    ):  # fmt: skip
        assert (await world.request(who, "POST", path, body, key=f"again {path}"))[0] in (200, 201)
        status, answer = await world.request(who, "POST", path, body, key=f"again {path}")
        assert (status, answer["error"]["code"]) == (409, "shown_once"), path


async def test_the_console_looks_a_number_up_and_says_that_it_is_on_record_XS1(world: World, browser: Browser) -> None:
    await world.sign_ticket()
    await browser.sign_in(world.keys["D1"])
    assert "按完整号码查找" in await browser.page("/tickets")
    status, text = await browser.post("/tickets/find", phone="13912345678", reason="核对来电")
    assert status == 200 and "查到工单 1 件" in text and "/tickets/T1" in text
    status, text = await browser.post("/tickets/find", phone="139", reason="核对来电")
    assert status == 422 and "电话号码不可用" in text
    await browser.sign_in(world.keys["O1"])
    assert "按完整号码查找" not in await browser.page("/tickets")
    assert (await browser.post("/tickets/find", phone="13912345678", reason="核查"))[0] == 403
