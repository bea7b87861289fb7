"""A running hotline office on a free port of this machine, and what its people do with it from outside."""

import asyncio
import contextlib
import time
import traceback
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from sqlalchemy import func, select

from backend.app.build import ROLES, open_application
from backend.app.config import Config
from backend.app.core import Opening
from backend.integrity.checks import IntegrityChecks
from backend.operations.beats import Rhythm
from backend.rehearsal.city import list_phone_owners, load_sample
from sandbox.simulator import Simulator
from sandbox.telegram.users import ChatUser
from sandbox.telephone.behaviour import NO_ANSWER
from sandbox.telephone.handset import Phone
from storage import tables as t
from storage.integrity.checks import SqlIntegrityStore
from tests.api_document import watch_answers
from tests.stories.api import ApiUser, Response

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 9, 9, 0, tzinfo=ZONE)
#: Handlers, liaison and leader of U01, then handlers and liaison of U02.
PHONES = {
    "H101": "+8613800001001", "H102": "+8613800001002", "L101": "+8613800001003", "D101": "+8613800001004",
    "H201": "+8613800001011", "H202": "+8613800001012", "L201": "+8613800001013",
}  # fmt: skip
REQUESTER = "+8613900000001"
SATISFIED = ["1", "1", "1", "1", "1"]  # keys of a requester who has no complaint at all
SELDOM = Rhythm(timedelta(hours=1), timedelta(hours=3))
FAST = 200.0  # times the public rate limits
FAILURES = ("error", "exception", "critical")  # levels of the log that a story must not reach


def november(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of November 2026, in which the stories happen."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@dataclass
class Office(ApiUser):
    """The running application, and everybody who deals with it: by API, chat and telephone."""

    log: list[Any] = field(default_factory=list)
    users: dict[str, ChatUser] = field(default_factory=dict)
    expected_findings: frozenset[str] = frozenset()  # kinds of findings the story brings about on purpose

    @property
    def simulator(self) -> Simulator:
        """The simulated networks around the office."""
        assert self.application.simulator is not None
        return self.application.simulator

    @property
    def now(self) -> datetime:
        """The office's time."""
        return self.application.core.clock.now().astimezone(ZONE)

    # -- tickets

    async def create_ticket(self, no: str, phone: str | None = REQUESTER, **fields: Any) -> None:
        """Take in a demand."""
        body: dict[str, Any] = {
            "ticket_no": no, "category": "help", "grade": "general", "channel": "phone", "title": "路灯不亮",
            "text": "我家门口的路灯不亮已经一周了。", "region": "云岭市", **fields,
        }  # fmt: skip
        if phone:
            body["requester"] = {"name": "王某", "phone": phone}
        created = await self.request("POST", "/tickets", "dispatcher", body)
        assert created.status == 201, created.body

    async def act(self, no: str, verb: str, who: str, **arguments: Any) -> Response:
        """Do one act, which must be accepted."""
        done = await self.request("POST", f"/tickets/{no}/acts", who, {"verb": verb, **arguments})
        assert done.status == 200, done.body
        return done

    async def act_refused(self, no: str, verb: str, who: str, code: str, **arguments: Any) -> Any:
        """Try one act, which must be refused with this code; return the details."""
        answer = await self.request("POST", f"/tickets/{no}/acts", who, {"verb": verb, **arguments})
        assert answer.status >= 400 and answer.code == code, answer.body
        return answer["error"]["details"]

    async def dispatch_ticket(self, no: str, unit: str = "U01", phone: str | None = REQUESTER, **fields: Any) -> None:
        """Take in a demand and dispatch it to a unit, whose people are told as far as they can be reached."""
        await self.create_ticket(no, phone, **fields)
        await self.act(no, "dispatch", "dispatcher", unit=unit)
        await self.settle()

    async def sign_ticket(self, no: str, unit: str = "U01", by: str | None = None, **fields: Any) -> None:
        """Take in a demand, dispatch it, and have it signed by the unit's own system or by a person."""
        await self.dispatch_ticket(no, unit, **fields)
        await self.act(no, "sign", by or f"unit:{unit}")
        await self.settle()

    async def close_ticket(self, no: str, **fields: Any) -> None:
        """A ticket that U01 has closed by its own system."""
        await self.sign_ticket(no, **fields)
        await self.act(no, "close", "unit:U01", close_type="solved", text="已修复。", way="phone", feedback="认可")
        await self.settle()

    async def ticket(self, no: str) -> Response:
        """The ticket as the API shows it."""
        return await self.request("GET", f"/tickets/{no}")

    async def state(self, no: str) -> str:
        return str((await self.ticket(no))["state"])

    async def flags(self, no: str) -> list[str]:
        return list((await self.ticket(no))["flags"])

    async def lead(self, no: str) -> Mapping[str, Any]:
        """The ticket's lead assignment."""
        return next(a for a in reversed((await self.ticket(no))["assignments"]) if a["lead"])

    async def due(self, no: str, kind: str) -> datetime:
        """When the lead assignment is due to be signed (`sign`) or closed (`close`)."""
        return datetime.fromisoformat((await self.lead(no))[f"{kind}_due_at"])

    async def list_moves(self, no: str) -> list[Mapping[str, Any]]:
        """The moves of the ticket's timeline, oldest first."""
        timeline = await self.request("GET", f"/tickets/{no}/timeline")
        return [item for item in timeline["items"] if item["type"] == "move"]

    async def count_scores(self, unit: str = "U01") -> dict[str, tuple[int, int]]:
        """Numerator and denominator of each item of a unit's November."""
        scores = await self.request("GET", "/scores", "clerk", month="2026-11", unit=unit)
        return {line["item"]: (line["numerator"], line["denominator"]) for line in scores["units"][0]["lines"]}

    # -- people

    def find_phone(self, code: str) -> str:
        """The telephone number of a person of the sample office."""
        return next(one.phone for one in self.simulator.people.values() if one.code == code)

    def phone(self, who: str) -> Phone:
        """The telephone of a person of U01 or U02 by code, or of a number."""
        return self.simulator.phones.get_phone(PHONES.get(who, who))

    def confirm_calls(self, *codes: str) -> None:
        """These people, or everybody of both units, take calls and press 1."""
        for code in codes or PHONES:
            self.phone(code).answer_with(["1"])

    def calls_to(self, who: str) -> list[datetime]:
        """When the office called a telephone, local time."""
        number = PHONES.get(who, who)
        return [c.created_at.astimezone(ZONE) for c in self.simulator.phones.calls_made if c.to == number]

    async def bind(self, code: str) -> ChatUser:
        """Bind a person's chat by /start with the code of the console and their own contact card."""
        person = next(one for one in self.simulator.people.values() if one.code == code)
        user = self.simulator.chat.get_user(person.name, person.phone)
        opened = await self.request("POST", f"/people/{code}/binding", "admin", {})
        assert opened.status == 201, opened.body
        await user.start(opened["code"])
        await user.expect("发送本人手机号")
        await user.share_contact()
        await user.expect("绑定成功")
        self.users[code] = user
        return user

    async def set_pin(self, code: str, pin: str) -> None:
        """Set the PIN by which a person signs on the telephone."""
        await self.application.services.people.set_pin(code, pin)

    # -- time

    async def settle(self) -> None:
        """Work until nothing is due or under way."""
        await self.application.settle()

    async def advance(self, span: str) -> None:
        """Move the clock by a span such as `2h30m`; what falls due on the way happens at its own time."""
        assert self.application.rehearsal is not None
        await self.application.rehearsal.clock.advance(span)

    async def advance_to(self, moment: datetime) -> None:
        """Move the clock to a moment to come."""
        seconds = int((moment - self.now).total_seconds()) + 1
        assert seconds > 0, f"{moment} is past: {self.now}"
        await self.advance(f"{seconds}s")

    # -- the end

    async def count_rows(self, table: Any, *where: Any) -> int:
        query = select(func.count()).select_from(table).where(*where)
        return int(await self.application.core.db.read(lambda c: c.execute(query).scalar_one()))

    def list_unexpected(self) -> list[str]:
        """Messages of the bot to anybody which no story expected."""
        return [text for user in self.users.values() for text in user.list_unexpected()]

    async def assert_running(self) -> None:
        """No network's rule was broken, and nothing failed."""
        await self.settle()
        assert self.simulator.list_violations() == []
        assert [line for line in self.log if line["log_level"] in FAILURES] == []

    async def assert_in_order(self) -> None:
        """Nothing failed, no message was lost, the journal is whole and the integrity checks find nothing."""
        await self.assert_running()
        assert await self.count_rows(t.outbox, t.outbox.c.state.in_(("dead", "ambiguous", "sending"))) == 0
        assert await self.count_rows(t.inbox, t.inbox.c.state != "done") == 0
        core = self.application.core
        verdict = await self.application.services.journal.verify()
        assert verdict.findings == () and verdict.tickets == await self.count_rows(t.tickets)
        clock = replace(core.clock, real_time=lambda: core.clock.now().timestamp())
        checks = IntegrityChecks(SqlIntegrityStore(core.db, core.ids), clock)
        findings = {finding.kind for finding in (*await checks.check(), *await checks.list_findings())}
        assert findings <= self.expected_findings


# -- opening


def start_clock(start: datetime) -> Callable[[], datetime]:
    """A wall clock that shows `start` now and runs on by itself."""
    begun = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - begun)


@contextlib.contextmanager
def capture_log() -> Iterator[list[Any]]:
    """What is logged meanwhile, exceptions with their trace."""
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
    folder: Path, url: str, start: datetime = MONDAY, *, sample_tickets: bool = False, roles: Collection[str] = ROLES,
    rhythm: Rhythm = SELDOM, tick_seconds: float = 600, wall_clock: Callable[[], datetime] | None = None,
    database_says: Callable[[datetime], datetime] | None = None, profile: str | None = None, voice: str = "",
) -> AsyncIterator[Office]:  # fmt: skip
    """Run the application with the units and people of the sample office while inside, and their tickets if wanted.

    Nobody answers the telephone unless told to. The tick is long, because stories move the clock; rate limits are
    wide, because stories do not wait. Beats are rare: a clock that is moved makes everything late for a moment. The
    clock is `wall_clock`, or the database's with what `database_says` makes of it, or one that shows `start`. The office follows `profile`, else the usual one.
    """
    config = Config(
        data=folder / "var", database_url=url, port=0, sandbox=True, samples=sample_tickets, tick_seconds=tick_seconds,
        drivers={"telegram": {"pace": str(FAST)}, "twilio": {"calls_per_second": str(FAST)}}, voice=voice,
        **({"profile": profile} if profile else {}),
    )  # fmt: skip
    clock = wall_clock or (None if database_says else start_clock(start))
    with capture_log() as log:
        async with (
            open_application(config, roles, Opening(clock, database_says), rhythm) as application,
            aiohttp.ClientSession(trace_configs=watch_answers()) as http,
        ):
            office = Office(application, http, log=log)
            if not sample_tickets:
                await load_sample(application.services.imports, "units", "people", today=office.now.date())
                for person in list_phone_owners():
                    office.simulator.add_person(**person)
            office.simulator.phones.default = NO_ANSWER
            office.simulator.chat.limits.enabled = False
            yield office
            await asyncio.sleep(0)
