"""P13: complete ticket lives through the whole running application, against the same traffic written by hand."""

import asyncio
import json
import secrets
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

from backend.app.application import Application
from backend.app.build import open_application
from backend.app.config import Config
from backend.app.core import Opening
from backend.domain.button_data import ButtonData, encode
from backend.domain.records import Unit
from backend.domain.ticket_enums import Role, UnitKind
from backend.office.people import PersonForm
from backend.ports.office import SettingVersion
from bench.harness import Figure, compute_ratios, format_rates, judge, measure
from bench.lifecycle_baseline import LifecycleBaseline
from bench.office import START
from bench.providers import PostRequest, start_null_server, start_poster

SID, TOKEN, SECRET = "AC" + "0" * 32, "x" * 32, "s" * 24
FIRST = 4_242  # the first handler's chat
OFFICE = (("D1", Role.DISPATCHER), ("R1", Role.REVIEWER), ("S1", Role.SUPERVISOR))
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
EXPECTED_VERBS = ("create", "dispatch", "sign", "contact", "extend", "decide_extension", "supervise", "report_progress",
         "accept_progress", "reply", "close", "start_visit", "visit")  # fmt: skip
SATURDAY, SUNDAY = 5, 6
CALLS = 2  # each with a document, a key and an end: six signed webhooks


def run(small: bool) -> Iterable[Figure]:
    """Measure on SQLite; all tickets of a batch are at the same step."""
    return asyncio.run(_measure_lives(10 if small else 40))


class TicketLives:
    """The running application, and many ticket lives driven through its interfaces from another process."""

    def __init__(self, application: Application, post: Any, count: int) -> None:
        self.application, self.post, self.count = application, post, count
        self.offset = timedelta()
        self.keys: dict[str, str] = {}
        self.validator = RequestValidator(TOKEN)
        self.made, self.updates = 0, 0

    async def create_office(self) -> None:
        """Create units with one handler each, bound to a chat; lift the budget of calls."""
        core, services = self.application.core, self.application.services
        units = [Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市")]
        units += [Unit(f"X{n}", f"单位{n}", UnitKind.HANDLING, "A市") for n in range(self.count)]
        people = [PersonForm(c, "M01", r, c, None) for c, r in OFFICE]
        people += [
            PersonForm(f"李{n}", f"X{n}", Role.HANDLER, f"P{n}", f"+861380001{n:04d}") for n in range(self.count)
        ]
        await services.people.save_units(units, "admin")
        await services.people.save_people(people, "admin")
        bind = text("INSERT INTO bindings (id, person, channel, address, user_id, state, how, bound_at) "
                    "VALUES (:id, :person, 'telegram', :user, :user, 'live', 'code', 0)")  # fmt: skip
        bound = [{"id": n + 1, "person": f"P{n}", "user": str(FIRST + n)} for n in range(self.count)]
        await core.db.execute(bind, bound)
        now = core.clock.now()
        await core.configuration.add_version(
            SettingVersion("calls.daily_budget", None, "100000", START - timedelta(days=1), "admin", now)
        )
        core.office.invalidate()
        for code in [c for c, _ in OFFICE] + [f"P{n}" for n in range(self.count)]:
            self.keys[code] = await services.keys.create_key(code, now, person=code)

    async def query(self, sql: str, **facts: Any) -> list[Any]:
        """Run a query and return its rows."""
        return await self.application.core.db.read(lambda c: list(c.execute(text(sql), facts)))

    async def wait_until_idle(self) -> None:
        """Wait until the inbox is handled and nothing is in flight."""
        new = "SELECT count(*) FROM inbox WHERE state = 'new'"
        while (await self.query(new))[0][0]:
            await asyncio.sleep(0.02)
        await self.application.settle()

    async def run_batch(self) -> None:
        """Run one batch of complete ticket lives."""
        first, due = self.made, (self.application.core.clock.now() + timedelta(days=3)).isoformat()
        self.made += self.count
        numbers = [f"JS{first + n:08d}" for n in range(self.count)]

        async def send_acts(verb: str, who: str, **words: Any) -> None:
            posts = []
            for n, no in enumerate(numbers):
                body = {"verb": verb, **{k: v.format(n=n) if isinstance(v, str) else v for k, v in words.items()}}
                posts.append(_make_post(f"/api/v1/tickets/{no}/acts", body, self.keys[who.format(n=n)]))
            await self.post(posts)
            await self.wait_until_idle()

        async def send_chat(say: Any) -> None:
            held = await self.query("SELECT address, message_id, c.assignment_id, a.version FROM chat_cards c JOIN assignments a "
                                   "ON a.id = c.assignment_id JOIN tickets t ON t.id = c.ticket_id "
                                   "WHERE t.ticket_no >= :least ORDER BY c.id", least=numbers[0])  # fmt: skip
            cards = {row.address: row for row in held}
            assert len(cards) == self.count, len(cards)
            await self.post([self._make_update(int(a), int(c.message_id), say(c)) for a, c in cards.items()])
            await self.wait_until_idle()

        await self.post(
            [
                _make_post("/api/v1/tickets", _make_demand(no, first + n), self.keys["D1"])
                for n, no in enumerate(numbers)
            ]
        )
        await self.wait_until_idle()
        await send_acts("dispatch", "D1", unit="X{n}")
        await send_chat(lambda c: {"data": encode(ButtonData("view", c.assignment_id, c.version))})
        await send_chat(lambda c: {"data": encode(ButtonData("sign", c.assignment_id, c.version))})
        await send_acts("contact", "P{n}", reached=True, way="phone", note="已说明情况")
        at = (await self.query("SELECT max(due_at) FROM duties WHERE kind = 'close' AND met_at IS NULL"))[0][0]
        later = datetime.fromtimestamp(at / 1e6, UTC) + timedelta(days=2)
        await send_acts("extend", "P{n}", new_due_at=later.isoformat(), reason="等待材料", requester_informed={
            "at": self.application.core.clock.now().isoformat(), "way": "phone", "content": "已告知"})  # fmt: skip
        await send_acts("decide_extension", "R1", accept=True, reason="情况属实")
        await send_acts("supervise", "S1", reason="媒体关注", due_at=due)
        await self.answer_calls("duty")
        await send_acts("report_progress", "P{n}", text="已派人到场")
        await send_acts("accept_progress", "S1", accept=True)
        await send_chat(lambda c: {"text": "答复 已更换灯泡，今晚恢复照明，并已电话告知诉求人。"})
        await send_chat(lambda c: {"text": "办结 诉求人表示认可"})
        self.offset += timedelta(hours=5, minutes=30)
        await self.wait_until_idle()
        await self.answer_calls("visit")
        await self.wait_until_idle()
        self.offset += timedelta(hours=18, minutes=30)
        if (
            day := self.application.core.clock.now().weekday()
        ) >= SATURDAY:  # no notices of general demands on weekends
            self.offset += timedelta(days=SUNDAY + 1 - day)

    def _make_update(self, user: int, message: int, said: dict[str, str]) -> PostRequest:
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

    async def answer_calls(self, purpose: str) -> None:
        """Act as the carrier for the calls just placed: answered, a key pressed, completed."""
        attempts = await self.query("SELECT d.id, d.provider_id, c.purpose FROM call_attempts d JOIN calls c ON c.id = d.call_id "
                                "WHERE d.state = 'placed'")  # fmt: skip
        assert len(attempts) == self.count, (purpose, Counter(d.purpose for d in attempts))
        key = {"Digits": "3" if purpose == "visit" else "1"}
        steps = (("voice/{}?s=0", {"CallStatus": "in-progress"}), ("voice/{}?s=1", {"CallStatus": "in-progress", **key}),
                 ("status/{}", {"CallStatus": "completed", "CallDuration": "20", "SequenceNumber": "3"}))  # fmt: skip
        for path, more in steps:
            await self.post(
                [self._make_hook("/hooks/twilio/" + path.format(d.id), d.provider_id, more) for d in attempts]
            )
        await self.wait_until_idle()

    def _make_hook(self, path: str, sid: str, more: dict[str, str]) -> PostRequest:
        fields = {"CallSid": sid, "AccountSid": SID, "From": "+864312345678", "To": "+8613800001001",
                  "ApiVersion": "2010-04-01", "Direction": "outbound-api", **more}  # fmt: skip
        signature = self.validator.compute_signature(self.application.config.base_url + path, fields)
        return (path, urlencode(fields), {"X-Twilio-Signature": signature, "Content-Type": FORM})


def _make_demand(no: str, index: int) -> dict[str, Any]:
    return {"ticket_no": no, "category": "help", "grade": "general", "channel": "phone", "title": "路灯不亮", "region": "A市",
            "text": f"第{index}号楼门口的路灯不亮已经一周了。",
            "requester": {"name": "王某", "phone": f"+86139{index:08d}"}}  # fmt: skip


def _make_post(path: str, body: dict[str, Any], key: str) -> PostRequest:
    head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return (path, json.dumps(body, ensure_ascii=False), head)


async def _measure_lives(count: int) -> list[Figure]:
    async with AsyncExitStack() as stack:
        providers_url = await stack.enter_async_context(start_null_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jiesu-bench-")))
        started_at, lives = time.monotonic(), None

        def now() -> datetime:
            return START + timedelta(seconds=time.monotonic() - started_at) + (lives.later if lives else timedelta())

        application = await stack.enter_async_context(
            open_application(_make_config(folder, providers_url), opening=Opening(now))
        )
        post = await stack.enter_async_context(start_poster(application.config.base_url))
        lives = TicketLives(application, post, count)
        await lives.create_office()
        before = await _fetch_counts(providers_url)
        await lives.run_batch()
        lived = {row.verb: row.n for row in await lives.query("SELECT verb, count(*) AS n FROM journal GROUP BY verb")}
        assert lived == dict.fromkeys(EXPECTED_VERBS, count), lived
        made = await _fetch_counts(providers_url) - before
        assert made["calls"] == CALLS * count, made
        traffic = [round(made[m] / count) for m in ("sendMessage", "editMessageText", "answerCallbackQuery")]

        async def bare(edits: int) -> Callable[[], Awaitable[float]]:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jiesu-bench-")))
            office = LifecycleBaseline(place, providers_url, (traffic[0], edits, traffic[2]))
            stack.push_async_callback(office.close)
            office.post = await stack.enter_async_context(start_poster(await office.open()))
            await office.run_batch(count)
            return lambda: _measure_cost(office.run_batch(count), count)

        leading = lives.run_batch
        same, lean = await bare(traffic[1]), await bare(1)
        taken = await measure(lambda: _measure_cost(leading(), count), same)
        few = await measure(lambda: _measure_cost(leading(), count), lean)
        note = f"{format_rates(taken, ' ms')}; Bot API calls: {', '.join(map(str, traffic))} sent, edited, answered"
        per_second = [1000 / ours for ours, _ in taken + few]
        busy = 100_000 / (sum(per_second) / len(per_second)) / 3600
        return [
            judge("P13", "sqlite: a whole life, 13 moves, 4 updates, 2 calls, 6 webhooks: CPU",
                   "the same traffic by hand, raw sqlite3", compute_ratios(taken), most=2.5, note=note),
            judge("P13", "the same", "by hand with 10 Bot API calls, one card drawn anew", compute_ratios(few),
                   note=format_rates(few, " ms")),
            judge("P13", "lives a second and core", "", per_second, unit="/s",
                   note=f"100,000 tickets a day: {busy:.1f} hours of one core"),
        ]  # fmt: skip


async def _measure_cost(batch: Awaitable[None], count: int) -> float:
    """Return the CPU milliseconds of this process for one ticket."""
    began = time.process_time()
    await batch
    return (time.process_time() - began) / count * 1000


async def _fetch_counts(far: str) -> Counter[str]:
    """Return the number of requests the provider got so far, by method."""
    async with aiohttp.ClientSession() as http, http.get(far + "/counted") as answer:
        return Counter(await answer.json())


def _make_config(folder: Path, far: str) -> Config:
    return Config(
        data=folder / "var", database_url=f"sqlite:///{folder / 'bench.db'}", port=0, tick_seconds=600,
        secret_key=SecretStr(secrets.token_urlsafe(32)),
        drivers={
            "telegram": {
                "api_url": f"{far}/sandbox/telegram", "mode": "webhook", "token": "123456789:AAsandbox-token",
                "secret": SECRET, "pace": "1000",
            },
            "twilio": {
                "api_url": far, "account_sid": SID, "auth_token": TOKEN, "from": "+864312345678", "calls_per_second": "1000",
            },
        },
    )  # fmt: skip
