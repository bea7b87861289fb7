"""Another platform holds the record: demands come from it, every action is written back, provisional until confirmed (A7)."""

import time
from datetime import timedelta
from typing import Any

import pytest

from notify.platform_client import MAX_AGE, is_genuine, sign_request
from sandbox.platform import AnswerMode, SimulatedPlatform
from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def _external(office: Office) -> SimulatedPlatform:
    """The office works for another platform from now on."""
    answer = await office.ask("PUT", "/settings/system_of_record", "admin", {"value": "external"})
    assert answer.status == 200, answer.body
    await office.settle()
    return office.town.platform


def _shown(user: ChatUser, card: Message) -> str:
    """What that message shows now."""
    return next(m.text for m in user.messages if m.id == card.id)


def _told(there: SimulatedPlatform) -> list[str]:
    """The verbs the platform was told of, in the order in which it was."""
    return [kept.move["verb"] for kept in there.moves.values()]


async def test_what_is_signed_here_is_provisional_until_the_platform_has_confirmed_it(office: Office) -> None:
    there = await _external(office)
    there.mode = AnswerMode.LATER
    handler = await office.bound("H101")
    await office.dispatched("JS0001")
    card = await handler.expect("【新工单】JS0001")
    await handler.press(card, "签收")
    await office.settle()
    assert "待平台确认" in _shown(handler, card)
    sync = (await office.ticket("JS0001"))["sync"]
    assert (sync["state"], sync["waiting"]) == ("waiting", 3)
    assert _told(there) == ["create"]  # in order: the next waits until this one stands
    for verbs in (["create", "dispatch"], ["create", "dispatch", "sign"]):
        assert await there.send_confirmation(max(there.moves), ok=True) == 200
        await office.settle()
        assert _told(there) == verbs
    await there.send_confirmation(max(there.moves), ok=True)
    await office.settle()
    assert (await office.ticket("JS0001"))["sync"]["state"] == "confirmed"
    assert "待平台确认" not in _shown(handler, card)
    assert office.leftovers() == [] and there.violations == []


@SQLITE
async def test_a_platform_that_was_unavailable_gets_every_action_once_when_it_is_back(office: Office) -> None:
    there = await _external(office)
    await office.bound("H101")
    there.mode = AnswerMode.AWAY
    await office.dispatched("JS0001")
    await office.settle()
    assert there.moves == {}
    there.mode = AnswerMode.AT_ONCE
    await office.go("1h")
    assert _told(there) == ["create", "dispatch"]
    assert all(kept.duplicates == 1 for kept in there.moves.values())
    assert (await office.ticket("JS0001"))["sync"]["state"] == "confirmed"


@SQLITE
async def test_a_refusal_is_listed_and_a_person_retries_it_or_marks_it_as_corrected(office: Office) -> None:
    there = await _external(office)
    await office.bound("H101")
    there.mode = AnswerMode.REFUSE
    await office.dispatched("JS0001")
    await office.dispatched("JS0002")
    await office.settle()
    listed = await office.ask("GET", "/sync", "dispatcher", state="refused")
    assert {i["ticket"] for i in listed["items"]} == {"JS0001", "JS0002"}
    assert all("not_accepted" in i["error"] for i in listed["items"])
    assert (await office.ticket("JS0001"))["sync"]["state"] == "refused"
    events = {i["ticket"]: i["event"] for i in listed["items"]}
    there.mode = AnswerMode.AT_ONCE
    assert (await office.ask("POST", f"/sync/{events['JS0001']}/retry", "dispatcher", {})).status == 200
    settled = await office.ask("POST", f"/sync/{events['JS0002']}/settle", "dispatcher", {"reason": "已在平台补派"})
    assert settled.status == 200
    await office.settle()
    assert (await office.ticket("JS0001"))["sync"]["state"] == "confirmed"
    assert (await office.ticket("JS0002"))["sync"]["state"] == "confirmed"
    handler = await office.ask("GET", "/sync", "auditor")
    assert handler["counts"] == {} and handler["system_of_record"] == "external"
    assert (await office.ask("POST", "/sync/9/retry", "auditor", {})).code == "forbidden"


async def test_demands_of_the_platform_arrive_under_their_own_numbers_and_are_not_echoed(office: Office) -> None:
    there = await _external(office)
    there.demands += [
        {"ticket_no": "W1", "category": "complaint", "grade": "general", "channel": "web", "text": "路灯不亮"},
        {"ticket_no": "W2", "category": "nonsense", "text": "没有类别"},
    ]
    await office.go("2m")
    ticket = await office.ticket("W1")
    assert ticket["state"] == "pending_dispatch" and ticket["sync"]["state"] == "confirmed"
    assert there.moves == {}
    notes = (await office.ask("GET", "/audit", "auditor"))["items"]
    assert any(n["what"] == "platform_item_refused" and n["about"] == "W2" for n in notes)
    await office.ask("PUT", "/settings/platform.fetch_every", "admin", {"value": "1h"})
    await office.go("2m")  # the look that was already planned
    there.demands.append({"ticket_no": "W3", "category": "help", "grade": "general", "channel": "web", "text": "停水"})
    await office.go("30m")
    assert (await office.ask("GET", "/tickets/W3", "dispatcher")).status == 404
    await office.go("1h")
    assert (await office.ticket("W3"))["state"] == "pending_dispatch"


@SQLITE
async def test_while_we_hold_the_record_nothing_is_written_back(office: Office) -> None:
    assert office.town is not None
    await office.bound("H101")
    await office.dispatched("JS0001")
    await office.settle()
    assert office.town.platform.moves == {} and "sync" not in await _body(office, "JS0001")


async def _body(office: Office, no: str) -> dict[str, Any]:
    body: dict[str, Any] = (await office.ask("GET", f"/tickets/{no}", "dispatcher")).body
    return body


@SQLITE
async def test_a_confirmation_without_a_valid_and_fresh_signature_is_refused(office: Office) -> None:
    there = await _external(office)
    await office.bound("H101")
    there.mode = AnswerMode.LATER
    await office.dispatched("JS0001")
    await office.settle()
    (number,) = there.moves  # the first of its moves
    right, there.secret = there.secret, "another secret that is wrong"
    assert await there.send_confirmation(number, ok=True) == 401
    there.secret = right
    assert (await office.ticket("JS0001"))["sync"]["waiting"] == 2
    assert await there.send_confirmation(number, ok=True) == 200
    assert await there.send_confirmation(number, ok=False) == 200  # what is confirmed stays so
    assert (await office.ticket("JS0001"))["sync"]["waiting"] == 1


def test_a_signature_covers_the_time_the_method_the_path_and_the_body() -> None:
    now = int(time.time())
    headers = {"X-Jiesu-Timestamp": str(now), "X-Jiesu-Signature": sign_request("a", now, "POST", "/x?y=1", b"body")}
    assert is_genuine(["b", "a"], headers, "POST", "/x?y=1", b"body", now)
    for secrets, method, target, body, at in (
        (["b"], "POST", "/x?y=1", b"body", now), (["a"], "PUT", "/x?y=1", b"body", now),
        (["a"], "POST", "/x?y=2", b"body", now), (["a"], "POST", "/x?y=1", b"bodx", now),
        (["a"], "POST", "/x?y=1", b"body", now + MAX_AGE + 1), ([""], "POST", "/x?y=1", b"body", now),
    ):  # fmt: skip
        assert not is_genuine(secrets, headers, method, target, body, at)
    odd = {**headers, "X-Jiesu-Signature": "é" * 64}
    assert not is_genuine(["a"], odd, "POST", "/x?y=1", b"body", now)
    assert timedelta(seconds=MAX_AGE) == timedelta(minutes=5)
