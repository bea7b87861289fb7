"""What strangers and faulty clients send, and how it is refused: in one form, with no trace and nothing revealed."""

import asyncio
import json
import logging
import random
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import FormData
from sqlalchemy import select

from backend.ports.web import ApiKey
from backend.web import body as bodies
from backend.web.api.routes import ROUTES
from storage import tables as t
from storage.office.api_keys import SqlKeyStore
from tests.domain.file_structure.samples import PNG
from tests.figures import SIZES, Figures, choose_size
from tests.time_and_chance import CHANCE
from tests.web.world import PDF, SECRET, World

HEADER = "X-Telegram-Bot-Api-Secret-Token"
FRAGMENTS = [
    b"{",
    b'{"update_id":',
    b'{"update_id": 5}',
    b"[",
    b"\xff",
    b"\x00",
    b"NaN",
    b'"',
    b'{"a":',
    b"}",
    b"&a=b",
    b"--x\r\n",
]


async def send_raw(world: World, text: bytes, wait: float = 3.0) -> bytes:
    """What the server answers to exactly these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
    writer.write(text)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(65_536), wait)
    finally:
        writer.close()


def check_refusal(status: int, answer: Any, code: str | None = None) -> None:
    """Every refusal has the form of contract §5, with a number and without a stack trace (FR19)."""
    assert 400 <= status < 500, (status, answer)
    error = answer["error"]
    assert set(error) == {"code", "message", "details", "request_id"} and error["request_id"]
    assert "Traceback" not in json.dumps(answer) and "sqlalchemy" not in json.dumps(answer).lower()
    if code is not None:
        assert error["code"] == code


async def test_unknown_fields_are_refused_FR2(sqlite_world: World) -> None:
    for field, value in (
        ("score", 100), ("id", 1), ("created_at", "2026-01-01T00:00:00+08:00"), ("state", "finalized"), ("unit_id", 2),
    ):  # fmt: skip
        status, answer = await sqlite_world.request("D1", "POST", "/tickets", {"text": "x", field: value})
        check_refusal(status, answer, "unknown_field")
        assert status == 422
    person = {"code": "H8", "name": "八", "unit": "U01", "role": "handler"}
    for field, value in (("pin_hash", "x"), ("is_admin", True)):
        status, answer = await sqlite_world.request("A1", "POST", "/people", {**person, field: value})
        check_refusal(status, answer, "unknown_field")
        assert status == 422
    await sqlite_world.sign_ticket()
    status, answer = await sqlite_world.act("H1", "T1", "reply", text="x", score=100)
    check_refusal(status, answer, "unknown_field")


async def test_a_request_repeated_under_one_key_takes_effect_once_FR4(world: World) -> None:
    body = {"category": "help", "grade": "general", "channel": "phone", "text": "重复的请求"}
    answers = await asyncio.gather(*(world.request("D1", "POST", "/tickets", body, key="k-1") for _ in range(20)))
    assert {status for status, _ in answers} == {201}
    assert len({answer["ticket_no"] for _, answer in answers}) == 1
    assert len((await world.request("A1", "GET", "/tickets"))[1]["items"]) == 1
    status, answer = await world.request("D1", "POST", "/tickets", {**body, "text": "另一件"}, key="k-1")
    assert status == 422
    check_refusal(status, answer, "idempotency_mismatch")
    assert (await world.request("A1", "POST", "/tickets", body, key="k-1"))[1]["ticket_no"] != answers[0][1][
        "ticket_no"
    ]
    bad = {"ticket_no": "X", "text": "x", "requester": {"phone": "不是号码"}}
    first, again = [await world.request("D1", "POST", "/tickets", bad, key="k-2") for _ in range(2)]
    assert first == again and first[0] == 422
    for odd in ("键", "x" * 201):
        assert (await world.request("D1", "POST", "/tickets", body, headers={"Idempotency-Key": odd}))[0] == 400


async def test_the_same_file_sent_twice_under_one_key_is_stored_once_FR4(sqlite_world: World) -> None:
    ids = set()
    for _ in range(2):
        form = FormData()
        form.add_field("file", PDF, filename="a.pdf")
        ids.add((await sqlite_world.request("H1", "POST", "/files", key="f", data=form))[1]["id"])
    assert len(ids) == 1


async def test_an_abandoned_claim_is_taken_over_after_a_minute_FR4(sqlite_world: World) -> None:
    idempotency = sqlite_world.services.idempotency
    assert await idempotency.claim("k", "h", sqlite_world.at) is None
    claimed = await idempotency.claim("k", "h", sqlite_world.at)
    assert claimed is not None and claimed.status == 0
    assert await idempotency.claim("k", "h", sqlite_world.at + timedelta(seconds=61)) is None


BAD_JSON = (
    b"", b"{", b"[]", b'"x"', b"null", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"text": "a", "text": "b"}',
    b'{"a":' * 1000 + b"1" + b"}" * 1000, b"[" * 100_000, b"\xff\xfe{}", b"\xef\xbb\xbf{}", b'{"a": ' + b"9" * 5000 + b"}",
    b'{"version": 99999999999999999999}',
)  # fmt: skip


async def test_broken_json_is_refused_with_400_FT7_FW28(sqlite_world: World) -> None:
    await sqlite_world.create_ticket()
    headers = {"Content-Type": "application/json"}
    for body in BAD_JSON:
        status, answer = await sqlite_world.request("D1", "POST", "/tickets/T1/acts", data=body, headers=headers)
        check_refusal(status, answer)
        assert status == (422 if body == b"" else 400), body[:40]


async def test_odd_charsets_and_content_types_and_broken_parts_are_refused_FW28(sqlite_world: World) -> None:
    json_types = ("application/json; charset=bogus", "application/json; charset=gbk")
    for kind in (*json_types, "text/html", "multipart/form-data"):
        status, answer = await sqlite_world.request(
            "D1", "POST", "/tickets", data=b"{}", headers={"Content-Type": kind}
        )
        assert status == 400
        check_refusal(status, answer, "bad_request")
    for body, kind in (
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"), (b"garbage", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"), (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data; boundary=x"), (b"{}", "application/json"),
        (b"--x\r\nContent-Disposition: form-data; name=f; filename=a\r\nContent-Transfer-Encoding: odd\r\n\r\nx\r\n--x--",
         "multipart/form-data; boundary=x"),
    ):  # fmt: skip
        status, answer = await sqlite_world.request("H1", "POST", "/files", data=body, headers={"Content-Type": kind})
        assert status in (400, 422), (body, answer)
        check_refusal(status, answer)


async def test_a_large_body_is_413_and_files_are_judged_by_content_FW27_FF5(sqlite_world: World) -> None:
    status, answer = await sqlite_world.request("D1", "POST", "/tickets", {"text": "x" * 1_100_000})
    assert status == 413
    check_refusal(status, answer, "too_large")

    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 65_536

    status, answer = await sqlite_world.request(
        "D1", "POST", "/tickets", data=endless(), headers={"Content-Type": "application/json"}
    )
    assert status == 413
    assert (await sqlite_world.upload("H1", b"MZ\x90\x00 an exe", "a.pdf"))[1]["error"]["code"] == "file_type"
    status, answer = await sqlite_world.upload("H1", b"%PDF-" + b"x" * (20 * 1024 * 1024 + 10))
    assert status == 413, answer
    status, file = await sqlite_world.upload("H1", PNG, "../../etc/\u202epasswd.png")
    assert status == 201 and not [part for part in ("/", "..", "\u202e") if part in file["name"]]


async def test_slow_bodies_are_refused_without_a_flood_of_logs_FW29(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bodies.read_bytes, "__defaults__", (bodies.MAX_BODY_BYTES, 0.3))
    start = (
        f"POST /api/v1/tickets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {sqlite_world.keys['D1']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    ).encode()
    with caplog.at_level(logging.WARNING):
        slow = [asyncio.create_task(send_raw(sqlite_world, start)) for _ in range(40)]
        await asyncio.sleep(0.1)
        assert (await sqlite_world.request("A1", "GET", "/tickets"))[0] == 200
        answers = await asyncio.gather(*slow)
    assert all(a.startswith(b"HTTP/1.1 400") for a in answers)
    assert len(caplog.records) == 0


async def test_a_wrong_secret_is_401_and_nothing_is_stored_FT5(
    sqlite_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for secret in (None, "", "wrong", SECRET + "x", "密钥", "x" * 100_000, "\udcff\udcfe"):
        head = b"" if secret is None else f"{HEADER}: ".encode() + secret.encode("utf-8", "surrogateescape") + b"\r\n"
        answer = await send_raw(sqlite_world, b"POST /hooks/telegram HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head
                           + b"Content-Length: 2\r\n\r\n{}")  # fmt: skip
        assert answer.startswith(b"HTTP/1.1 401"), (secret and secret[:20], answer[:100])
        assert b"Traceback" not in answer
    assert "Traceback" not in caplog.text
    assert await list_inbox(sqlite_world) == []


async def list_inbox(world: World) -> list[str]:
    """The state of each item in the inbox."""
    return list(await world.db.read(lambda c: c.execute(select(t.inbox.c.state)).scalars().all()))


async def test_nonsense_with_the_right_secret_is_stored_and_answered_with_200_FT7(world: World) -> None:
    for body in (b"{", b"{}", b"[]", b"\xff", b'{"update_id": NaN}', b'{"a":' * 1000 + b"1" + b"}" * 1000,
                 b'{"update_id": 1, "update_id": 2}', b""):  # fmt: skip
        status, answer = await world.request(None, "POST", "/hooks/telegram", data=body, headers={HEADER: SECRET})
        assert status == 200, (body[:20], answer)
    assert set(await list_inbox(world)) == {"unreadable"}
    status, answer = await world.request(
        None, "POST", "/hooks/telegram", data=b"x" * 1_100_000, headers={HEADER: SECRET}
    )
    assert status == 413
    update = b'{"update_id": 7, "message": {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}}}'
    for _ in range(5):  # FT1
        assert (await world.request(None, "POST", "/hooks/telegram", data=update, headers={HEADER: SECRET}))[0] == 200
    assert (await list_inbox(world)).count("new") == 1


@SIZES
async def test_whatever_is_posted_to_the_webhooks_is_never_a_5xx_and_at_most_one_line_G18(
    sqlite_world: World,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    size: str,
    figures: Figures,
) -> None:
    wanted, dice = choose_size(size, small=300, quick=10_000, full=50_000), random.Random(18)
    statuses: Counter[int] = Counter()

    async def post_many(count: int) -> None:
        for _ in range(count):
            path = dice.choice(
                ["/hooks/telegram", "/hooks/telegram?x=1", "/hooks/platform", "/hooks/nobody", "/hooks/"]
            )
            secret = dice.choice([SECRET, SECRET, SECRET, "wrong", "x" * 9_000])
            kind = dice.choice(
                ["application/json", "text/plain", "application/json; charset=bogus", "multipart/form-data"]
            )
            body = dice.randbytes(dice.randrange(400))
            if dice.random() < 0.5:
                body = dice.choice(FRAGMENTS) * dice.choice([1, 1, 7, 900])
            headers = {HEADER: secret, "Content-Type": kind}
            async with sqlite_world.client.post(path, data=body, headers=headers) as answer:
                statuses[answer.status] += 1
                assert b"Traceback" not in await answer.read()

    with caplog.at_level(logging.INFO):
        await asyncio.gather(*(post_many(wanted // 10) for _ in range(10)))
    lines = len(caplog.records) + len("".join(capsys.readouterr()).splitlines())
    failed = sum(count for status, count in statuses.items() if status >= 500)
    tracebacks = caplog.text.count("Traceback")
    figures.report("G18", requests=statuses.total(), failed=failed, tracebacks=tracebacks, lines=lines)


async def test_while_the_database_is_unavailable_webhooks_answer_503_so_that_they_are_repeated_FD4(
    sqlite_world: World,
) -> None:
    class BrokenInbox:
        async def receive(self, source: str, body: bytes) -> bool:
            raise ConnectionError("no database")

    await sqlite_world.change(BrokenInbox())
    status, answer = await sqlite_world.request(None, "POST", "/hooks/telegram", data=b"{}", headers={HEADER: SECRET})
    assert status == 503 and answer["error"]["code"] == "unavailable"


async def test_unexpected_errors_reveal_nothing_but_their_number_FR19(
    sqlite_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    class BrokenIntake:
        async def receive(self, form: Any, by: Any, source: Any) -> str:
            raise ValueError("张小三 13912345678 SELECT secret FROM tickets")

    await sqlite_world.change(intake=BrokenIntake())
    status, answer = await sqlite_world.request("D1", "POST", "/tickets", {"text": "x"})
    assert status == 500 and answer["error"]["code"] == "internal"
    assert "SELECT" not in json.dumps(answer) and answer["error"]["request_id"] in answer["error"]["message"]
    logged = capsys.readouterr().out
    assert answer["error"]["request_id"] in logged and "13912345678" not in logged and "SELECT" not in logged
    for method, path in (("GET", "/api/v1/nothing"), ("DELETE", "/api/v1/tickets"), ("PATCH", "/api/v1/audit")):
        status, answer = await sqlite_world.request("A1", method, path)
        assert status in (404, 405)
        check_refusal(status, answer)


async def test_nobody_can_change_the_audit_log_FR20(sqlite_world: World) -> None:
    assert {r.method for r in ROUTES if "audit" in r.path or "journal" in r.path} == {"GET"}
    for method in ("DELETE", "PUT", "PATCH", "POST"):
        assert (await sqlite_world.request("A1", method, "/audit/1"))[0] in (404, 405)


async def test_without_a_valid_key_nothing_is_shown_and_the_key_of_a_person_who_left_is_not_valid_FA7(
    sqlite_world: World,
) -> None:
    for who in (None, "jiesu_wrong", "", "x" * 5000):
        for method, path in (("GET", "/tickets"), ("POST", "/tickets"), ("GET", "/events"), ("GET", "/settings")):
            status, answer = await sqlite_world.request(who, method, path)
            assert status == 401
            check_refusal(status, answer, "unauthenticated")
    await sqlite_world.request(
        "A1", "POST", "/people", {"code": "H1", "name": "人H1", "unit": "U01", "role": "handler", "active": False}
    )
    assert (await sqlite_world.request("H1", "GET", "/tickets"))[0] == 401


async def test_a_service_key_acts_under_its_own_name(sqlite_world: World) -> None:
    key = {"name": "bureau", "role": "handler", "unit": "U01"}
    status, created = await sqlite_world.request("A1", "POST", "/keys", key)
    assert status == 201
    await sqlite_world.dispatch_ticket()
    assert (await sqlite_world.act(created["key"], "T1", "sign"))[0] == 200
    assert [move["by"] for move in await sqlite_world.list_moves() if move["verb"] == "sign"] == ["key:bureau"]
    without_unit = {"name": "loose", "role": "handler"}  # it could do nothing
    check_refusal(*(await sqlite_world.request("A1", "POST", "/keys", without_unit)), "unit_missing")
    stored = await sqlite_world.services.keys.create_key(**without_unit, now=sqlite_world.at)
    check_refusal(*(await sqlite_world.request(stored, "GET", "/tickets")), "unit_missing")
    assert (await sqlite_world.request("A1", "POST", "/keys", {"name": "bureau", "role": "admin"}))[0] == 409


async def test_live_events_go_only_to_those_who_may_see_the_ticket_FR21(sqlite_world: World) -> None:
    client = sqlite_world.client
    assert (await sqlite_world.request("A1", "GET", "/events", headers={"Origin": "https://evil.example"}))[0] == 403
    assert (await sqlite_world.request(None, "GET", "/events"))[0] == 401
    streams = {}
    for who in ("H1", "H9"):
        streams[who] = await client.get("/events", headers={"Authorization": f"Bearer {sqlite_world.keys[who]}"})
        await streams[who].content.readuntil(b"\r\n\r\n")
    await sqlite_world.sign_ticket()
    event = await asyncio.wait_for(streams["H1"].content.readuntil(b"\r\n\r\n"), 3)
    assert b'"ticket": "T1"' in event and b'+08:00"' in event, "in the office's time"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(streams["H9"].content.readuntil(b"\r\n\r\n"), 0.3)
    for stream in streams.values():
        stream.close()


async def test_nonsense_instead_of_http_is_answered_with_4xx_and_logs_no_traceback_FR15(
    sqlite_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for text in (
        b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 200_000 + b"\r\n\r\n",
    ):  # fmt: skip
        answer = await send_raw(sqlite_world, text)
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")) or answer == b"", answer[:80]
    assert "Traceback" not in caplog.text


async def test_health_metrics_and_the_description_of_the_api(sqlite_world: World) -> None:
    client = sqlite_world.client
    assert (await sqlite_world.request(None, "GET", "/healthz"))[0] == 200
    assert await sqlite_world.request(None, "GET", "/readyz") == (
        200, {"ok": True, "red": [], "degraded": [], "database": "ok", "roles": {}, "workers": {}, "findings": []}
    )  # fmt: skip
    sqlite_world.services.heartbeats["delivery"] = time.monotonic()
    await sqlite_world.sign_ticket()
    metrics = await (await client.get("/metrics")).text()
    assert 'jiesu_moves_total{verb="sign"} 1.0' in metrics and "jiesu_http_seconds_bucket" in metrics
    description = await (await client.get("/api/openapi.json")).json()
    assert {p.removeprefix("/api/v1") for p in description["paths"]} == {r.path for r in ROUTES}
    assert description["paths"]["/api/v1/tickets"]["post"]["requestBody"]


async def test_the_clock_of_a_rehearsal_can_be_moved_from_its_own_pages_only(sqlite_world: World) -> None:
    _, answer = await sqlite_world.request(None, "GET", "/sandbox/clock")
    assert answer == {"now": "2026-11-10T09:00:00+08:00"}
    status, answer = await sqlite_world.request(None, "POST", "/sandbox/clock", {"advance": "2h30m"})
    assert (status, answer) == (200, {"now": "2026-11-10T11:30:00+08:00"})
    assert (await sqlite_world.request(None, "POST", "/sandbox/clock", {"advance": "odd"}))[0] == 422
    status, _ = await sqlite_world.request(
        None, "POST", "/sandbox/clock", {"advance": "2h30m"}, headers={"Origin": "http://evil"}
    )
    assert status == 403


async def test_an_administrator_manages_units_people_bindings_settings_and_imports(world: World) -> None:
    bureau = {"code": "U03", "name": "<b>三局</b>", "kind": "handling", "region": "A市"}
    status, unit = await world.request("A1", "POST", "/units", bureau)
    assert status == 201 and unit["code"] == "U03"
    assert (await world.request("A1", "POST", "/units", bureau))[0] == 200
    status, person = await world.request(
        "A1", "POST", "/people", {"code": "H3", "name": "三", "unit": "U03", "role": "handler", "phone": "13800138099"}
    )
    assert status == 201 and person["has_phone"] is True and "phone" not in person
    page = (await world.request("A1", "GET", "/people?limit=3"))[1]
    rest = (await world.request("A1", "GET", f"/people?limit=200&cursor={page['next']}"))[1]
    assert len(page["items"]) == 3 and len(rest["items"]) == 11 and rest["next"] is None
    status, binding = await world.request("A1", "POST", "/people/H3/binding", {})
    assert status == 201 and binding["link"].startswith("https://t.me/") and binding["expires_at"].endswith("+08:00")
    assert (await world.request("A1", "POST", "/people/NOBODY/binding", {}))[0] == 404
    assert (await world.request("A1", "PUT", "/settings/sign.general.limit", {"value": " 2WD "}))[1]["value"] == "2wd"
    assert (await world.request("A1", "GET", "/settings"))[1]["sign.general.limit"] == "2wd"
    assert (await world.request("A1", "PUT", "/settings/sign.general.limit", {"value": "soon"}))[0] == 422
    assert (await world.request("A1", "PUT", "/settings/no.such", {"value": "1"}))[1]["error"][
        "code"
    ] == "unknown_setting"
    form = FormData()
    form.add_field("file", "编号\nX".encode(), filename="t.csv")
    form.add_field("set", "category=help")
    form.add_field("dry_run", "1")
    status, report = await world.request("D1", "POST", "/imports/tickets", data=form)
    assert status == 200 and report["imported"] == 1
    assert world.imports.asked == [("tickets", "t.csv", "编号\nX".encode(), "D1", True, {"category": "help"})]
    status, _ = await world.request("H1", "GET", "/scores?month=2026-10")
    assert status == 200 and world.scoring.asked[-1] == ("scores", "2026-10", None, "U01", "H1")
    assert (await world.request("A1", "GET", "/scores?month=2026-13"))[0] == 422


async def test_a_mounted_application_keeps_its_own_policy_and_shares_headers_and_error_handling(
    sqlite_world: World,
) -> None:
    async with sqlite_world.client.get("/mounted/page") as answer:
        assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["X-Request-Id"]
    async with sqlite_world.client.get("/mounted/broken", headers={"Accept": "text/html"}) as answer:
        text = await answer.text()
        assert answer.status == 500 and "not for strangers" not in text and answer.headers["X-Request-Id"] in text
    async with sqlite_world.client.get("/mounted/broken") as answer:
        assert answer.status == 500 and (await answer.json())["error"]["code"] == "internal"


async def test_a_listener_who_disconnects_causes_no_error(
    sqlite_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = await sqlite_world.client.get("/events", headers={"Authorization": f"Bearer {sqlite_world.keys['A1']}"})
    await stream.content.readuntil(b"\r\n\r\n")
    stream.close()
    await asyncio.sleep(0.1)
    await sqlite_world.create_ticket("T2")
    await sqlite_world.dispatch_ticket("T1")
    await asyncio.sleep(0.1)
    logged = capsys.readouterr().out
    assert "moved" in logged  # what is logged is seen here
    assert "unexpected_error" not in logged and "unavailable" not in logged


class SlowKeys(SqlKeyStore):
    """Keys of a database that takes its time."""

    def __init__(self, world: World) -> None:
        super().__init__(world.db, world.ids, CHANCE)
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def find_key(self, secret: str, now: datetime) -> ApiKey | None:
        self.asked.set()
        await self.may_answer.wait()
        return await super().find_key(secret, now)


async def test_a_listener_who_leaves_before_they_are_known_causes_no_error(
    sqlite_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = SlowKeys(sqlite_world)
    await sqlite_world.change(keys=keys)
    headers = {"Authorization": f"Bearer {sqlite_world.keys['A1']}"}
    leaving = asyncio.create_task(sqlite_world.client.get("/events", headers=headers))
    await keys.asked.wait()
    leaving.cancel()
    await asyncio.sleep(0.05)
    keys.may_answer.set()
    await asyncio.sleep(0.05)
    assert "unexpected_error" not in capsys.readouterr().out
