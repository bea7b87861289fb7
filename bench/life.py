"""P13: complete ticket lives through the whole running application, against the same traffic written by hand."""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from pydantic import SecretStr
from sqlalchemy import text
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from backend.domain.button_data import ButtonData, encode
from backend.domain.records import Unit
from backend.domain.ticket import Role, UnitKind
from backend.environment import Environment
from backend.office.people import PersonForm
from backend.ports.config import SettingVersion
from backend.wiring import open_house
from backend.wiring.house import House
from bench.bare_life import BareOffice
from bench.harness import Figure, judged, rate_note, rates, ratios
from bench.town import START
from bench.wire import Post, hands, null_server

SID, TOKEN, SECRET = "AC" + "0" * 32, "x" * 32, "s" * 24
FIRST = 4_242  # the first handler's chat
OFFICE = (("D1", Role.DISPATCHER), ("R1", Role.REVIEWER), ("S1", Role.SUPERVISOR))
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
LIVED = ("create", "dispatch", "sign", "contact", "extend", "decide_extension", "supervise", "report_progress",
         "accept_progress", "reply", "close", "start_visit", "visit")  # fmt: skip
SATURDAY, SUNDAY = 5, 6
CALLS = 2  # each with a document, a key and an end: six signed webhooks


def run(small: bool) -> Iterable[Figure]:
    """Measure on SQLite; all tickets of a batch are at the same step."""
    return asyncio.run(_lives(10 if small else 40))


class Lives:
    """The running application, and many ticket lives driven through its interfaces from another process."""

    def __init__(self, house: House, hand: Any, count: int) -> None:
        self.house, self.hand, self.count = house, hand, count
        self.later = timedelta()
        self.keys: dict[str, str] = {}
        self.validator = RequestValidator(TOKEN)
        self.made, self.updates = 0, 0

    async def furnish(self) -> None:
        """Create units with one handler each, bound to a chat; lift the budget of calls."""
        s = self.house.shelves
        units = [Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市")]
        units += [Unit(f"X{n}", f"单位{n}", UnitKind.HANDLING, "A市") for n in range(self.count)]
        people = [PersonForm(c, "M01", r, c, None) for c, r in OFFICE]
        people += [
            PersonForm(f"李{n}", f"X{n}", Role.HANDLER, f"P{n}", f"+861380001{n:04d}") for n in range(self.count)
        ]
        await s.registry.put_units(units, "admin")
        await s.registry.put_people(people, "admin")
        bind = text("INSERT INTO bindings (id, person, channel, address, user_id, state, bound_at) "
                    "VALUES (:id, :person, 'telegram', :user, :user, 'live', 0)")  # fmt: skip
        bound = [{"id": n + 1, "person": f"P{n}", "user": str(FIRST + n)} for n in range(self.count)]
        await s.db.write(lambda c: c.execute(bind, bound) and None)
        now = s.clock.now()
        await s.config.add_version(
            SettingVersion("calls.daily_budget", None, "100000", START - timedelta(days=1), "admin", now)
        )
        s.office.invalidate()
        for code in [c for c, _ in OFFICE] + [f"P{n}" for n in range(self.count)]:
            self.keys[code] = await s.keys.create_key(code, now, person=code)

    async def rows(self, sql: str, **facts: Any) -> list[Any]:
        """Run a query and return its rows."""
        return await self.house.shelves.db.read(lambda c: list(c.execute(text(sql), facts)))

    async def quiet(self) -> None:
        """Wait until the inbox is handled and nothing is in flight."""
        new = "SELECT count(*) FROM inbox WHERE state = 'new'"
        while (await self.rows(new))[0][0]:
            await asyncio.sleep(0.02)
        await self.house.settle()

    async def lead(self) -> None:
        """Run one batch of complete ticket lives."""
        first, due = self.made, (self.house.shelves.clock.now() + timedelta(days=3)).isoformat()
        self.made += self.count
        numbers = [f"JS{first + n:08d}" for n in range(self.count)]

        async def acts(verb: str, who: str, **words: Any) -> None:
            posts = []
            for n, no in enumerate(numbers):
                body = {"verb": verb, **{k: v.format(n=n) if isinstance(v, str) else v for k, v in words.items()}}
                posts.append(_json(f"/api/v1/tickets/{no}/acts", body, self.keys[who.format(n=n)]))
            await self.hand(posts)
            await self.quiet()

        async def chat(say: Any) -> None:
            held = await self.rows("SELECT address, message_id, c.assignment_id, a.version FROM cards c JOIN assignments a "
                                   "ON a.id = c.assignment_id JOIN tickets t ON t.id = c.ticket_id "
                                   "WHERE t.no >= :least ORDER BY c.id", least=numbers[0])  # fmt: skip
            cards = {row.address: row for row in held}
            assert len(cards) == self.count, len(cards)
            await self.hand([self._update(int(a), int(c.message_id), say(c)) for a, c in cards.items()])
            await self.quiet()

        await self.hand(
            [_json("/api/v1/tickets", _demand(no, first + n), self.keys["D1"]) for n, no in enumerate(numbers)]
        )
        await self.quiet()
        await acts("dispatch", "D1", unit="X{n}")
        await chat(lambda c: {"data": encode(ButtonData("view", c.assignment_id, c.version))})
        await chat(lambda c: {"data": encode(ButtonData("sign", c.assignment_id, c.version))})
        await acts("contact", "P{n}", reached=True, way="phone", note="已说明情况")
        at = (await self.rows("SELECT max(due_at) FROM duties WHERE kind = 'close' AND met_at IS NULL"))[0][0]
        later = datetime.fromtimestamp(at / 1e6, UTC) + timedelta(days=2)
        await acts("extend", "P{n}", new_due_at=later.isoformat(), reason="等待材料", requester_informed={
            "at": self.house.shelves.clock.now().isoformat(), "way": "phone", "content": "已告知"})  # fmt: skip
        await acts("decide_extension", "R1", accept=True, reason="情况属实")
        await acts("supervise", "S1", reason="媒体关注", due_at=due)
        await self.calls("duty")
        await acts("report_progress", "P{n}", text="已派人到场")
        await acts("accept_progress", "S1", accept=True)
        await chat(lambda c: {"text": "答复 已更换灯泡，今晚恢复照明，并已电话告知诉求人。"})
        await chat(lambda c: {"text": "办结 诉求人表示认可"})
        self.later += timedelta(hours=5, minutes=30)
        await self.quiet()
        await self.calls("visit")
        await self.quiet()
        self.later += timedelta(hours=18, minutes=30)
        if (day := self.house.shelves.clock.now().weekday()) >= SATURDAY:  # no notices of general demands on weekends
            self.later += timedelta(days=SUNDAY + 1 - day)

    def _update(self, user: int, message: int, said: dict[str, str]) -> Post:
        self.updates += 1
        person = {"id": user, "is_bot": False, "first_name": "李明"}
        card = {"message_id": message, "date": 1_760_000_000, "chat": {"id": user, "type": "private"}, "text": "【新工单】",
                "from": {"id": 1, "is_bot": True, "first_name": "bot"}}  # fmt: skip
        what: dict[str, Any] = {"update_id": self.updates}
        if "data" in said:
            what["callback_query"] = {
                "id": str(self.updates),
                "from": person,
                "chat_instance": "1",
                "message": card,
                **said,
            }
        else:
            what["message"] = {**card, "message_id": 10_000_000 + self.updates, "from": person, "reply_to_message": card,
                               **said}  # fmt: skip
        head = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
        return ("/hooks/telegram", json.dumps(what, ensure_ascii=False), head)

    async def calls(self, purpose: str) -> None:
        """Act as the carrier for the calls just placed: answered, a key pressed, completed."""
        attempts = await self.rows("SELECT d.id, d.provider_id, c.purpose FROM dials d JOIN calls c ON c.id = d.call_id "
                                "WHERE d.state = 'placed'")  # fmt: skip
        assert len(attempts) == self.count, (purpose, Counter(d.purpose for d in attempts))
        key = {"Digits": "3" if purpose == "visit" else "1"}
        steps = (("voice/{}?s=0", {"CallStatus": "in-progress"}), ("voice/{}?s=1", {"CallStatus": "in-progress", **key}),
                 ("status/{}", {"CallStatus": "completed", "CallDuration": "20", "SequenceNumber": "3"}))  # fmt: skip
        for path, more in steps:
            await self.hand([self._hook("/hooks/twilio/" + path.format(d.id), d.provider_id, more) for d in attempts])
        await self.quiet()

    def _hook(self, path: str, sid: str, more: dict[str, str]) -> Post:
        fields = {"CallSid": sid, "AccountSid": SID, "From": "+864312345678", "To": "+8613800001001",
                  "ApiVersion": "2010-04-01", "Direction": "outbound-api", **more}  # fmt: skip
        signature = self.validator.compute_signature(self.house.environment.address + path, fields)
        return (path, urlencode(fields), {"X-Twilio-Signature": signature, "Content-Type": FORM})


def _demand(no: str, index: int) -> dict[str, Any]:
    return {"ticket_no": no, "category": "help", "grade": "general", "channel": "phone", "title": "路灯不亮", "region": "A市",
            "text": f"第{index}号楼门口的路灯不亮已经一周了。",
            "requester": {"name": "王某", "phone": f"+86139{index:08d}"}}  # fmt: skip


def _json(path: str, body: dict[str, Any], key: str) -> Post:
    head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return (path, json.dumps(body, ensure_ascii=False), head)


async def _lives(count: int) -> list[Figure]:
    async with AsyncExitStack() as stack:
        far = await stack.enter_async_context(null_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jiesu-bench-")))
        born, lives = time.monotonic(), None

        def now() -> datetime:
            return START + timedelta(seconds=time.monotonic() - born) + (lives.later if lives else timedelta())

        house = await stack.enter_async_context(open_house(_environment(folder, far), real=now))
        hand = await stack.enter_async_context(hands(house.environment.address))
        lives = Lives(house, hand, count)
        await lives.furnish()
        before = await _counted(far)
        await lives.lead()
        lived = {row.verb: row.n for row in await lives.rows("SELECT verb, count(*) AS n FROM journal GROUP BY verb")}
        assert lived == dict.fromkeys(LIVED, count), lived
        made = await _counted(far) - before
        assert made["calls"] == CALLS * count, made
        traffic = [round(made[m] / count) for m in ("sendMessage", "editMessageText", "answerCallbackQuery")]

        async def bare(edits: int) -> Callable[[], Awaitable[float]]:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jiesu-bench-")))
            office = BareOffice(place, far, (traffic[0], edits, traffic[2]))
            stack.push_async_callback(office.close)
            office.post = await stack.enter_async_context(hands(await office.open()))
            await office.lead(count)
            return lambda: _cost(office.lead(count), count)

        leading = lives.lead
        same, lean = await bare(traffic[1]), await bare(1)
        taken = await rates(lambda: _cost(leading(), count), same)
        few = await rates(lambda: _cost(leading(), count), lean)
        note = f"{rate_note(taken, ' ms')}; Bot API calls: {', '.join(map(str, traffic))} sent, edited, answered"
        per_second = [1000 / ours for ours, _ in taken + few]
        busy = 100_000 / (sum(per_second) / len(per_second)) / 3600
        return [
            judged("P13", "sqlite: a whole life, 13 moves, 4 updates, 2 calls, 6 webhooks: CPU",
                   "the same traffic by hand, raw sqlite3", ratios(taken), most=2.5, note=note),
            judged("P13", "the same", "by hand with 10 Bot API calls, one card drawn anew", ratios(few),
                   note=rate_note(few, " ms")),
            judged("P13", "lives a second and core", "", per_second, unit="/s",
                   note=f"100,000 tickets a day: {busy:.1f} hours of one core"),
        ]  # fmt: skip


async def _cost(leading: Awaitable[None], count: int) -> float:
    """Return the CPU milliseconds of this process for one ticket."""
    began = time.process_time()
    await leading
    return (time.process_time() - began) / count * 1000


async def _counted(far: str) -> Counter[str]:
    """Return the number of requests the provider got so far, by method."""
    async with aiohttp.ClientSession() as http, http.get(far + "/counted") as answer:
        return Counter(await answer.json())


def _environment(folder: Path, far: str) -> Environment:
    return Environment(
        data=folder / "var", database_url=f"sqlite:///{folder / 'bench.db'}", port=0, tick_seconds=600,
        secret_key=SecretStr("k" * 32), telegram_api_url=f"{far}/sandbox/telegram", telegram_mode="webhook",
        telegram_token=SecretStr("123456789:AAsandbox-token"), telegram_secret=SecretStr(SECRET), telegram_pace=1000,
        twilio_api_url=far, twilio_account_sid=SID, twilio_auth_token=SecretStr(TOKEN), twilio_from="+864312345678",
        twilio_calls_per_second=1000,
    )  # fmt: skip
