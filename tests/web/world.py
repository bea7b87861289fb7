"""A small office behind its web server: real services over a real database; only scoring and imports are fakes."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

from backend.deadlines.recompute import DutyRecompute
from backend.domain.acts import Account, AccountKind
from backend.domain.addresses import Addresses
from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Role, UnitKind
from backend.identity.accounts import Accounts
from backend.identity.keys import ApiKeys
from backend.identity.passwords import Passwords
from backend.identity.sign_in import SignIn
from backend.integrity.checks import IntegrityChecks
from backend.office.cache import OfficeCache
from backend.office.duty_roster import DutyRoster
from backend.office.people import People, PersonForm
from backend.office.readiness import UnitReadiness
from backend.operations.beats import Rhythm
from backend.operations.gate import VersionGate
from backend.operations.health import Health
from backend.operations.hold import Holds
from backend.platform.service import PlatformSync
from backend.reporting.indicators import Indicators
from backend.services import Services
from backend.tickets.files import TicketFiles
from backend.tickets.intake import Intake
from backend.tickets.screening import Screening
from backend.tickets.service import TicketService
from backend.triage import Similarity
from backend.triage.dispatching import DispatchSuggestions
from backend.triage.hot import HotListBuilder
from backend.visits.rating_pages import RatingPages
from backend.web.app import RUNNER_OPTIONS, build_app
from backend.web.rehearsal_clock import RehearsalClock
from backend.web.webhooks.chat import ChatHook
from notify.chat_network import ChatNetwork
from storage.deadlines.due import SqlDueStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.delivery.inbox import SqlInboxStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.integrity.audit import SqlAuditStore
from storage.integrity.checks import SqlIntegrityStore
from storage.office.accounts import SqlAccountStore
from storage.office.api_keys import SqlKeyStore
from storage.office.config import SqlConfigStore
from storage.office.duty_roster import SqlDutyRosterStore
from storage.office.key_values import SqlKeyValueStore
from storage.office.people import SqlPeopleStore
from storage.office.readiness import SqlReadinessStore
from storage.operations.beats import SqlBeatStore
from storage.operations.gate import SqlGateStore
from storage.operations.health import SqlHealthStore
from storage.operations.hold import SqlHoldStore
from storage.platform.writebacks import SqlPlatformStore
from storage.reporting.indicators import SqlIndicatorStore
from storage.tickets.files import SqlFileStore
from storage.tickets.intake import SqlIntakeStore
from storage.tickets.moves import create_move_store
from storage.tickets.queries import SqlQueryStore
from storage.triage.catalogue import SqlCatalogueStore
from storage.triage.features import SqlFeatureStore
from storage.visits.rating_pages import SqlRatingPageStore
from storage.web.idempotency import SqlIdempotencyStore
from tests.api_document import watch_answers
from tests.scanner import FakeScanner
from tests.telegram import build_telegram
from tests.time_and_chance import CHANCE, build_clock
from tests.web.fakes import FakeImports, FakeScoring

ZONE = ZoneInfo("Asia/Shanghai")
PEOPLE = (
    ("A1", "M01", Role.ADMIN), ("D1", "M01", Role.DISPATCHER), ("R1", "M01", Role.REVIEWER),
    ("S1", "M01", Role.SUPERVISOR), ("V1", "M01", Role.REVISIT_AGENT), ("C1", "M01", Role.SCORE_CLERK),
    ("O1", "M01", Role.AUDITOR), ("H1", "U01", Role.HANDLER), ("H2", "U01", Role.HANDLER),
    ("L1", "U01", Role.LIAISON), ("B1", "U01", Role.LEADER), ("H9", "U02", Role.HANDLER), ("L9", "U02", Role.LIAISON),
)  # fmt: skip
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
SECRET = "hook-secret-hook"


def build_mounted_app() -> web.Application:
    """Another application, with its own content security policy and a page that fails."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="mounted", headers={"Content-Security-Policy": "default-src 'self'"})

    async def broken(_request: web.Request) -> web.Response:
        raise ValueError("not for strangers")

    app = web.Application()
    app.router.add_get("/page", page)
    app.router.add_get("/broken", broken)
    return app


class OfficeServer(TestServer):
    """As the product serves: a handler whose client has left goes on to its end."""

    async def _make_runner(self, **options: Any) -> web.BaseRunner[Any]:
        return await super()._make_runner(**{**options, "handler_cancellation": False})


class NotUsed:
    """Stands where a service is not part of these tests."""


def mount(app: web.Application) -> None:
    """Mount that application."""
    app.add_subapp("/mounted/", build_mounted_app())


class FakeClock:
    """A clock that can be moved by two and a half hours."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def advance(self, span: str, *, until_ring: bool = False) -> None:
        if span != "2h30m":
            raise Refused("bad_limit", value=span)
        self._world.at += timedelta(hours=2, minutes=30)


class World:
    """`at` is the office's time; `client` talks to its web server."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.at = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)
        self.encryption = Encryption("a secret of the tests", CHANCE)
        self.ids = IdSupply(db)
        self.seconds: float | None = None  # what `monotonic` shows; None: the real one
        self.later = 0.0  # seconds by which real time is moved
        clock = build_clock(
            lambda: self.at,
            lambda: time.time() + self.later,
            monotonic=lambda: time.monotonic() if self.seconds is None else self.seconds,
        )
        office = OfficeCache(SqlConfigStore(db, self.ids), clock, "jilin")
        tickets = TicketService(create_move_store(db), office, self.ids, self.encryption.journal)
        self.scoring, self.imports = FakeScoring(), FakeImports()
        people = People(SqlPeopleStore(db, self.ids, self.encryption), SqlChatStateStore(db), office, CHANCE)
        people.bot_link = "https://t.me/jiesu_bot?start={code}"
        audit, values = SqlAuditStore(db, self.ids), SqlKeyValueStore(db)
        features = SqlFeatureStore(db, self.encryption)
        self.scanner = FakeScanner()
        self.screening = screening = Screening(
            self.scanner, audit, clock, lambda cause, **facts: self.alarms.append((cause, facts))
        )
        similarity = Similarity(features, office, values)
        integrity = IntegrityChecks(SqlIntegrityStore(db, self.ids), clock, [])
        pages = RatingPages(
            SqlRatingPageStore(db, self.ids, CHANCE),
            tickets,
            office,
            audit,
            "https://hotline.example",
            "12345",
            "12345热线",
        )
        self.beats = SqlBeatStore(db)
        keys, passwords = SqlKeyStore(db, self.ids, CHANCE), Passwords()
        store, people_store = (
            SqlAccountStore(db, self.ids, self.encryption, CHANCE),
            SqlPeopleStore(db, self.ids, self.encryption),
        )
        accounts = Accounts(store, keys, office, audit, passwords, CHANCE, clock.real_now)
        self.services = Services(
            clock=clock, chance=CHANCE, office=office, tickets=tickets, queries=SqlQueryStore(db, self.encryption), keys=keys, api_keys=ApiKeys(keys, office, audit), accounts=accounts,
            sign_in=SignIn(accounts, people_store, keys, office, audit, passwords, CHANCE, self.encryption.session, clock.real_now),
            files=TicketFiles(SqlFileStore(db), clock, CHANCE, screening), audit=audit, idempotency=SqlIdempotencyStore(db, self.encryption),
            texts=Texts("zh_CN"), intake=Intake(SqlIntakeStore(db), office, self.ids, self.encryption, tickets),
            people=people, imports=self.imports, scoring=self.scoring,
            indicators=Indicators(SqlIndicatorStore(db), office), reporting=NotUsed(),
            platform=PlatformSync(SqlPlatformStore(db), office, self.imports, values, audit, None, (), "test", timedelta(minutes=1)),
            readiness=UnitReadiness(SqlReadinessStore(db, self.ids), office), similarity=similarity,
            duty_roster=DutyRoster(SqlDutyRosterStore(db, self.ids), office, audit),
            deadlines=DutyRecompute(SqlDueStore(db), tickets, office, audit), governance=NotUsed(),
            hot_topics=HotListBuilder(features, similarity, office), visits=SimpleNamespace(pages=pages), calls=SimpleNamespace(may_bridge=lambda *_: False, has_carrier=False),
            dispatch_suggestions=DispatchSuggestions(SqlCatalogueStore(db, self.ids, ZONE), features, similarity, office, audit),
            holds=Holds(SqlHoldStore(db, self.ids), [], clock, CHANCE),
            integrity=integrity,
            health=Health(self.beats, SqlHealthStore(db), integrity.list_findings, Rhythm()),
            gate=VersionGate(SqlGateStore(db), clock), journal=NotUsed(), list_conditions=screening.list_conditions,
            tell_alarm=lambda cause, **facts: self.alarms.append((cause, facts)),
            addresses=Addresses("http://127.0.0.1:8080"), heartbeats={}, providers={}, process_token="",
        )  # fmt: skip
        self.alarms: list[tuple[str, dict[str, Any]]] = []  # causes that administrators were told of, with their facts
        self.clock_routes = RehearsalClock(FakeClock(self))
        self.network = build_telegram("1:x", secret=SECRET)
        self.networks: list[ChatNetwork] = [self.network]
        self.inbox: Any = SqlInboxStore(
            db, self.ids, clock.real_now, lambda _, body: self.network.receiver.identify(body)
        )
        self.keys: dict[str, str] = {}
        self.client: TestClient[Any, Any]

    async def open(self) -> World:
        """Save units and people, create a key for each person, and start the web server."""
        people = self.services.people
        assert people is not None
        await people.save_units([
            Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市"), Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
            Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
        ], "test")  # fmt: skip
        await people.save_people(
            [PersonForm(code=c, name=f"人{c}", unit=u, role=r, phone=f"138001380{i:02}") for i, (c, u, r) in enumerate(PEOPLE)],
            "test",
        )  # fmt: skip
        for code, _, _ in PEOPLE:
            self.keys[code] = await self.services.keys.create_key(f"k-{code}", self.at, person=code)
        await self._serve()
        return self

    async def change(self, inbox: Any = None, **services: Any) -> None:
        """Serve with other services, or another inbox."""
        await self.client.close()
        self.inbox, self.services = inbox or self.inbox, replace(self.services, **services)
        await self._serve()

    async def _serve(self) -> None:
        hook = ChatHook(self.inbox, self.networks, "")
        server = OfficeServer(build_app(self.services, [mount, hook.add_routes, self.clock_routes.add_routes]))
        self.client = TestClient(server, trace_configs=watch_answers())
        await server.start_server(**RUNNER_OPTIONS)
        await self.client.start_server()

    async def close(self) -> None:
        """Stop the web server."""
        await self.client.close()

    async def request(
        self, who: str | None, method: str, path: str, body: Any = None, *, key: str | None = None, **more: Any
    ) -> tuple[int, Any]:
        """Send one request as a person by code, with a key, or as nobody; status and JSON."""
        headers: dict[str, str] = dict(more.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.keys.get(who, who)}"
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            more["json"] = body
        path = path if path.startswith(("/api", "/hooks", "/sandbox", "/healthz", "/readyz")) else "/api/v1" + path
        async with self.client.request(method, path, headers=headers, **more) as answer:
            text = await answer.text()
            try:
                return answer.status, await answer.json()
            except Exception:
                return answer.status, text

    async def create_code(self, key: str) -> str:
        """A one-time code that signs in whose key this is; what is no key stays as it is."""
        who = next((code for code, own in self.keys.items() if own == key), None)
        if who is None:
            return key
        return await self.services.keys.create_sign_in_token(Account(AccountKind.PERSON, who), self.at)

    async def act(self, who: str, no: str, verb: str, **arguments: Any) -> tuple[int, Any]:
        """Do one act; status and JSON."""
        return await self.request(who, "POST", f"/tickets/{no}/acts", {"verb": verb, **arguments})

    async def load(self, no: str = "T1") -> Any:
        """The ticket as an administrator sees it."""
        return (await self.request("A1", "GET", f"/tickets/{no}"))[1]

    async def list_moves(self, no: str = "T1") -> list[Any]:
        """The moves of the ticket's timeline, oldest first."""
        _, timeline = await self.request("A1", "GET", f"/tickets/{no}/timeline")
        return [item for item in timeline["items"] if item["type"] == "move"]

    async def create_ticket(self, no: str = "T1", **more: Any) -> Any:
        """Take in a complete demand."""
        body = {
            "ticket_no": no, "category": "help", "grade": "general", "channel": "phone", "title": "路灯不亮",
            "text": "我叫张小三，电话13912345678，路灯不亮", "place": "人民路", "region": "A市",
            "requester": {"name": "张小三", "phone": "13912345678"}, **more,
        }  # fmt: skip
        status, answer = await self.request("D1", "POST", "/tickets", body)
        assert status == 201, answer
        return answer

    async def upload(self, who: str, content: bytes = PDF, name: str = "情况说明.pdf") -> tuple[int, Any]:
        """Upload a file; status and JSON."""
        form = FormData()
        form.add_field("file", content, filename=name)
        return await self.request(who, "POST", "/files", data=form)

    async def dispatch_ticket(self, no: str = "T1", **more: Any) -> Any:
        """Take in a demand and dispatch it to U01."""
        await self.create_ticket(no, **more)
        status, ticket = await self.act("D1", no, "dispatch", unit="U01")
        assert status == 200, ticket
        return ticket

    async def sign_ticket(self, no: str = "T1", **more: Any) -> None:
        """A ticket dispatched to U01 and signed by H1."""
        await self.dispatch_ticket(no, **more)
        assert (await self.act("H1", no, "sign"))[0] == 200

    async def close_ticket(self, no: str = "T1", **more: Any) -> None:
        """A ticket that H1 has closed: its requester is to be asked."""
        await self.sign_ticket(no, **more)
        assert (await self.act("H1", no, "close", text="已修复", feedback="认可"))[0] == 200
