"""The page on which requesters rate, at the web server: what it takes, refuses and gives away (XM30); about 2 s."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from backend.domain.acts import SYSTEM, Act
from backend.domain.rating_page import MAX_REASON
from backend.domain.ticket_enums import Source
from backend.web.rating import FORM_TYPE, GUESSES, MAX_FORM_BYTES
from storage import tables as t
from tests.web.world import World

GOOD = {"contacted": "yes", "resolved": "resolved", "satisfaction": "satisfied", "reason": ""}
STRANGER = "x" * 22
FORM = {"Content-Type": FORM_TYPE}
TAIL = re.compile(r"/rate/([A-Za-z0-9_-]{22})")


async def give(world: World, who: str = "V1", no: str = "T1") -> str:
    """Have the office hand over a page; its path."""
    status, answer = await world.request(who, "POST", f"/tickets/{no}/rating-page", {})
    assert status == 201, answer
    assert answer["address"].startswith("https://hotline.example/rate/")
    return str(answer["address"].removeprefix("https://hotline.example"))


async def send(world: World, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, Any]:
    """Ask as a browser that keeps nothing; status, page and headers. Every answer keeps the address to itself."""
    data = urlencode(body) if isinstance(body, dict | list) else body
    headers = {**FORM, **headers} if data is not None else headers
    async with world.client.request(method, path, data=data, headers=headers, allow_redirects=False) as answer:
        page = await answer.text()
        assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"] and "Set-Cookie" not in answer.headers
        assert "script-src" not in answer.headers["Content-Security-Policy"] and "<script" not in page
        for hidden in ("张小三", "139", "人民路", "路灯", "T1", "住建局", "/sign-in", 'href="/"'):
            assert hidden not in page, hidden
        return answer.status, page, answer.headers


async def list_visits(world: World) -> list[Any]:
    """The visits on record, oldest first."""
    query = t.visits.select().order_by(t.visits.c.id)
    return list(await world.db.read(lambda c: c.execute(query).all()))


async def test_a_page_is_answered_once_and_then_thanks_XM30(world: World) -> None:
    await world.close_ticket()
    path = await give(world)
    status, page, _ = await send(world, "GET", path)
    assert status == 200 and "承办单位是否联系过您" in page and page.count('type="radio"') == 9
    assert (await send(world, "HEAD", path))[:2] == (200, "")
    assert await list_visits(world) == []  # whoever previews the address answers nothing
    status, _, headers = await send(world, "POST", path, {**GOOD, "reason": "师傅态度好"})
    assert (status, headers["Location"]) == (303, path)
    (visit,) = await list_visits(world)
    assert (visit.kind, visit.source, visit.answer, visit.contacted, visit.resolved, visit.note, visit.decisive) == (
        "auto", "page", "satisfied", "yes", "resolved", "page 师傅态度好", True)  # fmt: skip
    assert (await world.load())["state"] == "finalized"
    again, late = (
        await send(world, "GET", path),
        await send(world, "POST", path, GOOD | {"satisfaction": "unsatisfied"}),
    )
    assert (again[0], late[0]) == (200, 409) and "评价已收到" in again[1]
    assert "此前已收到" in late[1] and "没有记录" in late[1], "what is dropped is not thanked for"
    world.at += timedelta(days=30)
    assert (await send(world, "GET", path))[0] == 200  # who answered is thanked for long
    assert len(await list_visits(world)) == 1


async def test_only_a_hash_of_the_address_is_stored_and_another_page_of_the_visit_is_answered_too(world: World) -> None:
    await world.close_ticket()
    first, second = await give(world), await give(world)
    token = TAIL.fullmatch(first)[1]  # type: ignore[index]
    (row, _) = await world.db.read(lambda c: c.execute(t.rating_pages.select()).all())
    assert first != second and token not in str(row) and row.by == "V1"
    assert (await send(world, "POST", second, GOOD))[0] == 303
    status, page, _ = await send(world, "GET", first)
    assert status == 200 and "评价已收到" in page
    (audited,) = [
        e for e in (await world.request("A1", "GET", "/audit"))[1]["items"] if e["what"] == "rating_page_handed"
    ][:1]
    assert token not in str(audited)


async def test_two_hands_on_one_page_leave_one_answer_and_everybody_is_told(world: World) -> None:
    await world.close_ticket()
    path = await give(world)
    answers = [GOOD, GOOD | {"satisfaction": "unsatisfied"}] * 5
    told = await asyncio.gather(*(send(world, "POST", path, one) for one in answers))
    assert sorted(status for status, _, _ in told) == [303] + [409] * 9
    assert all("此前已收到" in page for status, page, _ in told if status == 409)
    assert len(await list_visits(world)) == 1


async def test_a_page_and_a_call_that_answer_together_have_one_winner_FW22(world: World) -> None:
    for n in range(6):
        await world.close_ticket(f"T1{n}", requester={"name": "张小三", "phone": f"1391234567{n}"})
        path = await give(world, no=f"T1{n}")
        heard = {"kind": "auto", "answer": "unsatisfied", "want_person": True, "because": "unsatisfied"}
        call = Act("visit", SYSTEM, Source.PHONE, ticket_no=f"T1{n}", arguments=heard)
        (status, page, _), _ = await asyncio.gather(
            send(world, "POST", path, GOOD), world.services.tickets.act(call), return_exceptions=True
        )  # type: ignore[misc]
        visit, *others = (await list_visits(world))[n:]
        assert others == []
        won = visit.source == "page"
        assert (status, "本次评价已截止" in page) == ((303, False) if won else (410, True))


async def test_a_wrong_and_an_expired_address_look_the_same_and_many_are_held_up(sqlite_world: World) -> None:
    world = sqlite_world
    world.seconds = 1000.0
    await world.close_ticket()
    path = await give(world)
    assert (await send(world, "POST", f"/rate/{STRANGER}", GOOD))[0] == 404
    world.at += timedelta(days=40)
    expired = await send(world, "GET", path)
    strange = [f"/rate/{token}" for token in (STRANGER, "x", "x" * 21, "x" * 500, "路" * 22, "%00" * 22, "", "a/b")]
    for one in strange:
        status, page, headers = await send(world, "GET", one)
        assert (status, page, set(headers)) == (404, expired[1], set(expired[2])), one
    assert (await send(world, "POST", path, GOOD))[:2] == expired[:2] and await list_visits(world) == []
    for _ in range(GUESSES):
        await send(world, "GET", f"/rate/{STRANGER}")
    status, page, headers = await send(world, "GET", f"/rate/{STRANGER}")
    assert status == 429 and headers["Retry-After"] and "暂时没有办成" in page
    await world.close_ticket("T12")
    good = await give(world, no="T12")
    assert (await send(world, "GET", good))[0] == 200  # nobody is kept out by the guesses of others
    world.seconds += 61
    assert (await send(world, "GET", f"/rate/{STRANGER}"))[0] == 404


BAD: dict[str, tuple[str, Any, dict[str, str], int, str]] = {
    "nothing": ("POST", "", {}, 422, "还有问题没有回答"),
    "one question left out": ("POST", {k: v for k, v in GOOD.items() if k != "resolved"}, {}, 422, "还有问题没有回答"),
    "an answer nobody offered": ("POST", GOOD | {"satisfaction": "unclear"}, {}, 422, "还有问题没有回答"),
    "a reason too long": ("POST", GOOD | {"reason": "灯" * (MAX_REASON + 1)}, {}, 422, "不要超过500字"),
    "a field twice": ("POST", [*GOOD.items(), ("satisfaction", "unsatisfied")], {}, 400, ""),
    "too many fields": ("POST", GOOD | {f"f{n}": "" for n in range(20)}, {}, 400, ""),
    "JSON": ("POST", '{"satisfaction": "satisfied"}', {"Content-Type": "application/json"}, 400, ""),
    "another character set": ("POST", GOOD, {"Content-Type": f"{FORM_TYPE}; charset=gbk"}, 400, ""),
    "bytes that are no text": ("POST", b"contacted=\xff\xfe&resolved=resolved", {}, 400, ""),
    "broken escapes": ("POST", "contacted=%ff%fe&resolved=resolved", {}, 400, ""),
    "too much": ("POST", GOOD | {"reason": "a" * MAX_FORM_BYTES}, {}, 413, ""),
    "put": ("PUT", GOOD, {}, 405, ""),
    "delete": ("DELETE", None, {}, 405, ""),
    "options": ("OPTIONS", None, {}, 405, ""),
}


async def test_whatever_else_is_sent_changes_nothing_and_is_answered_politely(sqlite_world: World) -> None:
    world = sqlite_world
    await world.close_ticket()
    path = await give(world)
    for name, (method, body, headers, wanted, says) in BAD.items():
        status, page, answered = await send(world, method, path, body, **headers)
        assert (status, says in page, "12345" in page) == (wanted, True, True), name
        assert status != 405 or answered["Allow"] == "GET,HEAD,POST"
    status, page, _ = await send(world, "POST", path, GOOD | {"reason": "<b>" + "灯" * MAX_REASON})
    assert status == 422 and page.count(" checked") == 3 and "&lt;b&gt;" in page  # nothing is to be ticked again
    assert await list_visits(world) == [] and (await send(world, "GET", path))[0] == 200


async def test_a_page_is_given_to_revisit_agents_who_did_not_handle_the_ticket(sqlite_world: World) -> None:
    world = sqlite_world
    await world.sign_ticket()
    assert (await world.request("V1", "POST", "/tickets/T1/rating-page", {}))[1]["error"]["code"] == "not_now"
    await world.act("H1", "T1", "close", text="已修复", feedback="认可")
    for who, status in (("D1", 403), ("S1", 403), ("H1", 403), ("H9", 403), ("O1", 403), (None, 401)):
        assert (await world.request(who, "POST", "/tickets/T1/rating-page", {}))[0] == status, who
    assert (await world.request("V1", "POST", "/tickets/T9/rating-page", {}))[0] == 404
    assert (await world.request("V1", "POST", "/tickets/T1/rating-page", {"to": "x"}))[0] == 422
    first = await world.request("V1", "POST", "/tickets/T1/rating-page", {}, key="once")
    again = await world.request("V1", "POST", "/tickets/T1/rating-page", {}, key="once")
    assert (first[0], again[0], again[1]["error"]["code"]) == (201, 409, "shown_once")
