"""What is thrown at the web door, and how calmly it is answered."""

import asyncio
import json
import logging
from typing import Any

import pytest

from backend.web import body as bodies
from backend.web.api.routes import ROUTES
from tests.web.world import SECRET, House

HEADER = "X-Telegram-Bot-Api-Secret-Token"


async def raw(house: House, text: bytes, wait: float = 3.0) -> bytes:
    """What the door answers to these very bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.client.port)
    writer.write(text)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(65_536), wait)
    finally:
        writer.close()


def well_refused(status: int, answer: Any, code: str | None = None) -> None:
    """The one shape of a no (contract §5), with a number and without a stack (FR19)."""
    assert 400 <= status < 500, (status, answer)
    error = answer["error"]
    assert set(error) == {"code", "message", "details", "request_id"} and error["request_id"]
    assert "Traceback" not in json.dumps(answer) and "sqlalchemy" not in json.dumps(answer).lower()
    if code is not None:
        assert error["code"] == code


async def test_unknown_fields_are_refused_FR2(small_house: House) -> None:
    for body in (
        {"score": 100},
        {"id": 1},
        {"created_at": "2026-01-01T00:00:00+08:00"},
        {"state": "finalized"},
        {"unit_id": 2},
    ):
        status, answer = await small_house.ask("D1", "POST", "/tickets", {"text": "x", **body})
        well_refused(status, answer, "unknown_field")
        assert status == 422
    for body in ({"role": "admin"}, {"is_admin": True}):
        base = {"code": "H8", "name": "八", "unit": "U01", "role": "handler"}
        status, answer = await small_house.ask("A1", "POST", "/people", {**base, "pin_hash": "x", **body})
        assert status == 422
    await small_house.signed()
    status, answer = await small_house.act("H1", "T1", "reply", text="x", score=100)
    well_refused(status, answer, "unknown_field")


async def test_one_key_is_one_act_however_often_it_is_sent_FR4(house: House) -> None:
    body = {"category": "help", "grade": "general", "channel": "phone", "text": "重复的请求"}
    answers = await asyncio.gather(*(house.ask("D1", "POST", "/tickets", body, key="k-1") for _ in range(20)))
    assert {status for status, _ in answers} == {201}
    assert len({answer["ticket_no"] for _, answer in answers}) == 1
    assert len((await house.ask("A1", "GET", "/tickets"))[1]["items"]) == 1
    status, answer = await house.ask("D1", "POST", "/tickets", {**body, "text": "另一件"}, key="k-1")
    assert status == 422
    well_refused(status, answer, "idempotency_mismatch")
    assert (await house.ask("A1", "POST", "/tickets", body, key="k-1"))[1]["ticket_no"] != answers[0][1]["ticket_no"]
    bad = {"ticket_no": "X", "text": "x", "requester": {"phone": "不是号码"}}
    first, again = [await house.ask("D1", "POST", "/tickets", bad, key="k-2") for _ in range(2)]
    assert first == again and first[0] == 422
    for odd in ("键", "x" * 201):
        assert (await house.ask("D1", "POST", "/tickets", body, headers={"Idempotency-Key": odd}))[0] == 400


async def test_the_same_file_sent_twice_under_one_key_is_stored_once_FR4(small_house: House) -> None:
    from aiohttp import FormData

    ids = set()
    for _ in range(2):
        form = FormData()
        form.add_field("file", b"%PDF-1.4 x", filename="a.pdf")
        ids.add((await small_house.ask("H1", "POST", "/files", key="f", data=form))[1]["id"])
    assert len(ids) == 1


async def test_an_abandoned_claim_is_taken_over_after_a_minute_FR4(small_house: House) -> None:
    from datetime import timedelta

    book = small_house.rooms.idempotency
    assert await book.claim("k", "h", small_house.at) is None
    held = await book.claim("k", "h", small_house.at)
    assert held is not None and held.status == 0
    assert await book.claim("k", "h", small_house.at + timedelta(seconds=61)) is None


BAD_JSON = (
    b"", b"{", b"[]", b'"x"', b"null", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"text": "a", "text": "b"}',
    b'{"a":' * 1000 + b"1" + b"}" * 1000, b"[" * 100_000, b"\xff\xfe{}", b"\xef\xbb\xbf{}", b'{"a": ' + b"9" * 5000 + b"}",
    b'{"version": 99999999999999999999}',
)  # fmt: skip


@pytest.mark.parametrize("body", BAD_JSON, ids=lambda b: repr(b[:16]))
async def test_broken_json_is_a_plain_400_FT7_FW28(small_house: House, body: bytes) -> None:
    await small_house.ticket()
    headers = {"Content-Type": "application/json"}
    status, answer = await small_house.ask("D1", "POST", "/tickets/T1/acts", data=body, headers=headers)
    well_refused(status, answer)
    assert status == (422 if body == b"" else 400)


async def test_odd_charsets_and_kinds_and_broken_parts_are_a_plain_400_FW28(small_house: House) -> None:
    for kind in (
        "application/json; charset=bogus",
        "application/json; charset=gbk",
        "text/html",
        "multipart/form-data",
    ):
        status, answer = await small_house.ask("D1", "POST", "/tickets", data=b"{}", headers={"Content-Type": kind})
        assert status == 400
        well_refused(status, answer, "bad_request")
    for body, kind in (
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"), (b"garbage", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"), (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data; boundary=x"), (b"{}", "application/json"),
        (b"--x\r\nContent-Disposition: form-data; name=f; filename=a\r\nContent-Transfer-Encoding: odd\r\n\r\nx\r\n--x--",
         "multipart/form-data; boundary=x"),
    ):  # fmt: skip
        status, answer = await small_house.ask("H1", "POST", "/files", data=body, headers={"Content-Type": kind})
        assert status in (400, 422), (body, answer)
        well_refused(status, answer)


async def test_a_large_body_is_413_and_files_are_judged_by_content_FW27_FF5(small_house: House) -> None:
    status, answer = await small_house.ask("D1", "POST", "/tickets", {"text": "x" * 1_100_000})
    assert status == 413
    well_refused(status, answer, "too_large")

    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 65_536

    status, answer = await small_house.ask(
        "D1", "POST", "/tickets", data=endless(), headers={"Content-Type": "application/json"}
    )
    assert status == 413
    assert (await small_house.upload("H1", b"MZ\x90\x00 an exe", "a.pdf"))[1]["error"]["code"] == "file_type"
    status, answer = await small_house.upload("H1", b"%PDF-" + b"x" * (20 * 1024 * 1024 + 10))
    assert status == 413, answer
    status, paper = await small_house.upload("H1", b"\x89PNG\r\n\x1a\n..", "../../etc/\u202epasswd.png")
    assert status == 201 and "/" not in paper["name"] and ".." not in paper["name"] and "\u202e" not in paper["name"]


async def test_slow_bodies_are_refused_without_a_flood_of_logs_FW29(
    small_house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bodies.read_bytes, "__defaults__", (bodies.MAX_BODY_BYTES, 0.3))
    start = (
        f"POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {small_house.keys['D1']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    ).encode()
    with caplog.at_level(logging.WARNING):
        slow = [asyncio.create_task(raw(small_house, start)) for _ in range(40)]
        await asyncio.sleep(0.1)
        assert (await small_house.ask("A1", "GET", "/tickets"))[0] == 200
        answers = await asyncio.gather(*slow)
    assert all(a.startswith(b"HTTP/1.1 400") for a in answers)
    assert len(caplog.records) == 0


async def test_a_wrong_secret_is_401_and_nothing_is_stored_FT5(
    small_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for said in (None, "", "wrong", SECRET + "x", "密钥", "x" * 100_000, "\udcff\udcfe"):
        head = b"" if said is None else f"{HEADER}: ".encode() + said.encode("utf-8", "surrogateescape") + b"\r\n"
        answer = await raw(small_house, b"POST /hooks/telegram HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head
                           + b"Content-Length: 2\r\n\r\n{}")  # fmt: skip
        assert answer.startswith(b"HTTP/1.1 401"), (said and said[:20], answer[:100])
        assert b"Traceback" not in answer
    assert "Traceback" not in caplog.text
    assert await heard(small_house) == []


async def heard(house: House) -> list[tuple[str, str]]:
    """What lies in the inbox: state and event."""
    from sqlalchemy import select

    from storage import tables as t

    rows = await house.db.read(lambda c: c.execute(select(t.inbox.c.state, t.inbox.c.event)).all())
    return [(r.state, r.event) for r in rows]


async def test_signed_nonsense_is_stored_and_answered_200_FT7(house: House) -> None:
    for body in (b"{", b"{}", b"[]", b"\xff", b'{"update_id": NaN}', b'{"a":' * 1000 + b"1" + b"}" * 1000,
                 b'{"update_id": 1, "update_id": 2}', b""):  # fmt: skip
        status, answer = await house.ask(None, "POST", "/hooks/telegram", data=body, headers={HEADER: SECRET})
        assert status == 200, (body[:20], answer)
    assert {state for state, _ in await heard(house)} == {"unreadable"}
    status, answer = await house.ask(None, "POST", "/hooks/telegram", data=b"x" * 1_100_000, headers={HEADER: SECRET})
    assert status == 413
    update = b'{"update_id": 7, "message": {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}}}'
    for _ in range(5):  # FT1
        assert (await house.ask(None, "POST", "/hooks/telegram", data=update, headers={HEADER: SECRET}))[0] == 200
    assert [state for state, _ in await heard(house)].count("new") == 1


async def test_while_the_database_is_unavailable_webhooks_answer_503_so_that_they_are_repeated_FD4(
    small_house: House,
) -> None:
    class Away:
        async def hear(self, mouth: str, body: bytes) -> None:
            raise ConnectionError("away")

    small_house.rooms.inbox = Away()
    status, answer = await small_house.ask(None, "POST", "/hooks/telegram", data=b"{}", headers={HEADER: SECRET})
    assert status == 503 and answer["error"]["code"] == "unavailable"


async def test_unexpected_errors_reveal_nothing_but_their_number_FR19(
    small_house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        async def receive(self, form: Any, by: Any, source: Any) -> str:
            raise ValueError("张小三 13912345678 SELECT secret FROM tickets")

    small_house.rooms.intake = Broken()
    status, answer = await small_house.ask("D1", "POST", "/tickets", {"text": "x"})
    assert status == 500 and answer["error"]["code"] == "internal"
    assert "SELECT" not in json.dumps(answer) and answer["error"]["request_id"] in answer["error"]["message"]
    said = capsys.readouterr().out
    assert answer["error"]["request_id"] in said and "13912345678" not in said and "SELECT" not in said
    for method, path in (("GET", "/api/v1/nothing"), ("DELETE", "/api/v1/tickets"), ("PATCH", "/api/v1/audit")):
        status, answer = await small_house.ask("A1", method, path)
        assert status in (404, 405)
        well_refused(status, answer)


async def test_nobody_can_change_the_audit_FR20(small_house: House) -> None:
    assert {r.method for r in ROUTES if "audit" in r.path or "journal" in r.path} == {"GET"}
    for method in ("DELETE", "PUT", "PATCH", "POST"):
        assert (await small_house.ask("A1", method, "/audit/1"))[0] in (404, 405)


async def test_without_a_valid_key_nothing_is_shown_and_a_person_who_left_has_none_FA7(small_house: House) -> None:
    for who in (None, "jiesu_wrong", "", "x" * 5000):
        for method, path in (("GET", "/tickets"), ("POST", "/tickets"), ("GET", "/events"), ("GET", "/settings")):
            status, answer = await small_house.ask(who, method, path)
            assert status == 401
            well_refused(status, answer, "unauthenticated")
    await small_house.ask(
        "A1", "POST", "/people", {"code": "H1", "name": "人H1", "unit": "U01", "role": "handler", "active": False}
    )
    assert (await small_house.ask("H1", "GET", "/tickets"))[0] == 401


async def test_a_service_key_acts_under_its_own_name(small_house: House) -> None:
    status, made = await small_house.ask("A1", "POST", "/keys", {"name": "bureau", "role": "handler", "unit": "U01"})
    assert status == 201
    await small_house.ticket()
    await small_house.act("D1", "T1", "dispatch", unit="U01")
    assert (await small_house.act(made["key"], "T1", "sign"))[0] == 200
    _, timeline = await small_house.ask("A1", "GET", "/tickets/T1/timeline")
    assert [i["by"] for i in timeline["items"] if i.get("verb") == "sign"] == ["key:bureau"]
    loose = {"name": "loose", "role": "handler"}  # it could do nothing
    well_refused(*(await small_house.ask("A1", "POST", "/keys", loose)), "missing")
    key = await small_house.rooms.keys.create_key(**loose, now=small_house.at)
    assert (await small_house.ask(key, "GET", "/tickets"))[1]["items"] == []
    assert (await small_house.ask("A1", "POST", "/keys", {"name": "bureau", "role": "admin"}))[0] == 409


async def test_live_events_go_only_to_those_who_may_see_the_ticket_FR21(small_house: House) -> None:
    client = small_house.client
    assert (await small_house.ask("A1", "GET", "/events", headers={"Origin": "https://evil.example"}))[0] == 403
    assert (await small_house.ask(None, "GET", "/events"))[0] == 401
    streams = {}
    for who in ("H1", "H9"):
        streams[who] = await client.get("/events", headers={"Authorization": f"Bearer {small_house.keys[who]}"})
        await streams[who].content.readuntil(b"\r\n\r\n")
    await small_house.signed()
    told = await asyncio.wait_for(streams["H1"].content.readuntil(b"\r\n\r\n"), 3)
    assert b'"ticket": "T1"' in told
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(streams["H9"].content.readuntil(b"\r\n\r\n"), 0.3)
    for stream in streams.values():
        stream.close()


async def test_raw_nonsense_on_the_wire_is_4xx_and_no_traceback_FR15(
    small_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for text in (
        b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 200_000 + b"\r\n\r\n",
    ):  # fmt: skip
        answer = await raw(small_house, text)
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")) or answer == b"", answer[:80]
    assert b"Traceback" not in caplog.text.encode()


async def test_health_metrics_and_the_description_of_the_api(small_house: House) -> None:
    import time

    client = small_house.client
    assert (await small_house.ask(None, "GET", "/healthz"))[0] == 200
    small_house.rooms.heartbeats["letters"] = time.monotonic()
    status, answer = await small_house.ask(None, "GET", "/readyz")
    assert status == 200 and answer["database"] == "ok" and answer["rounds"] == {"letters": "running"}
    small_house.rooms.heartbeats["letters"] = time.monotonic() - 61  # FS6
    assert (await small_house.ask(None, "GET", "/readyz"))[0] == 503
    await small_house.signed()
    meters = await (await client.get("/metrics")).text()
    assert 'jiesu_moves_total{verb="sign"} 1.0' in meters and "jiesu_http_seconds_bucket" in meters
    described = await (await client.get("/api/openapi.json")).json()
    assert {p.removeprefix("/api/v1") for p in described["paths"]} == {r.path for r in ROUTES}
    assert described["paths"]["/api/v1/tickets"]["post"]["requestBody"]


async def test_the_rehearsal_clock_can_be_moved_from_its_own_pages_only(small_house: House) -> None:
    status, answer = await small_house.ask(None, "GET", "/sandbox/clock")
    assert answer == {"now": "2026-11-10T09:00:00+08:00"}
    status, answer = await small_house.ask(None, "POST", "/sandbox/clock", {"advance": "2h30m"})
    assert (status, answer) == (200, {"now": "2026-11-10T11:30:00+08:00"})
    assert (await small_house.ask(None, "POST", "/sandbox/clock", {"advance": "odd"}))[0] == 422
    status, _ = await small_house.ask(
        None, "POST", "/sandbox/clock", {"advance": "2h30m"}, headers={"Origin": "http://evil"}
    )
    assert status == 403


async def test_units_people_bindings_settings_and_imports(house: House) -> None:
    status, unit = await house.ask(
        "A1", "POST", "/units", {"code": "U03", "name": "<b>三局</b>", "kind": "handling", "region": "A市"}
    )
    assert status == 201 and unit["code"] == "U03"
    assert (
        await house.ask(
            "A1", "POST", "/units", {"code": "U03", "name": "<b>三局</b>", "kind": "handling", "region": "A市"}
        )
    )[0] == 200
    status, person = await house.ask(
        "A1", "POST", "/people", {"code": "H3", "name": "三", "unit": "U03", "role": "handler", "phone": "13800138099"}
    )
    assert status == 201 and person["has_phone"] is True and "phone" not in person
    page = (await house.ask("A1", "GET", "/people?limit=3"))[1]
    rest = (await house.ask("A1", "GET", f"/people?limit=200&cursor={page['next']}"))[1]
    assert len(page["items"]) == 3 and len(rest["items"]) == 11 and rest["next"] is None
    status, binding = await house.ask("A1", "POST", "/people/H3/binding", {})
    assert status == 201 and binding["link"].startswith("https://t.me/") and binding["expires_at"].endswith("+08:00")
    assert (await house.ask("A1", "POST", "/people/NOBODY/binding", {}))[0] == 404
    assert (await house.ask("A1", "PUT", "/settings/sign.general.limit", {"value": " 2WD "}))[1]["value"] == "2wd"
    assert (await house.ask("A1", "GET", "/settings"))[1]["sign.general.limit"] == "2wd"
    assert (await house.ask("A1", "PUT", "/settings/sign.general.limit", {"value": "soon"}))[0] == 422
    assert (await house.ask("A1", "PUT", "/settings/no.such", {"value": "1"}))[1]["error"]["code"] == "unknown_setting"
    from aiohttp import FormData

    form = FormData()
    form.add_field("file", "编号\nX".encode(), filename="t.csv")
    form.add_field("set", "category=help")
    form.add_field("dry_run", "1")
    status, report = await house.ask("D1", "POST", "/imports/tickets", data=form)
    assert status == 200 and report["imported"] == 1
    assert house.imports.asked == [("tickets", "t.csv", "编号\nX".encode(), "D1", True, {"category": "help"})]
    status, _ = await house.ask("H1", "GET", "/scores?month=2026-10")
    assert status == 200 and house.marks.asked[-1] == ("scores", "2026-10", None, "U01", "H1")
    assert (await house.ask("A1", "GET", "/scores?month=2026-13"))[0] == 422


async def test_a_mounted_application_keeps_its_policy_and_shares_headers_and_error_handling(small_house: House) -> None:
    async with small_house.client.get("/annex/page") as answer:
        assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["X-Request-Id"]
    async with small_house.client.get("/annex/broken", headers={"Accept": "text/html"}) as answer:
        text = await answer.text()
        assert answer.status == 500 and "never to be told" not in text and answer.headers["X-Request-Id"] in text
    async with small_house.client.get("/annex/broken") as answer:
        assert answer.status == 500 and (await answer.json())["error"]["code"] == "internal"


async def test_a_listener_who_disconnects_causes_no_error(
    small_house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = await small_house.client.get("/events", headers={"Authorization": f"Bearer {small_house.keys['A1']}"})
    await stream.content.readuntil(b"\r\n\r\n")
    stream.close()
    await asyncio.sleep(0.1)
    await small_house.ticket("T1")
    await small_house.ticket("T2")
    await small_house.act("D1", "T1", "dispatch", unit="U01")
    await asyncio.sleep(0.1)
    said = capsys.readouterr().out
    assert "accident" not in said and "away" not in said
