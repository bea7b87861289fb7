"""A town on a loopback port, a real aiogram bot, a real twilio client, and an office that answers hooks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiohttp import web
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.call import CallInstance
from twilio.twiml.voice_response import VoiceResponse

from sandbox.simulator import Simulator
from tests.time_and_chance import REAL

TOKEN = "123456789:AAsandbox-token"
SID = "AC" + "0" * 32
AUTH = "twilio-auth-token"
OWN = "+864312345678"


@dataclass
class Office:
    """The product's place in these tests: it remembers what it is asked and answers from a table."""

    url: str = ""
    pages: dict[str, "VoiceResponse | str | Callable[[dict[str, str]], VoiceResponse]"] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], bool]] = field(default_factory=list)
    updates: list[dict] = field(default_factory=list)
    update_status: list[int] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)
    on_update: Callable[[dict], Awaitable[dict | None]] | None = None

    async def hook(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        url = self.url + request.path_qs
        signature = request.headers.get("X-Twilio-Signature", "")
        self.asked.append((request.path, form, RequestValidator(AUTH).validate(url, form, signature)))
        page = self.pages.get(request.path.removeprefix("/hooks/twilio/"))
        if page is None:
            return web.Response(status=404)
        if callable(page) and not isinstance(page, VoiceResponse):
            page = page(form | dict(request.query))
        return web.Response(text=str(page), content_type="text/xml")

    async def update(self, request: web.Request) -> web.Response:
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        body = await request.json()
        status = self.update_status.pop(0) if self.update_status else 200
        if status == 200:
            self.updates.append(body)
        answer = await self.on_update(body) if self.on_update else None
        return web.json_response(answer or {}, status=status)

    def said(self, path: str) -> list[dict[str, str]]:
        """What was sent to one hook."""
        return [form for where, form, _ in self.asked if where == f"/hooks/twilio/{path}"]


@pytest.fixture
async def place() -> AsyncIterator[tuple[Simulator, Office, str]]:
    office = Office()
    moment = datetime(2026, 10, 12, 1, 30, tzinfo=UTC)

    async def clock(request: web.Request) -> web.Response:
        return web.json_response({"now": moment.isoformat()})

    main = web.Application()
    main.router.add_route("*", "/hooks/twilio/{name}", office.hook)
    main.router.add_post("/hooks/telegram", office.update)
    main.router.add_get("/sandbox/clock", clock)
    office.url = "https://jiesu.example"
    town = Simulator(
        now=lambda: moment,
        **REAL,
        public_url=office.url,
        telegram_token=TOKEN,
        telegram_secret=None,
        twilio_sid=SID,
        twilio_token=AUTH,
        own_number=OWN,
        http=None,
        reach_url="http://127.0.0.1:1",
    )
    main.add_subapp("/sandbox/", town.build_app())
    runner = web.AppRunner(main, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    town.http_client._reach_url = base
    await town.start()
    yield town, office, base
    await town.close()
    await runner.cleanup()


@pytest.fixture
def town(place: tuple[Simulator, Office, str]) -> Simulator:
    return place[0]


@pytest.fixture
def office(place: tuple[Simulator, Office, str]) -> Office:
    return place[1]


@pytest.fixture
def base(place: tuple[Simulator, Office, str]) -> str:
    return place[2]


@pytest.fixture
async def bot(base: str) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(f"{base}/sandbox/telegram"))
    async with Bot(TOKEN, session=session) as bot:
        yield bot


class _Rerouted(AsyncTwilioHttpClient):
    """twilio's own async client, with scheme and host of the API replaced as the product does."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    async def request(self, method, url, *args, **kwargs):  # type: ignore[no-untyped-def]
        return await super().request(method, url.replace("https://api.twilio.com", self.base), *args, **kwargs)


@pytest.fixture
async def twilio(base: str) -> AsyncIterator[Client]:
    http = _Rerouted(f"{base}/sandbox/twilio")
    async with http:
        yield Client(SID, AUTH, http_client=http)


Ring = Callable[..., Awaitable[CallInstance]]


@pytest.fixture
def ring(twilio: Client, office: Office) -> Ring:
    async def create(to: str, page: str = "voice", **facts: object) -> CallInstance:
        given = {"to": to, "from_": OWN, "url": f"{office.url}/hooks/twilio/{page}", **facts}
        return await twilio.calls.create_async(**given)

    return create
