"""Renders pages: texts from the catalogue, everything escaped, times in everyday format (FR8)."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.causes import describe_dial, describe_failure
from backend.domain.setting_words import word_scheme, word_value
from backend.domain.spoken_time import format_time
from backend.domain.ticket_enums import Grade, Outcome, State
from backend.domain.time_words import format_time_left
from backend.ports.web import Session
from backend.services import Services
from backend.web.console.menu import build_menu
from backend.web.console.move_facts import list_facts
from backend.web.request import SERVICES

CONSOLE_FOLDER = Path(__file__).parent
STATIC = "/static"
SHOWN = ("read_only", "disk_full", "disk_nearly_full", "scanner_away")  # conditions that each page tells
#: The signed-in actor and session, kept on the request.
SIGNED_IN = web.RequestKey("seated", tuple[Actor, Session])
#: What the form did that led to this page.
RESULT = web.RequestKey("result", str)


def set_up(app: web.Application) -> None:
    """Set up the templates, with autoescaping."""
    environment = aiohttp_jinja2.setup(
        app, loader=jinja2.FileSystemLoader(CONSOLE_FOLDER / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    services = app[SERVICES]
    environment.tests.update(
        urgent=lambda grade: Grade(grade).is_urgent, unsigned=lambda state: State(state).is_unsigned,
        late=lambda outcome: Outcome(outcome).is_late, void=lambda outcome: Outcome(outcome).is_void,
    )  # fmt: skip
    environment.globals.update(t=_make_t(services), static=STATIC)
    environment.filters.update(
        word=lambda value, group: _format_word(services, group, value), when=lambda value: _format_time(services, value),
        left=lambda value: _format_time_left(services, value), noted=lambda value: _format_note(services, value),
        failure=lambda value: describe_failure(services.texts, value) if value else "",
        dial=lambda made: describe_dial(services.texts, made["outcome"], made["status"]),
        setting=lambda value, key: word_value(services.texts, key, str(value)),
        scheme=lambda value: word_scheme(services.texts, value) if value else "",
        facts=lambda words, unit_names: list_facts(services.texts, words, unit_names, lambda at: _format_time(services, at)),
        answers=lambda counts: services.texts.render("score.answers", **counts),
    )  # fmt: skip


def _make_t(services: Services) -> Any:
    def t(key: str, /, **facts: Any) -> str:
        return services.texts.render(f"console.{key}", **facts)

    return t


def _format_word(services: Services, group: str, value: Any) -> str:
    return "" if value is None or value == "" else services.texts.get_word_or_value(group, str(value))


def _parse_time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else value or None


def _format_time(services: Services, value: Any) -> str:
    at = _parse_time(value)
    language = services.texts.language.partition("_")[0]
    return "" if at is None else format_time(at, services.clock.now(), language, services.clock.zone)


def _format_note(services: Services, note: str) -> str:
    """Return a visit's note with its leading codes in words."""
    codes, rest = [], note
    while rest and services.texts.has(f"word.visit_note.{rest.split(maxsplit=1)[0]}"):
        code, _, rest = rest.partition(" ")
        codes.append(services.texts.render(f"word.visit_note.{code}"))
    return "　".join([*codes, rest]).strip()


def _format_time_left(services: Services, value: Any) -> str:
    at, now = _parse_time(value), services.clock.now()
    if at is None:
        return ""
    if at <= now:
        return services.texts.render("console.late")
    return services.texts.render("console.left", span=format_time_left(services.texts, at - now))


def render_page(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> web.Response:
    """Render a page with the signed-in actor and the menu."""
    seated = request.get(SIGNED_IN)
    base = {
        "actor": seated[0] if seated else None, "csrf": seated[1].csrf if seated else "", "here": request.path,
        "language": request.app[SERVICES].texts.language.replace("_", "-"),
        "conditions": [code for code in request.app[SERVICES].list_conditions() if code in SHOWN],
        "held": request.app[SERVICES].holds.current is not None, "done": request.get(RESULT, ""),
        "menu": build_menu(seated[0] if seated else None, request.path), "has_home": True,
    }  # fmt: skip
    return render_template(request, template, {**base, **(context or {})}, status)


def render_template(request: web.Request, template: str, context: Mapping[str, Any], status: int) -> web.Response:
    """Render a template with nothing of the console around it."""
    return aiohttp_jinja2.render_template(template, request, context, status=status)
