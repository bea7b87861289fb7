"""The database file is damaged: the office goes on reading, says so at every door, and works again once it is whole (G30)."""

import json
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from backend.app.build import open_application
from backend.app.build_storage import build_storage_check
from backend.app.config import Config
from backend.app.core import Opening
from backend.domain.acts import Account, AccountKind
from backend.ports.availability import Unavailable
from backend.ports.operations import Damage
from backend.web.api.routes import ROUTES
from backend.web.identity import COOKIE
from notify.chat.telegram.receiver import SECRET_HEADER
from tests.api_document import watch_answers
from tests.figures import Figures, choose_size
from tests.operations.flipped_pages import PAGE, Page, flip, is_sound, list_pages, make_pages_small
from tests.stories.office import MONDAY, Office, capture_log, open_office, start_clock

ADMIN, SECRET = "GL01", "a-secret-of-hooks"
PAGES = ("/", "/tickets", "/tickets/JS0001", "/calls", "/deliveries", "/office", "/settings", "/runs", "/ledger")
CALM = (200, 201, 204, 303, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503)


@dataclass
class Kept:
    """An office that was closed: its folder, its file with small pages, keys and a session."""

    folder: Path
    keys: dict[str, str]
    session: str

    @property
    def file(self) -> Path:
        return self.folder / "jiesu.db"

    def copy(self, folder: Path) -> "Kept":
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return Kept(folder, self.keys, self.session)

    @property
    def config(self) -> Config:
        return Config(
            data=self.folder / "var",
            database_url=f"sqlite:///{self.file}",
            port=0,
            sandbox=True,
            tick_seconds=600,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Office]:
        with capture_log() as log:
            async with (
                open_application(self.config, opening=Opening(start_clock(MONDAY))) as application,
                aiohttp.ClientSession(trace_configs=watch_answers()) as http,
            ):
                yield Office(application, http, keys=dict(self.keys), log=log)


@pytest.fixture
async def kept(sqlite_url: str, tmp_path: Path) -> Kept:
    """An office in which an administrator has a chat, and some tickets are under way."""
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    async with open_office(folder, sqlite_url) as office:
        await office.bind(ADMIN)
        await office.sign_ticket("JS0001")
        for number in range(2, 13):
            await office.create_ticket(f"JS{number:04}", text="路灯不亮已经一周。" * 20)
        await office.settle()
        await office.get_key("admin")
        core = office.application.core
        opened = await office.application.services.keys.open_session(
            Account(AccountKind.PERSON, ADMIN), core.clock.now()
        )
        kept = Kept(folder, office.keys, opened.token)
    make_pages_small(kept.file)
    return kept


async def ask_all_doors(office: Office, session: str) -> Counter[tuple[str, int, str]]:
    """Ask every route of the API, pages and hooks; count the answers by kind of door, status and code."""
    answers: Counter[tuple[str, int, str]] = Counter()

    async def ask(kind: str, method: str, path: str, **more: Any) -> None:
        async with office.http.request(method, office.url + path, allow_redirects=False, **more) as answer:
            text = await answer.text()
            code = json.loads(text).get("error", {}).get("code", "") if answer.content_type.endswith("json") else ""
            answers[kind, answer.status, code] += 1
            assert answer.status in CALM, (method, path, answer.status, text[:200])

    key = {"Authorization": f"Bearer {office.keys['admin']}"}
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "1", route.path.replace("{no}", "JS0001"))
        body = (
            {}
            if route.method == "GET"
            else {"json": {"verb": "flag", "flag": "hard_case", "reason": "试", "value": "1"}}
        )
        await ask(route.method, route.method, f"/api/v1{path}", headers=key, **body)
    ticket = {
        "ticket_no": "JS9999", "category": "help", "grade": "general", "channel": "phone", "title": "路灯不亮", "text": "不亮",
        "region": "云岭市",
    }  # fmt: skip
    await ask("new", "POST", "/api/v1/tickets", headers=key, json=ticket)
    for page in PAGES:
        await ask("page", "GET", page, cookies={COOKIE: session}, headers={"Accept": "text/html"})
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("name", ADMIN)
    form.add_field("password", "a word that is no password")
    await ask("sign_in", "POST", "/sign-in", data=form, headers={"Origin": office.url})
    update = {"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}}
    await ask(
        "chat",
        "POST",
        "/hooks/telegram",
        json=update,
        headers={SECRET_HEADER: office.config.drivers["telegram"]["secret"]},
    )
    for hook in ("/hooks/twilio/status/1", "/hooks/twilio/voice/1", "/hooks/twilio/inbound", "/hooks/platform"):
        await ask("hook", "POST", hook, data=b"{}")
    for health in ("/healthz", "/readyz", "/readyz?scope=door", "/metrics"):
        await ask("health", "GET", health)
    return answers


def find_page(kept: Kept, table: str, part: str) -> Page:
    return next(page for page in list_pages(kept.file) if (page.table, page.part) == (table, part))


async def test_a_damaged_page_makes_the_office_read_only_until_a_check_is_clean_XR4_FD16(kept: Kept) -> None:
    page = find_page(kept, "journal", "leaf")
    flip(kept.file, page, 1)
    async with kept.open() as office:
        sent = [arrival.message.text for all in office.simulator.chat.arrivals.values() for arrival in all]
        assert ["数据库损坏" in text for text in sent] == [True], "the alarm leaves, and nothing else"
        answers = await ask_all_doors(office, kept.session)
        for door in ("new", "sign_in", "chat"):
            assert answers[door, 503, "read_only"] == 1, door
        assert answers["GET", 200, ""] > 20, "reading goes on"
        assert not {code for _, _, code in answers} & {"internal", "unavailable"}
        async with office.http.get(office.url + "/office", cookies={COOKIE: kept.session}) as shown:
            assert "数据库损坏，系统只能查看" in await shown.text()
        async with office.http.get(office.url + "/readyz") as ready:
            assert ready.status == 503 and "read_only" in (await ready.json())["red"]
        async with office.http.get(office.url + "/readyz?scope=door") as door:
            assert door.status == 200
        assert await build_storage_check(kept.config).run(), "still damaged"
    async with kept.open() as office:  # a restart changes nothing
        storage = office.application.storage
        assert (await office.request("POST", "/tickets/JS0001/acts", "admin", {"verb": "finalize"})).code == "read_only"
        flip(kept.file, page, 1)
        assert await build_storage_check(kept.config).run() == []
        await storage.look()
        assert storage.list_red() == []
        await office.create_ticket("JS0100")
        await office.settle()
        assert office.application.core.db.condition.damage is None
    assert is_sound(kept.file)


async def test_a_page_damaged_while_the_office_works_is_found_by_its_patrol_FD16(kept: Kept) -> None:
    async with kept.open() as office:
        await office.application.workers.by_name["storage_patrol"].run_once()
        flip(kept.file, find_page(kept, "assignments", "root"), 1)
        office.application.core.db.condition.is_suspect = True  # a minute later
        await office.application.workers.by_name["storage_patrol"].run_once()
        await office.application.storage.look()
        assert [line["cause"] for line in office.log if line["event"] == "alarm"] == ["read_only"]
        assert (await ask_all_doors(office, kept.session))["new", 503, "read_only"] == 1


async def test_while_it_is_read_only_nothing_is_sent_or_lost_and_a_clean_check_lets_all_go_on_XR4(
    office: Office,
) -> None:
    person = await office.bind("H101")
    await office.create_ticket("JS0001")
    await office.get_key("unit:U01")
    application = office.application
    await application.workers.stop()  # from here on work is done when we say
    await office.act("JS0001", "dispatch", "dispatcher", unit="U01")
    application.core.db.condition.report(Damage("XX001", "block 3"))
    await application.storage.look()
    refused = await office.request("POST", "/tickets/JS0001/acts", "unit:U01", {"verb": "sign"})
    assert (refused.status, refused.code) == (503, "read_only")
    assert await office.state("JS0001") == "dispatched"
    with pytest.raises(Unavailable, match="read_only"):
        await application.built.delivery.run_once()
    assert not [text for text in person.render_screen() if "JS0001" in text]
    async with office.http.get(office.url + "/readyz") as ready:
        assert (await ready.json())["red"] == ["read_only"]
    assert await build_storage_check(office.config).run() == []
    await application.storage.look()
    await office.settle()
    await person.expect("JS0001")
    await office.act("JS0001", "sign", "unit:U01")
    office.log[:] = [
        line for line in office.log if not line["event"].startswith("alarm")
    ]  # no administrator has a chat


@pytest.mark.soak
@pytest.mark.timeout(3000)
async def test_a_hundred_flipped_pages_never_end_in_an_accident_G30(
    kept: Kept, tmp_path: Path, figures: Figures
) -> None:
    dice, pages = random.Random(30), list_pages(kept.file)
    outcomes: Counter[str] = Counter()
    count, failed, alarm_seconds = choose_size("soak", small=0, quick=20, full=100), 0, 0.0
    for _ in range(count):
        copy = kept.copy(tmp_path / "copy")
        page = dice.choice([one for one in pages if one.part == dice.choice(("root", "inner", "leaf"))] or pages)
        flip(copy.file, page, dice.randrange(8 * PAGE))
        sound = is_sound(copy.file)
        async with copy.open() as office:
            answers = await ask_all_doors(office, copy.session)
            failed += sum(n for (_, status, _), n in answers.items() if status == HTTPStatus.INTERNAL_SERVER_ERROR)
            begun = time.monotonic()
            await office.application.workers.by_name["storage_patrol"].run_once()
            await office.application.storage.look()
            alarm_seconds = max(alarm_seconds, time.monotonic() - begun)
            is_read_only = "read_only" in office.application.storage.list_red()
            told = [line["cause"] for line in office.log if line["event"] == "alarm"]
        assert is_read_only == ("read_only" in told), page
        outcomes["read_only" if is_read_only else "sound" if sound else "silent"] += 1
    figures.report("G30", pages=count, failed=failed, silent=outcomes["silent"], alarm_seconds=alarm_seconds)
    assert outcomes["read_only"] > count / 20
