"""`jiesu doctor`: check settings, database, calendar, people and providers; one line each."""

import asyncio
import contextlib
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import click

from backend.app.build_backups import is_held, is_state_beside_data
from backend.app.build_scanner import build_scanner
from backend.app.config import Config
from backend.app.core import Core, open_core
from backend.app.driver_settings import choose_drivers
from backend.app.drivers import build_carriers, build_gateways, build_networks
from backend.app.upgrade import read_schema_state
from backend.cli import get_texts
from backend.cli.connect import load_config, print_json, run_async, silence_logs
from backend.cli.storage_checks import BROKEN, list_storage_codes
from backend.domain.addresses import is_loopback
from backend.domain.causes import describe_cause
from backend.domain.profiles import CHOOSING
from backend.domain.refusals import HTTP_STATUS, Refused
from backend.domain.setting_words import word_value
from backend.domain.texts import Texts
from backend.integrity.calendar_end import is_calendar_short
from backend.tickets.screening import PLAIN_FILE
from notify.carrier import VoiceCarrier
from notify.chat_network import ChatNetwork
from notify.driver import Check, Health
from notify.driver_registry import Family
from notify.scanner import FileScanner, ScannerAway, build_test_file
from notify.sms_gateway import SmsGateway

PROVIDER_SECONDS = 5.0  # seconds for a provider to answer


#: Errors → the code that a text says in words.
_CAUSES: Mapping[type[BaseException], str] = {
    TimeoutError: "timeout", ConnectionRefusedError: "refused", socket.gaierror: "name", ssl.SSLError: "certificate",
    ValueError: "protocol", KeyError: "protocol", TypeError: "protocol",
}  # fmt: skip


Driver = ChatNetwork | VoiceCarrier | SmsGateway
Fetch = Callable[[str, tuple[str, str] | None], Any]


def fetch(url: str, login: tuple[str, str] | None) -> Any:
    """Return the JSON at a URL. Raises OSError (also for an HTTP error status) or ValueError."""
    request = urllib.request.Request(url)
    if login is not None:
        from base64 import b64encode

        request.add_header("Authorization", "Basic " + b64encode(":".join(login).encode()).decode())
    with urllib.request.urlopen(request, timeout=PROVIDER_SECONDS) as answer:
        return json.load(answer)


async def run_checks(config: Config, fetch_json: Fetch = fetch) -> list[Check]:
    """Run all checks, in the order in which to fix them."""
    found = [_check_settings(config), _check_hosts(config), *_check_state(config), *await _check_storage(config)]
    if found[0].health is Health.OK:
        found.append(await _check_scanner(build_scanner(config)))
    database = await _check_database(config)
    found.append(database)
    if database.health is Health.OK:
        if await is_held(config):
            found.append(Check("hold", Health.NOTICE, "held"))
        with contextlib.suppress(Refused):  # a setting that cannot be used, said above
            async with open_core(config) as core:
                found += await _check_office(core, config.profile)
    found += await asyncio.to_thread(lambda: [*_check_door(config, fetch_json)])
    found += await _check_drivers(config, "chat", lambda one: [*build_networks(one).values()])
    found += await _check_lines(config)
    return found


async def _check_office(core: Core, given: str) -> list[Check]:
    snapshot = await core.office.snapshot()
    record = snapshot.settings.choice("system_of_record")
    profile = snapshot.settings.choice(CHOOSING)
    return [
        Check("profile", Health.OK, "profile", {"profile": profile})
        if profile == given
        else Check("profile", Health.NOTICE, "profile_set", {"profile": profile, "given": given}),
        _check_calendar(core.clock.now().date(), snapshot.calendar.end),
        Check("record", Health.OK, "record" if record == "self" else "record_external"),
        _check_people(len(snapshot.config.units), len(snapshot.config.people)),
    ]


def _check_settings(config: Config) -> Check:
    try:
        config.check()
    except Refused as refused:
        return Check("settings", Health.BROKEN, "refused", {"code": refused.code, **refused.facts})
    return Check("settings", Health.OK, "settings", {"zone": config.timezone})


def _check_hosts(config: Config) -> Check:
    """Say which names are answered to: any other is refused `wrong_host`."""
    if config.is_called_by_nobody:
        return Check("hosts", Health.NOTICE, "hosts_none", {"host": config.host})
    names = sorted(config.addresses.names)
    return Check("hosts", Health.OK, "hosts" if names else "hosts_loopback", {"names": ", ".join(names)})


def _check_door(config: Config, fetch_json: Fetch) -> Iterator[Check]:
    """Ask ourselves by the public address: a proxy that hands on another Host locks everybody out."""
    if config.sandbox or is_loopback(urlsplit(config.base_url).hostname or ""):
        return
    try:
        fetch_json(f"{config.base_url}/api/openapi.json", None)
    except (OSError, ValueError) as error:
        is_renamed = isinstance(error, urllib.error.HTTPError) and error.code == HTTP_STATUS["wrong_host"]
        facts = {"url": config.base_url, "why": _describe_error(error)}
        yield Check(
            "door",
            Health.BROKEN if is_renamed else Health.NOTICE,
            "door_renamed" if is_renamed else "door_silent",
            facts,
        )
        return
    yield Check("door", Health.OK, "door", {"url": config.base_url})


def _check_state(config: Config) -> Iterator[Check]:
    """Marks beside the data are lost, or put back, together with it (FD13)."""
    if not config.sandbox and is_state_beside_data(config):
        yield Check("state", Health.NOTICE, "state_beside_data", {"folder": str(config.state)})


async def _check_storage(config: Config) -> list[Check]:
    """Ask before the database is opened: that hides a missing `-wal` (FD14)."""
    codes, free = await list_storage_codes(config)
    facts = {"free": free}
    found = [Check("storage", Health.BROKEN if c in BROKEN else Health.NOTICE, f"storage_{c}", facts) for c in codes]
    return found or [Check("storage", Health.OK, "storage", facts)]


async def _check_database(config: Config) -> Check:
    kind = config.resolved_database_url.partition(":")[0]
    try:
        found = await read_schema_state(config)
    except Refused as refused:
        return Check("database", Health.BROKEN, refused.code)
    except Exception as error:  # any engine's error: report that the database cannot be reached
        return Check("database", Health.BROKEN, "database_gone", {"kind": kind, "why": type(error).__name__})
    if found.word in ("ahead", "behind"):
        facts = {"there": found.version, "ours": found.ours}
        return Check("database", Health.BROKEN, f"database_{found.word}", facts)
    if found.word:
        return Check("database", Health.NOTICE, f"database_{found.word}", {"kind": kind, "version": found.version})
    return Check("database", Health.OK, "database", {"kind": kind, "version": found.version})


async def _check_scanner(scanner: FileScanner | None) -> Check:
    """Let it judge a plain file and the one that every scanner finds: whoever finds all or nothing scans nothing (XS13)."""
    if scanner is None:
        return Check("scanner", Health.OK, "absent")
    try:
        plain, infected = await scanner.scan(PLAIN_FILE), await scanner.scan(build_test_file())
    except ScannerAway as away:
        return Check("scanner", Health.BROKEN, "scanner_silent", {"why": away.code})
    if plain.found is not None:
        return Check("scanner", Health.BROKEN, "scanner_strict", {"found": plain.found})
    if infected.found is None:
        return Check("scanner", Health.BROKEN, "scanner_blind")
    return Check("scanner", Health.OK, "scanner", {"found": infected.found})


def _check_calendar(today: date, end: date) -> Check:
    """Warn 60 days before the calendar ends, and in December while next year is missing (readings §4)."""
    facts = {"end": end.isoformat(), "days": (end - today).days}
    if end < today:
        return Check("calendar", Health.BROKEN, "calendar_over", facts)
    if is_calendar_short(today, end):
        return Check("calendar", Health.NOTICE, "calendar_ends", facts)
    return Check("calendar", Health.OK, "calendar", facts)


def _check_people(units: int, people: int) -> Check:
    health = Health.OK if units and people else Health.NOTICE
    return Check("people", health, "people" if health is Health.OK else "nobody", {"units": units, "people": people})


async def _check_drivers(config: Config, family: Family, build: Callable[[Config], list[Driver]]) -> list[Check]:
    """Let every chosen driver ask its provider; in a rehearsal there is nothing to ask unless it has its own address."""
    try:
        modules = choose_drivers(config, family)
        asked = [one.name for one in modules if not config.sandbox or config.drivers.get(one.name, {}).get("api_url")]
        drivers = build(config) if asked else []
    except Refused as refused:
        return [Check(family, Health.BROKEN, "refused", {"code": refused.code, **refused.facts})]
    found: list[Check] = []
    for driver in drivers:
        found += await driver.examine() if driver.name in asked else []
        with contextlib.suppress(Exception):
            await driver.close()
    return found or [_report_absent(family, config.sandbox)]


async def _check_lines(config: Config) -> list[Check]:
    """Check the telephone and SMS; a provider of both says the same but once."""
    voice = await _check_drivers(config, "voice", lambda one: [*build_carriers(one).carriers])
    return voice + [
        one for one in await _check_drivers(config, "sms", lambda c: [*build_gateways(c).gateways]) if one not in voice
    ]


def _report_absent(name: str, sandbox: bool) -> Check:
    return Check(name, Health.OK if sandbox else Health.NOTICE, "rehearsed" if sandbox else "absent")


def _describe_error(error: Exception) -> str:
    """Return the code of an error, a text `why.…`, without its URL, which may hold a token."""
    if isinstance(error, urllib.error.HTTPError):
        return f"http {error.code}"
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return next((code for kind, code in _CAUSES.items() if isinstance(reason, kind)), "unreachable")


def describe_check(texts: Texts, check: Check) -> str:
    """Return the sentence of a check: what is the matter and what to do."""
    if check.what == "refused":
        return texts.render_refusal(check.facts["code"], check.facts)
    facts = dict(check.facts)
    if "why" in facts:
        facts["why"] = describe_cause(texts, facts["why"])
    for name in ("profile", "given"):
        if name in facts:
            facts[name] = word_value(texts, CHOOSING, facts[name])
    if facts.get("found") == "?":  # a scanner that names nothing
        facts["found"] = ""
    return texts.render(f"cli.check.{check.what}", **facts)


@click.command(help=get_texts().render("cli.help.doctor"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def doctor(as_json: bool) -> int:
    """Exit status 1 if any check is broken."""
    silence_logs()
    checks = run_async(run_checks(load_config()))
    results = []
    for check in checks:
        text = describe_check(get_texts(), check)
        results.append({"check": check.name, "health": str(check.health), "message": text})
        label, name = get_texts().render(f"cli.health.{check.health}"), get_texts().render(f"cli.checked.{check.name}")
        click.echo(f"{label}  {name}  {text}", err=as_json)
    if as_json:
        print_json(results)
    return 1 if any(check.health is Health.BROKEN for check in checks) else 0
