"""Forged, broken, huge and late webhook requests get a status and change nothing (FW1-FW3, FW8-FW13, FW24-FW30)."""

import asyncio
import random
from collections import Counter
from typing import Any

import aiohttp
import pytest

from backend.domain.records import Unit
from backend.domain.scripts import Position
from backend.domain.ticket_enums import UnitKind
from sandbox.twilio.webhooks import compute_signature
from storage import tables as t
from tests.calls.world import ADDRESS, H1, OLD_TOKEN, OWN, SID, TOKEN, World
from tests.figures import SIZES, Figures, choose_size

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
pytestmark = ONE_ENGINE
FORM = "application/x-www-form-urlencoded"


def fields(**more: str) -> dict[str, str]:
    """The fields of a callback about our call."""
    return {"CallSid": "CA" + "1" * 32, "AccountSid": SID, "From": OWN, "To": H1, "CallStatus": "in-progress"} | more


async def start_attempt(world: World) -> int:
    """Start an attempt that rings and has not been answered; its id."""
    world.phone(H1).operate_by_hand()
    await world.dispatch_ticket()
    await world.calls.run_once()
    await world.phone(H1).wait_for_ring()
    await world.simulator.settle()
    attempt = await world.attempt()
    await world.update_rows(t.call_attempts, provider_id="CA" + "1" * 32)
    return int(attempt.id)


async def load_rows(world: World) -> Any:
    """All rows a webhook could change."""
    return [await world.rows(table) for table in (t.calls, t.call_attempts, t.outbox, t.journal)]


FORGED: list[tuple[str, dict[str, Any]]] = [
    ("missing", {"signature": None}),
    ("empty", {"signature": ""}),
    ("wrong", {"signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}),
    ("not base64", {"signature": "!!"}),
    ("latin", {"signature": "ÿþ"}),
    ("long", {"signature": "A" * 7_000}),
    ("another secret", {"token": "y" * 32}),
    ("another address", {"signed_url": "https://evil.example/hooks/twilio/voice/1?s=0"}),
]


@pytest.mark.parametrize(("name", "how"), FORGED, ids=[name for name, _ in FORGED])
async def test_FW1_FW2_what_the_carrier_did_not_sign_is_refused_and_changes_no_row(
    world: World, name: str, how: dict[str, Any]
) -> None:
    attempt = await start_attempt(world)
    before = await load_rows(world)
    for path in (f"/voice/{attempt}?s=0", f"/status/{attempt}", f"/record/{attempt}", "/inbound", "/fallback"):
        assert (await world.post(path, fields(CallStatus="completed"), **how))[0] == 403
    assert await load_rows(world) == before


async def test_FW1_a_signature_given_twice_is_refused(world: World) -> None:
    async with aiohttp.ClientSession() as http:
        headers = [("X-Twilio-Signature", "a"), ("X-Twilio-Signature", "a"), ("Content-Type", FORM)]
        async with http.post(f"{world.base}/hooks/twilio/inbound", data=b"a=b", headers=headers) as answer:
            assert answer.status == 403


async def test_FW2_the_configured_address_counts_and_not_the_host_or_the_order_of_the_query(world: World) -> None:
    attempt = await start_attempt(world)
    status, text = await world.post(
        f"/voice/{attempt}?s=0", fields(), headers={"Host": "inner:8080", "X-Forwarded-Proto": "http"}
    )
    assert (status, "确认收到请按1" in text) == (200, True)
    signed = f"{ADDRESS}/hooks/twilio/voice/{attempt}?s=0&w=1"
    status, _ = await world.post(f"/voice/{attempt}?w=1&s=0", fields(), signed_url=signed)
    assert status == 200


@pytest.mark.parametrize("added", ["x=1", "utm=", "s=0", "s=1", "w=1", "h=x", "S=0", "a", "%73=0"])
async def test_G16_a_parameter_added_to_a_signed_address_is_refused(world: World, added: str) -> None:
    attempt = await start_attempt(world)
    before = await load_rows(world)
    for path in (f"/voice/{attempt}?s=0", f"/status/{attempt}", "/inbound", "/fallback"):
        signed = f"{ADDRESS}/hooks/twilio{path}"
        more = f"{path}{'&' if '?' in path else '?'}{added}"
        for method in ("POST", "GET"):
            sent = fields(CallStatus="completed") if method == "POST" else {}
            assert (await world.post(more, sent, signed_url=signed, method=method))[0] == 403, (method, more)
            assert (
                await world.post(f"{path.partition('?')[0]}?{added}&{added}", sent, signed_url=signed, method=method)
            )[0] == 403
    assert await load_rows(world) == before


async def test_FW3_blank_fields_and_blanks_around_values_are_kept_for_the_check(world: World) -> None:
    attempt = await start_attempt(world)
    status, _ = await world.post(f"/voice/{attempt}?s=0", fields(Digits="", CallerCity=" ", Extra="  x "))
    assert status == 200


async def test_FW30_both_secrets_are_accepted_while_they_are_being_changed(world: World) -> None:
    attempt = await start_attempt(world)
    for token in (TOKEN, OLD_TOKEN):
        assert (await world.post(f"/voice/{attempt}?s=0", fields(), token=token))[0] == 200


async def test_FW24_unknown_attempts_other_calls_and_other_accounts_change_nothing(world: World) -> None:
    attempt = await start_attempt(world)
    before = await load_rows(world)
    assert (await world.post("/voice/99999999?s=0", fields()))[0] == 404
    assert (await world.post("/status/99999999", fields(CallStatus="completed")))[0] == 404
    assert (await world.post(f"/voice/{attempt}?s=0", fields(CallSid="CA" + "2" * 32)))[0] == 404
    assert (await world.post(f"/status/{attempt}", fields(AccountSid="AC" + "9" * 32)))[0] == 403
    assert await load_rows(world) == before
    assert (await world.list_audit_events()).count("unknown_call") == 3


BROKEN: list[tuple[str, bytes, str, int]] = [
    ("not utf-8", b"a=\xff\xfe", FORM, 400),
    ("percent not utf-8", b"a=%ff%fe", FORM, 400),
    ("bogus charset", b"a=b", FORM + "; charset=bogus", 400),
    ("latin charset", b"a=b", FORM + "; charset=latin-1", 400),
    ("json", b"{}", "application/json", 400),
    ("broken multipart", b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
    ("multipart without boundary", b"--x", "multipart/form-data", 400),
    ("too many fields", b"&".join(b"a=b" for _ in range(300)), FORM, 400),
    ("too large", b"a=" + b"b" * (1024 * 1024), FORM, 413),
    ("no fields", b"", FORM, 403),
    ("only ampersands", b"&&&&", FORM, 403),
]


@pytest.mark.parametrize(("name", "body", "kind", "status"), BROKEN, ids=[row[0] for row in BROKEN])
async def test_FW27_FW28_broken_bodies_are_plainly_refused(
    world: World, name: str, body: bytes, kind: str, status: int
) -> None:
    for path in ("/voice/1?s=0", "/status/1", "/inbound", "/fallback"):
        assert (await world.post(path, body, signature="x", headers={"Content-Type": kind}))[0] == status


@pytest.mark.parametrize("digits", ["", "*", "#", "9", "abc", "5" * 50, "５", "\x00", "１", "1" * 5000])
async def test_FW8_any_digits_are_answered_with_speech(world: World, digits: str) -> None:
    attempt = await start_attempt(world)
    await world.post(f"/voice/{attempt}?s=0", fields())
    status, text = await world.post(f"/voice/{attempt}?s=1", fields(Digits=digits))
    assert status == 200 and "<Response>" in text


async def test_odd_steps_and_methods_never_cause_an_error(world: World) -> None:
    attempt = await start_attempt(world)
    for query in ("?s=-1", "?s=x", "?s=99999", "?s=1e3", "?s=٣"):
        assert (await world.post(f"/voice/{attempt}{query}", fields()))[0] in (403, 404)
    for path in ("/voice/x?s=0", f"/voice/{'9' * 30}", "/nothing", "/voice/"):
        assert (await world.post(path, fields()))[0] == 404
    assert (await world.post(f"/voice/{attempt}?s=7", fields()))[0] == 200
    assert (await world.post(f"/voice/{attempt}?s=0", {}, method="PUT"))[0] == 405
    assert (await world.post(f"/status/{attempt}?a=b", {}, method="GET"))[0] == 204


@SIZES
async def test_G16_mutated_requests_are_never_accepted_and_never_cause_an_error(
    world: World, size: str, figures: Figures
) -> None:
    attempt = await start_attempt(world)
    await world.post(f"/voice/{attempt}?s=0", fields())
    before = await load_rows(world)
    rng = random.Random(7)
    good = fields(Digits="1")
    statuses: Counter[int] = Counter()
    for _ in range(choose_size(size, small=150, quick=500, full=1_000)):
        bad = dict(good)
        match rng.randrange(4):
            case 0:
                bad[rng.choice(list(bad))] += chr(rng.randrange(32, 0x2FFF))
            case 1:
                bad.pop(rng.choice(list(bad)))
            case 2:
                bad[f"X{rng.random()}"] = "1"
            case _:
                bad["Digits"] = rng.choice("234567890*#")
        url = f"{ADDRESS}/hooks/twilio/voice/{attempt}?s=1"
        signature = compute_signature(TOKEN, url, good)
        statuses[(await world.post(f"/voice/{attempt}?s=1", bad, signature=signature))[0]] += 1
    failed = sum(count for status, count in statuses.items() if status >= 500)
    figures.report("G16", requests=statuses.total(), accepted=statuses.total() - statuses[403] - failed, failed=failed)
    assert await load_rows(world) == before


async def test_FW7_a_step_asked_for_again_sounds_the_same_and_counts_once(world: World) -> None:
    attempt = await start_attempt(world)
    first = await world.post(f"/voice/{attempt}?s=0", fields())
    assert await world.post(f"/voice/{attempt}?s=0", fields()) == first
    second = await world.post(f"/voice/{attempt}?s=1", fields(Digits="2"))
    before = await load_rows(world)
    assert "签收密码" in second[1] and f"s={2}" in second[1]
    assert await world.post(f"/voice/{attempt}?s=1", fields(Digits="2")) == second
    assert await world.post(f"/voice/{attempt}?s=0", fields()) == second, "a late fetch gets the current step"
    assert await load_rows(world) == before
    assert Position.from_text((await world.call()).position).step == "pin"


async def test_FW10_while_the_database_is_slow_the_pressed_key_is_kept_and_the_person_waits(world: World) -> None:
    world.hooks.answer_seconds = 0.05
    attempt = await start_attempt(world)
    find_live_call, opened = world.store.find_live_call, asyncio.Event()
    await world.calls.answer(attempt, 0, world.carrier.read(fields()))

    async def wait_and_find(attempt_id: int) -> Any:
        await opened.wait()
        return await find_live_call(attempt_id)

    world.store.find_live_call = wait_and_find  # type: ignore[method-assign]
    path = f"/voice/{attempt}?s=1"
    for waited in (1, 2, 3):
        status, text = await world.post(path, fields(Digits="1") if waited == 1 else fields())
        assert status == 200 and "请稍候" in text and "<Redirect" in text
        assert "Digits" not in text and f"w={waited}" in text
        path = text.partition("/hooks/twilio")[2].partition("</Redirect>")[0].replace("&amp;", "&")
    status, text = await world.post(path, fields())
    assert "系统暂时繁忙" in text and "<Hangup" in text, "after three waits it ends"
    opened.set()
    world.store.find_live_call = find_live_call  # type: ignore[method-assign]
    world.hooks.answer_seconds = 4.0
    status, text = await world.post(path, fields())
    assert "已记录" in text and (await world.call()).outcome == "confirmed", "the key was kept"


async def test_FW10_while_the_database_fails_the_pressed_key_travels_sealed_in_the_address(world: World) -> None:
    attempt = await start_attempt(world)
    await world.post(f"/voice/{attempt}?s=0", fields())
    record_step = world.store.record_step

    async def fail(step: Any) -> bool:
        raise ConnectionError("unavailable")

    world.store.record_step = fail  # type: ignore[method-assign]
    status, text = await world.post(f"/voice/{attempt}?s=1", fields(Digits="1"))
    assert status == 200 and "请稍候" in text
    world.store.record_step = record_step  # type: ignore[method-assign]
    path = text.partition("/hooks/twilio")[2].partition("</Redirect>")[0].replace("&amp;", "&")
    assert "h=" in path and "=1&" in path
    status, text = await world.post(path, fields())
    assert "已记录" in text and (await world.call()).outcome == "confirmed"


async def test_FW11_the_fallback_answers_without_the_database(world: World) -> None:
    await world.db.close()
    status, text = await world.post("/fallback", fields(ErrorCode="11200", ErrorUrl="x"))
    assert (status, "系统暂时繁忙" in text) == (200, True)


async def test_a_status_that_could_not_be_stored_is_answered_503_so_that_it_is_sent_again(world: World) -> None:
    attempt = await start_attempt(world)

    async def fail(attempt_id: int) -> Any:
        raise ConnectionError("unavailable")

    world.store.find_live_call = fail  # type: ignore[method-assign]
    assert (await world.post(f"/status/{attempt}", fields(CallStatus="completed")))[0] == 503


async def test_FW13_hostile_names_are_spoken_as_plain_text(world: World) -> None:
    await world.people.save_units(
        [Unit("M01", "热线<Dial>1</Dial>&\x0b" + "长" * 5000, UnitKind.MANAGEMENT, "A市")], "admin"
    )
    attempt = await start_attempt(world)
    status, text = await world.post(f"/voice/{attempt}?s=0", fields())
    assert status == 200 and "<Dial>" not in text and "\x0b" not in text and len(text) < 8000


async def test_the_announcement_before_a_connection_must_be_signed_and_about_one_of_our_calls(world: World) -> None:
    assert (await world.post("/announce/1", {"CallSid": "CA1"}, signature=None))[0] == 403
    assert (await world.post("/announce/1", {"CallSid": "CA1", "AccountSid": SID}))[0] == 404
    assert "unknown_call" in await world.list_audit_events()


async def test_FW12_however_many_ask_the_carrier_is_never_told_to_slow_down(world: World) -> None:
    world.hooks.answer_seconds = 60  # however slow this machine is, none is told to wait
    many = [world.post(f"/voice/{n}?s=0", {"CallSid": f"CA{n}", "AccountSid": SID}) for n in range(150)]
    assert {status for status, _ in await asyncio.gather(*many)} == {404}


async def test_while_the_system_is_upgraded_the_telephone_says_so_as_in_an_outage_FD12(world: World) -> None:
    """The carrier asks again, maybe another process; the key travels with it, and nothing is written meanwhile."""
    attempt = await start_attempt(world)
    await world.post(f"/voice/{attempt}?s=0", fields())
    world.host.is_open = lambda: False
    assert (await world.post(f"/status/{attempt}", fields(CallStatus="completed")))[0] == 503
    assert (await world.post(f"/voice/{attempt}?s=1", fields(), signature=None))[0] == 403
    status, text = await world.post("/inbound?w=3", fields())
    assert status == 200 and "系统暂时繁忙" in text and "<Hangup" in text
    status, text = await world.post(f"/voice/{attempt}?s=1", fields(Digits="1"))
    assert status == 200 and "请稍候" in text and (await world.call()).outcome is None
    world.host.is_open = lambda: True
    path = text.partition("/hooks/twilio")[2].partition("</Redirect>")[0].replace("&amp;", "&")
    status, text = await world.post(path, fields())
    assert "已记录" in text and (await world.call()).outcome == "confirmed", "the key was kept"
