"""A house that is open on a free port of this machine, and hands for those who work with it from outside."""

import asyncio
import contextlib
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from sqlalchemy import func, select

from backend.app.build import Application, open_application
from backend.app.config import Config
from backend.integrity.checks import IntegrityChecks
from sandbox.simulator import Simulator
from sandbox.telegram.users import ChatUser
from sandbox.twilio.behaviour import NO_ANSWER
from sandbox.twilio.handset import Phone
from storage import tables as t
from storage.integrity.checks import SqlIntegrityStore

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 9, 9, 0, tzinfo=ZONE)
#: Who of the sample office acts in a role through the API.
STAFF = {
    "dispatcher": "PD01", "reviewer": "SH01", "agent": "HF01", "supervisor": "DB01", "clerk": "FF01",
    "admin": "GL01", "auditor": "SJ01",
}  # fmt: skip
PHONES = {
    "H101": "+8613800001001", "H102": "+8613800001002", "L101": "+8613800001003", "D101": "+8613800001004",
    "H201": "+8613800001011", "H202": "+8613800001012", "L201": "+8613800001013",
}  # fmt: skip
CALLER = "+8613900000001"
QUICK = 200.0
#: Words of the log that no quiet house says.
ACCIDENTS = ("round_failed", "job_failed", "letter_dead")


@dataclass
class Answer:
    """What the API said."""

    status: int
    body: Any

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def code(self) -> str:
        """The refusal's code."""
        return str(self.body["error"]["code"])


def environment(folder: Path, url: str, pace: float) -> Config:
    """The settings of a rehearsal on a free port; a long tick, because stories move the clock themselves."""
    return Config(
        data=folder / "var", database_url=url, port=0, sandbox=True, samples=True, tick_seconds=600, telegram_pace=pace,
        twilio_calls_per_second=pace,
    )  # fmt: skip


def wall(start: datetime) -> Callable[[], datetime]:
    """A clock on the wall that began at `start` and runs on by itself."""
    begun = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - begun)


@dataclass
class Office:
    """The open house with everybody who deals with it."""

    house: Application
    http: aiohttp.ClientSession
    logs: list[Any]
    keys: dict[str, str] = field(default_factory=dict)
    people: dict[str, ChatUser] = field(default_factory=dict)

    @property
    def town(self) -> Simulator:
        """The networks around it."""
        assert self.house.simulator is not None
        return self.house.simulator

    @property
    def now(self) -> datetime:
        """The hour of the house."""
        return self.house.core.clock.now().astimezone(ZONE)

    # -- by the API

    async def key(self, who: str) -> str:
        """The API key of a role's person, of any person by code, or (`unit:U01`) of a unit's own system."""
        if who not in self.keys:
            keys, now = self.house.core.keys, self.house.core.clock.now()
            if who.startswith("unit:"):
                self.keys[who] = await keys.create_key(who, now, role="handler", unit=who[5:])
            else:
                self.keys[who] = await keys.create_key(f"story-{who}", now, person=STAFF.get(who, who))
        return self.keys[who]

    async def ask(self, method: str, path: str, who: str = "admin", body: Any = None, **query: str) -> Answer:
        """One request to the REST door."""
        url = f"http://{self.house.config.host}:{self.house.config.port}/api/v1{path}"
        headers = {"Authorization": f"Bearer {await self.key(who)}"}
        async with self.http.request(method, url, headers=headers, json=body, params=query) as answer:
            return Answer(answer.status, await answer.json())

    async def new(self, no: str, phone: str | None = CALLER, **fields: Any) -> None:
        """Take a demand in."""
        body: dict[str, Any] = {
            "ticket_no": no, "category": "help", "grade": "general", "channel": "phone", "title": "路灯不亮",
            "text": "我家门口的路灯不亮已经一周了。", "region": "云岭市", **fields,
        }  # fmt: skip
        if phone:
            body["requester"] = {"name": "王某", "phone": phone}
        made = await self.ask("POST", "/tickets", "dispatcher", body)
        assert made.status == 201, made.body

    async def act(self, no: str, verb: str, who: str, **words: Any) -> Answer:
        """One act; it must be accepted."""
        done = await self.ask("POST", f"/tickets/{no}/acts", who, {"verb": verb, **words})
        assert done.status == 200, done.body
        return done

    async def dispatched(self, no: str, unit: str = "U01", phone: str | None = CALLER, **fields: Any) -> None:
        """A new demand in the hands of a unit, and everybody told who can be."""
        await self.new(no, phone, **fields)
        await self.act(no, "dispatch", "dispatcher", unit=unit)
        await self.house.settle()

    async def ticket(self, no: str) -> Answer:
        """The ticket as the API shows it."""
        return await self.ask("GET", f"/tickets/{no}")

    async def state(self, no: str) -> str:
        """Its state."""
        return str((await self.ticket(no))["state"])

    async def lead(self, no: str) -> Mapping[str, Any]:
        """Its lead assignment."""
        return next(a for a in reversed((await self.ticket(no))["assignments"]) if a["lead"])

    async def items(self, path: str, **query: str) -> list[Mapping[str, Any]]:
        """A list of the API (one page)."""
        return list((await self.ask("GET", path, limit="200", **query))["items"])

    async def paper(self, who: str = "unit:U01") -> str:
        """A statement handed in as a file; its id."""
        form = aiohttp.FormData()
        pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
        form.add_field("file", pdf, filename="情况说明.pdf", content_type="application/pdf")
        url = f"http://{self.house.config.host}:{self.house.config.port}/api/v1/files"
        headers = {"Authorization": f"Bearer {await self.key(who)}"}
        async with self.http.post(url, data=form, headers=headers) as answer:
            return str((await answer.json())["id"])

    # -- people

    def phone(self, who: str) -> Phone:
        """The telephone of a person by code, or with this number."""
        return self.town.phones.get_phone(PHONES.get(who, who))

    def rung(self, who: str) -> list[datetime]:
        """When a telephone was rung by the house, local time."""
        number = PHONES.get(who, who)
        return [c.created_at.astimezone(ZONE) for c in self.town.phones.calls_made if c.to == number]

    async def bound(self, code: str) -> ChatUser:
        """A person's chat, bound by /start with the code of the console and his own contact card."""
        neighbour = next(one for one in self.town.people.values() if one.code == code)
        user = self.town.chat.get_user(neighbour.name, neighbour.phone)
        opened = await self.ask("POST", f"/people/{code}/binding", "admin", {})
        assert opened.status == 201, opened.body
        await user.start(opened["code"])
        await user.expect("发送本人手机号")
        await user.share_contact()
        await user.expect("绑定成功")
        self.people[code] = user
        return user

    async def pin(self, code: str, pin: str) -> None:
        """The PIN a person chose for signing by telephone."""
        await self.house.core.people.set_pin(code, pin)

    # -- time

    async def settle(self) -> None:
        """Until nothing is due or on its way."""
        await self.house.settle()

    async def go(self, span: str) -> None:
        """Let time pass; what becomes due on the way happens at its hour."""
        clock = self.house.core.sandbox_clock
        assert clock is not None
        await clock.advance(span)

    async def until(self, at: datetime) -> None:
        """Let time pass until a moment."""
        seconds = int((at - self.now).total_seconds()) + 1
        assert seconds > 0, f"{at} is past: {self.now}"
        await self.go(f"{seconds}s")

    # -- the end

    async def count(self, table: Any, *where: Any) -> int:
        """Rows of a table."""
        query = select(func.count()).select_from(table).where(*where)
        return int(await self.house.core.db.read(lambda c: c.execute(query).scalar_one()))

    async def in_order(self) -> None:
        """Nobody broke a rule of a network, nothing was lost, no round fell, and the books are whole."""
        await self.settle()
        assert self.town.list_violations() == []
        assert [log for log in self.logs if log["event"] in ACCIDENTS or log["log_level"] == "critical"] == []
        assert await self.count(t.letters, t.letters.c.state.in_(("dead", "ambiguous", "sending"))) == 0
        assert await self.count(t.inbox, t.inbox.c.state != "done") == 0
        verdict = await self.house.core.journal_verifier.verify()
        assert verdict.findings == () and verdict.tickets > 0
        stores = self.house.core
        clock = replace(stores.clock, real_time=lambda: stores.clock.now().timestamp())
        auditor = IntegrityChecks(SqlIntegrityStore(stores.db, stores.ids), clock)
        found = {f.kind for f in await auditor.check()} | {f.kind for f in await auditor.list_findings()}
        assert found == set()

    def leftovers(self) -> list[str]:
        """What the house wrote to anybody that no story expected."""
        return [one.text for user in self.people.values() for one in self.town.chat.arrivals.get(user.chat.id, [])
                if not one.expected and not one.is_edit]  # fmt: skip


@contextlib.contextmanager
def written_down() -> Iterator[list[Any]]:
    """What the log says meanwhile, accidents with their trace."""
    lines: list[Any] = []

    def keep(_logger: Any, level: str, line: MutableMapping[str, Any]) -> Any:
        trace = {"trace": traceback.format_exc()} if line.pop("exc_info", None) else {}
        lines.append({**line, "log_level": level, **trace})
        raise structlog.DropEvent

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[keep])
    try:
        yield lines
    finally:
        structlog.configure(processors=before)


@contextlib.asynccontextmanager
async def open_office(
    folder: Path, url: str, start: datetime = MONDAY, *, pace: float = QUICK
) -> AsyncIterator[Office]:
    """The house of a folder and database, open while inside; nobody unknown takes a call.

    `pace` is how many times the public limits its Bot API server bears: a story of a month is not told in real time.
    """
    with written_down() as logs:
        async with (
            open_application(environment(folder, url, pace), wall_clock=wall(start)) as house,
            aiohttp.ClientSession() as http,
        ):
            assert house.simulator is not None
            house.simulator.phones.default = NO_ANSWER
            house.simulator.chat.limits.enabled = pace == 1
            yield Office(house, http, logs)
            await asyncio.sleep(0)
