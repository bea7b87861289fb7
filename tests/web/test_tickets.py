"""Tickets over REST: the way of one, who sees it, who may act on it, and who was quicker."""

import asyncio
from urllib.parse import quote

import pytest

from storage.tickets import search
from tests.web.world import PDF, PEOPLE, World


async def test_a_ticket_goes_its_way_over_rest_and_has_the_fields_of_the_contract(world: World) -> None:
    created = await world.create_ticket()
    assert created["state"] == "pending_dispatch" and created["version"] == 1 and created["assignments"] == []
    assert created["generated_at"].endswith("+08:00")
    assert "13912345678" not in created["text"] and "张小三" not in created["text"]
    status, dispatched = await world.act("D1", "T1", "dispatch", unit="U01")
    assert status == 200 and dispatched["state"] == "dispatched" and dispatched["first_receiver"] == "M01"
    lead = dispatched["assignments"][0]
    assert lead["unit"] == "U01" and lead["lead"] is True and lead["red_card"] is False
    assert lead["sign_due_at"] == "2026-11-11T17:00:00+08:00" and lead["signed"] is None
    assert (await world.act("H1", "T1", "sign"))[1]["assignments"][0]["signed"] == "manual"
    assert (await world.act("H1", "T1", "contact", reached=True, way="phone"))[0] == 200
    assert (await world.act("H1", "T1", "reply", text="已修复", way="phone"))[1]["state"] == "replied"
    status, closed = await world.act("H1", "T1", "close", feedback="满意", no_objection=True, close_type="solved")
    assert status == 200 and closed["state"] == "closed"
    status, answer = await world.request("A1", "GET", "/tickets/T1/timeline")
    verbs = [i["verb"] for i in answer["items"] if i["type"] == "move"]
    assert verbs == ["create", "dispatch", "sign", "contact", "reply", "close"]
    assert [i["at"] for i in answer["items"]] == sorted(i["at"] for i in answer["items"])
    assert any(i["type"] == "delivery" for i in answer["items"])


async def test_an_incomplete_ticket_waits_for_acceptance_and_a_known_number_is_refused(world: World) -> None:
    created = await world.create_ticket("T2", category=None)
    assert created["state"] == "registered"
    status, answer = await world.act("R1", "T2", "accept")
    assert status == 422 and answer["error"]["code"] == "fields_missing"
    assert (await world.act("R1", "T2", "accept", category="poem"))[0] == 422
    status, accepted = await world.act("R1", "T2", "accept", category="help", grade="urgent")
    assert status == 200
    assert [accepted[name] for name in ("state", "category", "grade")] == ["pending_dispatch", "help", "urgent"]
    status, answer = await world.request("D1", "POST", "/tickets", {"ticket_no": "T2", "text": "再来"})
    assert status == 409 and answer["error"]["code"] == "exists"
    status, answer = await world.request("D1", "POST", "/tickets", {"text": "没有编号"})
    assert status == 201 and answer["ticket_no"]


async def test_another_unit_never_learns_of_the_ticket_FR1(world: World) -> None:
    await world.sign_ticket()
    _, file = await world.upload("H1")
    for method, path, body in (
        ("GET", "/tickets/T1", None), ("GET", "/tickets/T1/timeline", None),
        ("POST", "/tickets/T1/acts", {"verb": "reply", "text": "x"}), ("POST", "/tickets/T1/reveal", {"reason": "x"}),
        ("GET", "/deliveries?ticket=T1", None), ("GET", "/calls?ticket=T1", None), ("GET", f"/files/{file['id']}", None),
        ("GET", "/scores?month=2026-11&unit=U01", None),
    ):  # fmt: skip
        status, answer = await world.request("H9", method, path, body)
        assert status == 404, (path, answer)
    assert (await world.request("H9", "GET", "/tickets"))[1]["items"] == []
    assert (await world.request("H9", "GET", "/tickets?unit=U01&q=路灯"))[1]["items"] == []
    assert [p["unit"] for p in (await world.request("H9", "GET", "/people"))[1]["items"]] == ["U02", "U02"]
    assert (await world.request("H1", "GET", "/tickets"))[1]["items"][0]["ticket_no"] == "T1"


#: Method, path, body, and who may use it (contract §5); 403 for everybody else.
MATRIX: tuple[tuple[str, str, dict[str, object], set[str]], ...] = (
    ("POST", "/tickets", {"text": "x"}, {"A1", "D1"}),
    ("POST", "/units", {"code": "U03", "name": "三", "kind": "handling"}, {"A1"}),
    ("POST", "/people", {"code": "H3", "name": "三", "unit": "U01", "role": "handler"}, {"A1"}),
    ("POST", "/people/H1/binding", {}, {"A1", "L1"}),
    ("POST", "/people/H1/chats/telegram/end", {}, {"A1"}),
    ("PUT", "/settings/sign.general.limit", {"value": "2wd"}, {"A1"}),
    ("POST", "/keys", {"name": "k", "role": "auditor"}, {"A1"}),
    ("POST", "/score-runs", {"period": "2026-10", "scheme": "jilin-unit"}, {"A1", "C1"}),
    ("POST", "/score-runs/1/lock", {}, {"A1", "C1"}),
    ("POST", "/ledger", {"kind": "praise", "unit": "U01", "month": "2026-10"}, {"A1", "C1"}),
    ("POST", "/ledger/3/review", {"accept": True}, {"A1", "C1"}),
    ("POST", "/tickets/T1/acts", {"verb": "supervise", "reason": "超期"}, {"A1", "S1"}),
    ("POST", "/tickets/T1/acts", {"verb": "assist", "unit": "U02"}, {"A1", "D1"}),
    ("GET", "/audit", {}, {"A1", "O1"}),
)


@pytest.mark.parametrize(("method", "path", "body", "may"), MATRIX, ids=lambda v: str(v) if isinstance(v, str) else "")
async def test_each_route_is_open_only_to_the_roles_of_the_contract_FR3(
    sqlite_world: World, method: str, path: str, body: dict[str, object], may: set[str]
) -> None:
    await sqlite_world.sign_ticket()
    for code, unit, _ in PEOPLE:
        status, answer = await sqlite_world.request(code, method, path, body if method != "GET" else None)
        if code in may:
            assert status in (200, 201, 409, 422), (code, answer)
        elif unit == "U02" or (path.startswith("/people/H1") and unit != "U01"):
            assert status in (403, 404), (code, answer)
        else:
            assert status == 403 and answer["error"]["code"] == "forbidden", (code, answer)


async def test_verbs_of_the_system_are_refused_even_to_an_administrator_and_unknown_verbs_are_named(
    sqlite_world: World,
) -> None:
    await sqlite_world.sign_ticket()
    for verb in ("auto_sign", "red_card", "yellow_card", "start_visit", "archive"):
        assert (await sqlite_world.act("A1", "T1", verb))[0] == 403
    status, answer = await sqlite_world.act("A1", "T1", "explode")
    assert status == 422 and answer["error"]["code"] == "unknown_verb"


async def test_a_second_edit_from_the_same_version_is_refused_as_overtaken_FR5(world: World) -> None:
    await world.create_ticket()
    assert (await world.act("D1", "T1", "regrade", grade="urgent", reason="危险", version=1))[0] == 200
    status, answer = await world.act("A1", "T1", "cancel", reason="误报", version=1)
    assert status == 409 and answer["error"]["code"] == "overtaken"
    assert answer["error"]["details"]["by"] == "D1" and "at" in answer["error"]["details"]


async def test_the_quicker_signer_wins_and_may_repeat_it(world: World) -> None:
    await world.dispatch_ticket()
    results = await asyncio.gather(*(world.act(w, "T1", "sign") for w in ("H1", "H2", "L1") for _ in range(4)))
    winners = {a["version"] for s, a in results if s == 200}
    assert len(winners) == 1 and {s for s, _ in results} == {200, 409}
    assert {a["error"]["code"] for s, a in results if s == 409} == {"overtaken"}


async def test_a_return_needs_its_statement_and_names_only_uploaded_files(world: World) -> None:
    await world.sign_ticket()
    arguments = {"reason_code": "not_our_duty", "reason": "不属于本单位", "signed_by": "seal"}
    assert (await world.act("H1", "T1", "return", **arguments))[1]["error"]["code"] == "files_missing"
    assert (await world.act("H1", "T1", "return", files=["no-such"], **arguments))[1]["error"][
        "code"
    ] == "files_missing"
    status, file = await world.upload("H1")
    assert status == 201 and file["size"] == len(PDF) and len(file["sha256"]) == 64
    status, ticket = await world.act("H1", "T1", "return", files=[file["id"]], **arguments)
    assert status == 200 and ticket["state"] == "return_review"
    status, ticket = await world.act("R1", "T1", "decide_return", accept=True, reason="同意")
    assert status == 200 and ticket["state"] == "pending_dispatch"


async def test_what_a_requester_sent_is_opened_by_the_unit_through_its_ticket_XM25(world: World) -> None:
    _, file = await world.upload("D1", name="张小三13912345678.pdf")
    await world.create_ticket("T1", files=[file["id"]])
    path = f"/files/{file['id']}"
    assert (await world.request("H1", "GET", f"{path}?ticket=T1"))[0] == 404  # not yet theirs
    await world.act("D1", "T1", "dispatch", unit="U01")
    for who, query, status in (
        ("H1", "?ticket=T1", 200), ("H9", "?ticket=T1", 404), ("H1", "", 404), ("D1", "", 200), ("H1", "?ticket=T9", 404),
    ):  # fmt: skip
        assert (await world.request(who, "GET", path + query))[0] == status, (who, query)
    status, refused = await world.request(
        "D1", "POST", "/tickets", {"ticket_no": "T2", "text": "x", "files": ["no-such"]}
    )
    assert (status, refused["error"]["code"]) == (422, "files_missing")


async def test_filters_pages_and_literal_search_FR6_FR7(world: World) -> None:
    for n in range(7):
        await world.create_ticket(f"P{n}", title=f"第{n}件", text="100%_确认\\" if n == 3 else "一般")
    await world.act("D1", "P0", "dispatch", unit="U01")
    seen: list[str] = []
    cursor = None
    while True:
        path = "/tickets?limit=3" + (f"&cursor={cursor}" if cursor else "")
        _, page = await world.request("A1", "GET", path)
        seen += [t["ticket_no"] for t in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"P{n}" for n in reversed(range(7))]
    for query, found in (
        ("q=%25_", ["P3"]), ("q=%25", ["P3"]), ("q=_", ["P3"]), ("q=%5C", ["P3"]), ("q='; DROP TABLE tickets;--", []),
        ("state=dispatched", ["P0"]), ("unit=U01", ["P0"]), ("unit=U01&state=signed", []), ("q=第3", ["P3"]),
        ("overdue=1", []), ("category=help&grade=urgent", []),
    ):  # fmt: skip
        _, page = await world.request("A1", "GET", f"/tickets?{query}")
        assert [t["ticket_no"] for t in page["items"]] == found, query
    for query, code in (
        ("limit=-1", "bad_field"), ("limit=0", "bad_field"), ("limit=1000000000", "bad_field"), ("limit=x", "bad_field"),
        ("limit=%EF%BC%91", "bad_field"), ("cursor=%3Bdrop", "bad_cursor"), ("cursor=AAAA", "bad_cursor"),
        ("sort=%3Bdrop", "unknown_filter"), ("state=nope", "bad_field"), ("q=%00", "bad_field"),
        ("state=signed&state=closed", "bad_field"), ("overdue=maybe", "bad_field"),
    ):  # fmt: skip
        status, answer = await world.request("A1", "GET", f"/tickets?{query}")
        assert (status, answer["error"]["code"]) == (422, code), query
    world.at = world.at.replace(day=13)
    assert [t["ticket_no"] for t in (await world.request("A1", "GET", "/tickets?overdue=1&unit=U01"))[1]["items"]] == [
        "P0"
    ]


async def test_a_full_number_is_shown_for_a_reason_that_is_audited_and_not_too_often_FR12(world: World) -> None:
    await world.sign_ticket()
    status, answer = await world.request("H1", "POST", "/tickets/T1/reveal", {"reason": ""})
    assert (status, answer["error"]["code"]) == (422, "reason_missing")
    assert (await world.request("O1", "POST", "/tickets/T1/reveal", {"reason": "好奇"}))[0] == 403
    status, answer = await world.request("H1", "POST", "/tickets/T1/reveal", {"reason": "联系诉求人"})
    assert status == 200 and answer == {"name": "张小三", "phone": "+8613912345678"}
    _, audit = await world.request("O1", "GET", "/audit")
    assert ("reveal", "H1", "T1") in [(e["what"], e["who"], e["about"]) for e in audit["items"]]
    for _ in range(19):
        assert (await world.request("H1", "POST", "/tickets/T1/reveal", {"reason": "再看"}))[0] == 200
    assert (await world.request("H1", "POST", "/tickets/T1/reveal", {"reason": "再看"}))[0] == 429


async def test_the_messages_about_a_ticket_are_listed_with_how_they_were_delivered(world: World) -> None:
    await world.sign_ticket()
    status, page = await world.request("A1", "GET", "/deliveries?ticket=T1")
    assert status == 200 and page["items"]
    fields = {"person", "channel", "kind", "state", "attempts", "sent_at", "provider_id", "error", "cost"}
    assert fields <= set(page["items"][0])
    assert (await world.request("A1", "GET", "/deliveries?ticket=NONE"))[0] == 404
    assert (await world.request("A1", "GET", "/deliveries?state=odd"))[0] == 422
    assert (await world.request("A1", "GET", "/calls?ticket=T1"))[1] == {"items": [], "next": None}


async def test_a_search_goes_through_one_batch_at_a_time_but_a_whole_number_is_found_at_once_FD18(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SEARCH_WINDOW", 2)
    for n in range(5):
        await sqlite_world.create_ticket(f"P{n}", text="旧事" if n == 0 else "新事")
    _, page = await sqlite_world.request("A1", "GET", "/tickets?q=旧事")
    assert page["items"] == [] and page["next"] is not None
    _, page = await sqlite_world.request("A1", "GET", f"/tickets?q=旧事&cursor={page['next']}")
    assert [t["ticket_no"] for t in page["items"]] == ["P0"] and page["next"] is None
    _, page = await sqlite_world.request("A1", "GET", "/tickets?q=P0")
    assert [t["ticket_no"] for t in page["items"]] == ["P0"]


@pytest.mark.parametrize("typed", ["js9", "ＪＳ９", "\u202ejs9\u202c", "Js\u200b9", " JS9 "])
async def test_a_number_is_found_however_it_is_typed(world: World, typed: str) -> None:
    await world.create_ticket("JS9")
    path = f"/tickets/{quote(typed)}"
    assert (await world.request("D1", "GET", path))[1]["ticket_no"] == "JS9"
    assert (await world.request("D1", "GET", f"{path}/timeline"))[1]["items"]
    for found in (f"/tickets?q={quote(typed)}", f"/tickets?q={quote(typed[:-1])}"):
        assert [one["ticket_no"] for one in (await world.request("D1", "GET", found))[1]["items"]] == ["JS9"], found
    status, dispatched = await world.request("D1", "POST", f"{path}/acts", {"verb": "dispatch", "unit": "U01"})
    assert (status, dispatched["ticket_no"]) == (200, "JS9")


async def test_of_two_numbers_that_differ_in_case_the_one_written_is_meant(world: World) -> None:
    for number in ("JS9", "js9"):
        await world.create_ticket(number)
    for number in ("JS9", "js9"):
        assert (await world.request("D1", "GET", f"/tickets/{number}"))[1]["ticket_no"] == number
        assert (await world.act("D1", number, "dispatch", unit="U01"))[1]["ticket_no"] == number
