"""The simulated networks on a loopback port, a real aiogram bot, a real twilio client, an office that answers webhooks."""

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
from sandbox.telegram.users import ChatUser
from tests.simulated_networks import OWN_NUMBER, PUBLIC_URL, TELEGRAM_TOKEN, TWILIO_SID, TWILIO_TOKEN, serve_networks

LI = "+8613800001234"
WANG = "+8613900005678"
NOW = datetime(2026, 10, 12, 1, 30, tzinfo=UTC)
Answer = VoiceResponse | str | Callable[[dict[str, str]], VoiceResponse]


@dataclass
class FakeOffice:
    """Answers the carrier's webhooks from a table, by their name, and remembers what it received."""

    answers: dict[str, Answer] = field(default_factory=dict)
    received: list[tuple[str, dict[str, str], bool]] = field(default_factory=list)  # path, form, whether truly signed
    updates: list[dict] = field(default_factory=list)
    update_statuses: list[int] = field(default_factory=list)  # of the next answers to updates; then 200
    update_secrets: list[str | None] = field(default_factory=list)
    on_update: Callable[[dict], dict] | None = None
    url: str = PUBLIC_URL

    def build_app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/hooks/twilio/{name}", self.handle_webhook)
        app.router.add_post("/hooks/telegram", self.handle_update)
        app.router.add_get("/sandbox/clock", self.show_clock)
        return app

    async def handle_webhook(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        url = self.url + request.path_qs
        signature = request.headers.get("X-Twilio-Signature", "")
        self.received.append((request.path, form, RequestValidator(TWILIO_TOKEN).validate(url, form, signature)))
        answer = self.answers.get(request.match_info["name"])
        if answer is None:
            return web.Response(status=404)
        if callable(answer) and not isinstance(answer, VoiceResponse):
            answer = answer(form | dict(request.query))
        return web.Response(text=str(answer), content_type="text/xml")

    async def handle_update(self, request: web.Request) -> web.Response:
        self.update_secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        update = await request.json()
        status = self.update_statuses.pop(0) if self.update_statuses else 200
        if status == 200:
            self.updates.append(update)
        answer = self.on_update(update) if self.on_update else {}
        return web.json_response(answer, status=status)

    async def show_clock(self, request: web.Request) -> web.Response:
        return web.json_response({"now": NOW.isoformat()})

    def list_received(self, name: str) -> list[dict[str, str]]:
        """The forms that one webhook received."""
        return [form for path, form, _ in self.received if path == f"/hooks/twilio/{name}"]

    def url_of(self, name: str) -> str:
        """The URL of one webhook."""
        return f"{self.url}/hooks/twilio/{name}"


@pytest.fixture
def office() -> FakeOffice:
    return FakeOffice()


@pytest.fixture
async def served(office: FakeOffice) -> AsyncIterator[tuple[Simulator, str]]:
    async with serve_networks(lambda: NOW, office.build_app()) as served:
        yield served


@pytest.fixture
def simulator(served: tuple[Simulator, str]) -> Simulator:
    return served[0]


@pytest.fixture
def base_url(served: tuple[Simulator, str]) -> str:
    return served[1]


@pytest.fixture
async def bot(base_url: str) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(f"{base_url}/sandbox/telegram"))
    async with Bot(TELEGRAM_TOKEN, session=session) as bot:
        yield bot


@pytest.fixture
async def li(simulator: Simulator) -> ChatUser:
    """Somebody who has opened the bot."""
    user = simulator.chat.get_user("李明", LI)
    await user.start()
    return user


class _RedirectedClient(AsyncTwilioHttpClient):
    """twilio's own async client, with scheme and host of the API replaced as the product does."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base_url = base_url

    async def request(self, method, url, *args, **kwargs):  # type: ignore[no-untyped-def]
        return await super().request(method, url.replace("https://api.twilio.com", self.base_url), *args, **kwargs)


@pytest.fixture
async def twilio(base_url: str) -> AsyncIterator[Client]:
    http = _RedirectedClient(f"{base_url}/sandbox/twilio")
    async with http:
        yield Client(TWILIO_SID, TWILIO_TOKEN, http_client=http)


CreateCall = Callable[..., Awaitable[CallInstance]]


@pytest.fixture
def create_call(twilio: Client, office: FakeOffice) -> CreateCall:
    """Call a number; the call is answered by the office's webhook `webhook`, `options` are twilio's."""

    async def create(to: str, webhook: str = "voice", **options: object) -> CallInstance:
        given = {"to": to, "from_": OWN_NUMBER, "url": office.url_of(webhook), **options}
        return await twilio.calls.create_async(**given)

    return create
