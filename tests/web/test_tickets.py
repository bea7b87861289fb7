"""Tickets over REST: the story of one, who sees it, who may touch it, and who was quicker."""

import asyncio

import pytest

from tests.web.world import PEOPLE, House


async def test_a_ticket_goes_its_way_over_rest_and_has_the_fields_of_the_contract(house: House) -> None:
    made = await house.ticket()
    assert made["state"] == "pending_dispatch" and made["version"] == 1 and made["assignments"] == []
    assert made["generated_at"].endswith("+08:00")
    assert "13912345678" not in made["text"] and "张小三" not in made["text"]
    status, sent = await house.act("D1", "T1", "dispatch", unit="U01")
    assert status == 200 and sent["state"] == "dispatched" and sent["first_receiver"] == "M01"
    part = sent["assignments"][0]
    assert part["unit"] == "U01" and part["lead"] is True and part["red_card"] is False
    assert part["sign_due_at"] == "2026-11-11T17:00:00+08:00" and part["signed"] is None
    assert (await house.act("H1", "T1", "sign"))[1]["assignments"][0]["signed"] == "manual"
    assert (await house.act("H1", "T1", "contact", reached=True, way="phone"))[0] == 200
    assert (await house.act("H1", "T1", "reply", text="已修复", way="phone"))[1]["state"] == "replied"
    status, closed = await house.act("H1", "T1", "close", feedback="满意", no_objection=True, close_type="solved")
    assert status == 200 and closed["state"] == "closed"
    status, answer = await house.ask("A1", "GET", "/tickets/T1/timeline")
    assert [i["verb"] for i in answer["items"] if i["type"] == "move"][-5:] == [
        "dispatch",
        "sign",
        "contact",
        "reply",
        "close",
    ]
    assert [i["at"] for i in answer["items"]] == sorted(i["at"] for i in answer["items"])
    assert any(i["type"] == "delivery" for i in answer["items"])


async def test_an_incomplete_ticket_waits_for_acceptance_and_a_known_number_is_refused(house: House) -> None:
    made = await house.ticket("T2", category=None)
    assert made["state"] == "registered"
    status, answer = await house.act("R1", "T2", "accept")
    assert status == 422 and answer["error"]["code"] == "fields_missing"
    assert (await house.act("R1", "T2", "accept", category="poem"))[0] == 422
    status, accepted = await house.act("R1", "T2", "accept", category="help", grade="urgent")
    assert status == 200
    assert [accepted[name] for name in ("state", "category", "grade")] == ["pending_dispatch", "help", "urgent"]
    status, answer = await house.ask("D1", "POST", "/tickets", {"ticket_no": "T2", "text": "再来"})
    assert status == 409 and answer["error"]["code"] == "exists"
    status, answer = await house.ask("D1", "POST", "/tickets", {"text": "没有编号"})
    assert status == 201 and answer["ticket_no"]


async def test_another_unit_never_learns_of_the_ticket_FR1(house: House) -> None:
    await house.signed()
    _, paper = await house.upload("H1")
    for method, path, body in (
        ("GET", "/tickets/T1", None), ("GET", "/tickets/T1/timeline", None),
        ("POST", "/tickets/T1/acts", {"verb": "reply", "text": "x"}), ("POST", "/tickets/T1/reveal", {"reason": "x"}),
        ("GET", "/deliveries?ticket=T1", None), ("GET", "/calls?ticket=T1", None), ("GET", f"/files/{paper['id']}", None),
        ("GET", "/scores?month=2026-11&unit=U01", None),
    ):  # fmt: skip
        status, answer = await house.ask("H9", method, path, body)
        assert status == 404, (path, answer)
    assert (await house.ask("H9", "GET", "/tickets"))[1]["items"] == []
    assert (await house.ask("H9", "GET", "/tickets?unit=U01&q=路灯"))[1]["items"] == []
    assert [p["unit"] for p in (await house.ask("H9", "GET", "/people"))[1]["items"]] == ["U02", "U02"]
    assert (await house.ask("H1", "GET", "/tickets"))[1]["items"][0]["ticket_no"] == "T1"


#: Who may come through which door with any chance (contract: who may). 403 for everybody else.
MATRIX: tuple[tuple[str, str, dict[str, object], set[str]], ...] = (
    ("POST", "/tickets", {"text": "x"}, {"A1", "D1"}),
    ("POST", "/units", {"code": "U03", "name": "三", "kind": "handling"}, {"A1"}),
    ("POST", "/people", {"code": "H3", "name": "三", "unit": "U01", "role": "handler"}, {"A1"}),
    ("POST", "/people/H1/binding", {}, {"A1", "L1"}),
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
    small_house: House, method: str, path: str, body: dict[str, object], may: set[str]
) -> None:
    await small_house.signed()
    for code, unit, _ in PEOPLE:
        status, answer = await small_house.ask(code, method, path, body if method != "GET" else None)
        if code in may:
            assert status in (200, 201, 409, 422), (code, answer)
        elif unit == "U02" or (path.startswith("/people/H1") and unit != "U01"):
            assert status in (403, 404), (code, answer)
        else:
            assert status == 403 and answer["error"]["code"] == "forbidden", (code, answer)


async def test_verbs_of_the_system_are_refused_to_everybody_and_unknown_ones_are_named(small_house: House) -> None:
    await small_house.signed()
    for verb in ("auto_sign", "red_card", "yellow_card", "start_visit", "archive"):
        assert (await small_house.act("A1", "T1", verb))[0] == 403
    status, answer = await small_house.act("A1", "T1", "explode")
    assert status == 422 and answer["error"]["code"] == "unknown_verb"


async def test_a_second_edit_from_the_same_version_is_refused_as_overtaken_FR5(house: House) -> None:
    await house.ticket()
    assert (await house.act("D1", "T1", "regrade", grade="urgent", reason="危险", version=1))[0] == 200
    status, answer = await house.act("A1", "T1", "cancel", reason="误报", version=1)
    assert status == 409 and answer["error"]["code"] == "overtaken"
    assert answer["error"]["details"]["by"] == "D1" and "at" in answer["error"]["details"]


async def test_the_quicker_signer_wins_and_may_repeat_it(house: House) -> None:
    await house.ticket()
    await house.act("D1", "T1", "dispatch", unit="U01")
    results = await asyncio.gather(*(house.act(w, "T1", "sign") for w in ("H1", "H2", "L1") for _ in range(4)))
    winners = {a["version"] for s, a in results if s == 200}
    assert len(winners) == 1 and {s for s, _ in results} == {200, 409}
    assert {a["error"]["code"] for s, a in results if s == 409} == {"overtaken"}


async def test_a_return_needs_its_statement_and_names_only_uploaded_files(house: House) -> None:
    await house.signed()
    words = {"reason_code": "not_our_duty", "reason": "不属于本单位", "signed_by": "seal"}
    assert (await house.act("H1", "T1", "return", **words))[1]["error"]["code"] == "files_missing"
    assert (await house.act("H1", "T1", "return", files=["no-such"], **words))[1]["error"]["code"] == "files_missing"
    status, paper = await house.upload("H1")
    assert (
        status == 201
        and paper["size"] == len(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n")
        and len(paper["sha256"]) == 64
    )
    status, ticket = await house.act("H1", "T1", "return", files=[paper["id"]], **words)
    assert status == 200 and ticket["state"] == "return_review"
    status, ticket = await house.act("R1", "T1", "decide_return", accept=True, reason="同意")
    assert status == 200 and ticket["state"] == "pending_dispatch"


async def test_filters_pages_and_literal_search_FR6_FR7(house: House) -> None:
    for n in range(7):
        await house.ticket(f"P{n}", title=f"第{n}件", text="100%_确认\\" if n == 3 else "一般")
    await house.act("D1", "P0", "dispatch", unit="U01")
    seen: list[str] = []
    cursor = None
    while True:
        path = "/tickets?limit=3" + (f"&cursor={cursor}" if cursor else "")
        _, page = await house.ask("A1", "GET", path)
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
        _, page = await house.ask("A1", "GET", f"/tickets?{query}")
        assert [t["ticket_no"] for t in page["items"]] == found, query
    for query, code in (
        ("limit=-1", "bad_field"), ("limit=0", "bad_field"), ("limit=1000000000", "bad_field"), ("limit=x", "bad_field"),
        ("limit=%EF%BC%91", "bad_field"), ("cursor=%3Bdrop", "bad_cursor"), ("cursor=AAAA", "bad_cursor"),
        ("sort=%3Bdrop", "unknown_filter"), ("state=nope", "bad_field"), ("q=%00", "bad_field"),
        ("state=signed&state=closed", "bad_field"), ("overdue=maybe", "bad_field"),
    ):  # fmt: skip
        status, answer = await house.ask("A1", "GET", f"/tickets?{query}")
        assert (status, answer["error"]["code"]) == (422, code), query
    house.at = house.at.replace(day=13)
    assert [t["ticket_no"] for t in (await house.ask("A1", "GET", "/tickets?overdue=1&unit=U01"))[1]["items"]] == ["P0"]


async def test_a_full_number_is_shown_for_a_reason_on_the_record_and_not_too_often_FR12(house: House) -> None:
    await house.signed()
    status, answer = await house.ask("H1", "POST", "/tickets/T1/reveal", {"reason": ""})
    assert (status, answer["error"]["code"]) == (422, "reason_missing")
    assert (await house.ask("O1", "POST", "/tickets/T1/reveal", {"reason": "好奇"}))[0] == 403
    status, answer = await house.ask("H1", "POST", "/tickets/T1/reveal", {"reason": "联系诉求人"})
    assert status == 200 and answer == {"name": "张小三", "phone": "+8613912345678"}
    _, book = await house.ask("O1", "GET", "/audit")
    assert any(e["what"] == "reveal" and e["who"] == "H1" and e["about"] == "T1" for e in book["items"])
    for _ in range(19):
        assert (await house.ask("H1", "POST", "/tickets/T1/reveal", {"reason": "再看"}))[0] == 200
    assert (await house.ask("H1", "POST", "/tickets/T1/reveal", {"reason": "再看"}))[0] == 429


async def test_deliveries_list_the_messages_to_each_person(house: House) -> None:
    await house.signed()
    status, page = await house.ask("A1", "GET", "/deliveries?ticket=T1")
    assert status == 200 and page["items"]
    assert {"person", "channel", "kind", "state", "attempts", "sent_at", "provider_id", "error", "cost"} <= set(
        page["items"][0]
    )
    assert (await house.ask("A1", "GET", "/deliveries?ticket=NONE"))[0] == 404
    assert (await house.ask("A1", "GET", "/deliveries?state=odd"))[0] == 422
    assert (await house.ask("A1", "GET", "/calls?ticket=T1"))[1] == {"items": [], "next": None}


async def test_a_search_goes_through_one_batch_at_a_time_but_a_whole_number_is_found_at_once_FD18(
    small_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.tickets import search

    monkeypatch.setattr(search, "SEARCH_WINDOW", 2)
    for n in range(5):
        await small_house.ticket(f"P{n}", text="旧事" if n == 0 else "新事")
    _, page = await small_house.ask("A1", "GET", "/tickets?q=旧事")
    assert page["items"] == [] and page["next"] is not None
    _, page = await small_house.ask("A1", "GET", f"/tickets?q=旧事&cursor={page['next']}")
    assert [t["ticket_no"] for t in page["items"]] == ["P0"] and page["next"] is None
    _, page = await small_house.ask("A1", "GET", "/tickets?q=P0")
    assert [t["ticket_no"] for t in page["items"]] == ["P0"]
