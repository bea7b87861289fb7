"""The checks of `jiesu doctor`: settings, database, calendar, people, providers."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from backend.domain.refusals import Refused
from backend.environment import Environment
from backend.shelves import open_office, tables_version

NEAR = timedelta(days=60)  # warn this long before the calendar ends
WAIT = 5.0  # seconds for a provider to answer
TELEGRAM = "https://api.telegram.org"
TWILIO = "https://api.twilio.com"


class Health(StrEnum):
    """正常, 注意, 不可用."""

    OK = "ok"
    NOTICE = "notice"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `what` is a text key (`cli.check.…`), filled with `facts`."""

    name: str
    health: Health
    what: str
    facts: dict[str, Any] = field(default_factory=dict)


Fetch = Callable[[str, tuple[str, str] | None], Any]


def fetch(url: str, login: tuple[str, str] | None) -> Any:
    """Return the JSON at a URL. Raises OSError (also for an HTTP error status) or ValueError."""
    request = urllib.request.Request(url)
    if login is not None:
        from base64 import b64encode

        request.add_header("Authorization", "Basic " + b64encode(":".join(login).encode()).decode())
    with urllib.request.urlopen(request, timeout=WAIT) as answer:
        return json.load(answer)


async def look(environment: Environment, ask: Fetch = fetch) -> list[Check]:
    """Run all checks, in the order in which to fix them."""
    found = [_settings(environment)]
    database = await _database(environment)
    found.append(database)
    if database.health is Health.OK:
        async with open_office(environment) as office:
            snapshot = await office.snapshot()
            found.append(_calendar(office.clock.now().date(), snapshot.calendar.end))
            who = snapshot.settings.choice("system_of_record")
            found.append(Check("record", Health.OK, "record" if who == "self" else "record_external", {"who": who}))
            found.append(_people(len(snapshot.config.units), len(snapshot.config.people)))
    found.extend(await asyncio.to_thread(lambda: [*_telegram(environment, ask), *_twilio(environment, ask)]))
    return found


def _settings(environment: Environment) -> Check:
    try:
        environment.check()
    except Refused as no:
        return Check("settings", Health.BROKEN, "refused", {"code": no.code, **no.facts})
    return Check("settings", Health.OK, "settings", {"profile": environment.profile, "zone": environment.timezone})


async def _database(environment: Environment) -> Check:
    kind = environment.database.partition(":")[0]
    try:
        there, ours = await asyncio.to_thread(tables_version, environment)
    except Exception as accident:  # any engine's error: report that the database cannot be reached
        return Check("database", Health.BROKEN, "database_gone", {"kind": kind, "why": type(accident).__name__})
    if there is None:
        return Check("database", Health.NOTICE, "database_empty", {"kind": kind})
    if there != ours:
        return Check("database", Health.BROKEN, "database_behind", {"there": there, "ours": ours})
    return Check("database", Health.OK, "database", {"kind": kind, "version": there})


def _calendar(today: date, end: date) -> Check:
    """Warn 60 days before the calendar ends, and in December while next year is missing (readings §4)."""
    facts = {"end": end.isoformat(), "days": (end - today).days}
    if end < today:
        return Check("calendar", Health.BROKEN, "calendar_over", facts)
    if end - today < NEAR or (today.month == 12 and end.year == today.year):
        return Check("calendar", Health.NOTICE, "calendar_ends", facts)
    return Check("calendar", Health.OK, "calendar", facts)


def _people(units: int, people: int) -> Check:
    health = Health.OK if units and people else Health.NOTICE
    return Check("people", health, "people" if health is Health.OK else "nobody", {"units": units, "people": people})


def _telegram(environment: Environment, ask: Fetch) -> Iterator[Check]:
    token = environment.telegram_token.get_secret_value()
    if not token or (environment.sandbox and not environment.telegram_api_url):
        yield _absent("telegram", environment.sandbox)
        return
    base = f"{environment.telegram_api_url or TELEGRAM}/bot{token}"
    try:
        name = ask(f"{base}/getMe", None)["result"]["username"]
    except (OSError, ValueError, KeyError, TypeError) as silent:
        yield Check("telegram", Health.BROKEN, "silent", {"why": _why(silent)})
        return
    yield Check("telegram", Health.OK, "telegram", {"name": name})
    if environment.telegram_mode == "webhook":
        wanted = f"{environment.address}/hooks/telegram"
        try:
            there = ask(f"{base}/getWebhookInfo", None)["result"]["url"]
        except (OSError, ValueError, KeyError, TypeError) as silent:
            yield Check("webhook", Health.BROKEN, "silent", {"why": _why(silent)})
            return
        right = there == wanted
        yield Check("webhook", Health.OK if right else Health.NOTICE, "webhook" if right else "webhook_elsewhere",
                    {"wanted": wanted})  # fmt: skip


def _twilio(environment: Environment, ask: Fetch) -> Iterator[Check]:
    sid, token = environment.twilio_account_sid, environment.twilio_auth_token.get_secret_value()
    if not sid or (environment.sandbox and not environment.twilio_api_url):
        yield _absent("twilio", environment.sandbox)
        return
    base = environment.twilio_api_url or TWILIO
    try:
        status = ask(f"{base}/2010-04-01/Accounts/{sid}.json", (sid, token))["status"]
    except (OSError, ValueError, KeyError, TypeError) as silent:
        yield Check("twilio", Health.BROKEN, "silent", {"why": _why(silent)})
        return
    health = Health.OK if status == "active" and environment.twilio_from else Health.NOTICE
    what = "twilio" if environment.twilio_from else "twilio_from"
    yield Check("twilio", health, what, {"status": status, "sender": environment.twilio_from[-4:]})


def _absent(name: str, sandbox: bool) -> Check:
    return Check(name, Health.OK if sandbox else Health.NOTICE, "rehearsed" if sandbox else "absent")


def _why(error: Exception) -> str:
    """Describe an error without its URL, which may hold a token."""
    return f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
