"""Another platform holds the record: demands come from it, every act is written back, provisional until confirmed (A7)."""

import time
from datetime import timedelta

import pytest

from notify.platform_client import MAX_AGE, is_genuine, sign_request
from sandbox.platform import AnswerMode, SimulatedPlatform
from sandbox.telegram.model import Message
from sandbox.telegram.users import ChatUser
from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def use_external_platform(office: Office) -> SimulatedPlatform:
    """From now on another platform holds the record."""
    await office.set_setting("system_of_record", "external")
    await office.settle()
    return office.simulator.platform


def get_text(user: ChatUser, card: Message) -> str:
    """What that message says now."""
    return next(m.text for m in user.messages if m.id == card.id)


def list_received(platform: SimulatedPlatform) -> list[str]:
    """The verbs the platform has received, in order."""
    return [received.move["verb"] for received in platform.moves.values()]


async def test_what_is_signed_here_is_provisional_until_the_platform_has_confirmed_it(office: Office) -> None:
    platform = await use_external_platform(office)
    platform.mode = AnswerMode.LATER
    handler = await office.bind("H101")
    await office.dispatch_ticket("JS0001")
    card = await handler.expect("【新工单】JS0001")
    await handler.press(card, "签收")
    await office.settle()
    assert "待平台确认" in get_text(handler, card)
    sync = (await office.ticket("JS0001"))["sync"]
    assert (sync["state"], sync["waiting"]) == ("waiting", 3)
    assert list_received(platform) == ["create"]  # in order: the next waits until this one is confirmed
    for verbs in (["create", "dispatch"], ["create", "dispatch", "sign"]):
        assert await platform.send_confirmation(max(platform.moves), ok=True) == 200
        await office.settle()
        assert list_received(platform) == verbs
    await platform.send_confirmation(max(platform.moves), ok=True)
    await office.settle()
    assert (await office.ticket("JS0001"))["sync"]["state"] == "confirmed"
    assert "待平台确认" not in get_text(handler, card)
    assert office.list_unexpected() == [] and platform.violations == []


@SQLITE
async def test_a_platform_that_was_unavailable_gets_every_action_once_when_it_is_back_XM29(office: Office) -> None:
    platform = await use_external_platform(office)
    await office.bind("H101")
    platform.mode = AnswerMode.AWAY
    await office.dispatch_ticket("JS0001")
    await office.settle()
    assert platform.moves == {}
    platform.mode = AnswerMode.AT_ONCE
    await office.advance("1h")
    assert list_received(platform) == ["create", "dispatch"]
    assert all(received.duplicates == 1 for received in platform.moves.values())
    assert (await office.ticket("JS0001"))["sync"]["state"] == "confirmed"


@SQLITE
async def test_a_refused_writeback_is_listed_and_a_person_retries_it_or_marks_it_as_corrected_XM29(
    office: Office,
) -> None:
    platform = await use_external_platform(office)
    await office.bind("H101")
    platform.mode = AnswerMode.REFUSE
    await office.dispatch_ticket("JS0001")
    await office.dispatch_ticket("JS0002")
    await office.settle()
    listed = await office.request("GET", "/sync", "dispatcher", state="refused")
    assert {i["ticket"] for i in listed["items"]} == {"JS0001", "JS0002"}
    assert all("not_accepted" in i["error"] for i in listed["items"])
    assert (await office.ticket("JS0001"))["sync"]["state"] == "refused"
    events = {i["ticket"]: i["event"] for i in listed["items"]}
    platform.mode = AnswerMode.AT_ONCE
    assert (await office.request("POST", f"/sync/{events['JS0001']}/retry", "dispatcher", {})).status == 200
    settled = await office.request("POST", f"/sync/{events['JS0002']}/settle", "dispatcher", {"reason": "已在平台补派"})
    assert settled.status == 200
    await office.settle()
    assert (await office.ticket("JS0001"))["sync"]["state"] == "confirmed"
    assert (await office.ticket("JS0002"))["sync"]["state"] == "confirmed"
    shown = await office.request("GET", "/sync", "auditor")
    assert shown["counts"] == {} and shown["system_of_record"] == "external"
    assert (await office.request("POST", "/sync/9/retry", "auditor", {})).code == "forbidden"


async def test_demands_of_the_platform_arrive_under_their_own_numbers_and_are_not_echoed(office: Office) -> None:
    platform = await use_external_platform(office)
    platform.demands += [
        {"ticket_no": "W1", "category": "complaint", "grade": "general", "channel": "web", "text": "路灯不亮"},
        {"ticket_no": "W2", "category": "nonsense", "text": "没有类别"},
    ]
    await office.advance("2m")
    ticket = await office.ticket("W1")
    assert ticket["state"] == "pending_dispatch" and ticket["sync"]["state"] == "confirmed"
    assert platform.moves == {}
    audited = [(entry["what"], entry["about"]) for entry in await office.list_items("/audit")]
    assert ("platform_item_refused", "W2") in audited
    await office.set_setting("platform.fetch_every", "1h")
    await office.advance("2m")  # the fetch that was already planned
    platform.demands.append(
        {"ticket_no": "W3", "category": "help", "grade": "general", "channel": "web", "text": "停水"}
    )
    await office.advance("30m")
    assert (await office.request("GET", "/tickets/W3", "dispatcher")).status == 404
    await office.advance("1h")
    assert (await office.ticket("W3"))["state"] == "pending_dispatch"


@SQLITE
async def test_while_we_hold_the_record_nothing_is_written_back(office: Office) -> None:
    await office.bind("H101")
    await office.dispatch_ticket("JS0001")
    assert office.simulator.platform.moves == {} and "sync" not in (await office.ticket("JS0001")).body


@SQLITE
async def test_a_confirmation_without_a_valid_and_fresh_signature_is_refused(office: Office) -> None:
    platform = await use_external_platform(office)
    await office.bind("H101")
    platform.mode = AnswerMode.LATER
    await office.dispatch_ticket("JS0001")
    await office.settle()
    (number,) = platform.moves  # the first of the moves
    right, platform.secret = platform.secret, "another secret that is wrong"
    assert await platform.send_confirmation(number, ok=True) == 401
    platform.secret = right
    assert (await office.ticket("JS0001"))["sync"]["waiting"] == 2
    assert await platform.send_confirmation(number, ok=True) == 200
    assert await platform.send_confirmation(number, ok=False) == 200  # what is confirmed stays so
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
    not_ascii = {**headers, "X-Jiesu-Signature": "é" * 64}
    assert not is_genuine(["a"], not_ascii, "POST", "/x?y=1", b"body", now)
    assert timedelta(seconds=MAX_AGE) == timedelta(minutes=5)


async def test_a_whole_life_under_a_platform_that_fails_answers_late_and_refuses_XM29_A7(office: Office) -> None:
    platform, administrator = await use_external_platform(office), await office.bind("GL01")
    await office.application.built.operations.alarms.refresh()  # as the watch does every minute
    office.confirm_calls()
    platform.mode = AnswerMode.LATER  # every answer comes late
    await office.sign_ticket("JS0001")
    for verbs in (["create"], ["create", "dispatch"], ["create", "dispatch", "sign"]):
        assert list_received(platform) == verbs  # never two of one ticket under way
        assert (await office.ticket("JS0001"))["sync"]["state"] == "waiting"
        await platform.send_confirmation(max(platform.moves), ok=True)
        await office.settle()
    assert (await office.ticket("JS0001"))["sync"]["state"] == "confirmed"
    platform.mode = AnswerMode.AWAY  # work goes on meanwhile, and is provisional
    await office.act("JS0001", "reply", "unit:U01", text="已派人更换灯具并恢复照明")
    await office.act("JS0001", "close", "unit:U01", feedback="满意", no_objection=True)
    await office.settle()
    assert await office.state("JS0001") == "closed" and list_received(platform) == ["create", "dispatch", "sign"]
    assert (await office.ticket("JS0001"))["sync"]["waiting"] == 2
    platform.mode = AnswerMode.REFUSE  # it is back, and refuses the reply: the closing waits for a person
    await office.advance("1h")
    refused = (await office.request("GET", "/sync", "dispatcher", state="refused"))["items"]
    assert [(i["ticket"], i["verb"]) for i in refused] == [("JS0001", "reply")]
    assert list_received(platform)[3:] == ["reply"]
    told = await administrator.expect("外部平台没有接受 1 项操作：JS0001")
    assert "not_accepted" in told.text
    assert (await office.ticket("JS0001"))["sync"]["state"] == "refused"
    platform.mode = AnswerMode.AT_ONCE
    again = await office.request("POST", f"/sync/{refused[0]['event']}/retry", "dispatcher", {})
    assert again.status == 200
    await office.settle()
    await office.act(
        "JS0001", "visit", "agent", kind="manual", contacted="yes", resolved="resolved", answer="satisfied"
    )
    await office.settle()
    assert (await office.ticket("JS0001"))["sync"]["state"] == "confirmed"
    moves = [m["verb"] for m in await office.list_moves("JS0001")]
    received = sorted((r.move["version"], r.move["verb"]) for r in platform.moves.values())
    assert [verb for _, verb in received] == moves and [n for n, _ in received] == list(range(1, len(moves) + 1))
    assert all(r.answer == "confirmed" and r.duplicates == 1 for r in platform.moves.values())
    assert platform.violations == []
