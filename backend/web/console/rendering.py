"""Renders pages: texts from the catalogue, everything escaped, times in everyday format (FR8)."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.spoken_time import format_time
from backend.domain.time_words import format_time_left
from backend.ports.keys import Session
from backend.rooms import Rooms
from backend.web.asked import ROOMS
from backend.web.console.menu import drawn

HERE = Path(__file__).parent
STATIC = "/static"
#: The signed-in actor and session, kept on the request.
SEATED = web.RequestKey("seated", tuple[Actor, Session])


def set_up(app: web.Application) -> None:
    """Set up the templates, with autoescaping."""
    environment = aiohttp_jinja2.setup(
        app, loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    rooms = app[ROOMS]
    environment.globals.update(t=_said(rooms), static=STATIC)
    environment.filters.update(
        word=lambda value, group: _word(rooms, group, value), when=lambda value: _when(rooms, value),
        left=lambda value: _left(rooms, value), noted=lambda value: _noted(rooms, value),
    )  # fmt: skip


def _said(rooms: Rooms) -> Any:
    def t(key: str, /, **facts: Any) -> str:
        return rooms.catalogue.render(f"console.{key}", **facts)

    return t


def _word(rooms: Rooms, group: str, value: Any) -> str:
    return "" if value is None or value == "" else rooms.catalogue.get_word_or_value(group, str(value))


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else value or None


def _when(rooms: Rooms, value: Any) -> str:
    at = _moment(value)
    language = rooms.catalogue.language.partition("_")[0]
    return "" if at is None else format_time(at, rooms.clock.now(), language, rooms.clock.zone)


def _noted(rooms: Rooms, note: str) -> str:
    """Return a visit's note with its leading codes in words."""
    codes, rest = [], note
    while rest and rooms.catalogue.has(f"word.visit_note.{rest.split(maxsplit=1)[0]}"):
        code, _, rest = rest.partition(" ")
        codes.append(rooms.catalogue.render(f"word.visit_note.{code}"))
    return "　".join([*codes, rest]).strip()


def _left(rooms: Rooms, value: Any) -> str:
    at, now = _moment(value), rooms.clock.now()
    if at is None:
        return ""
    if at <= now:
        return rooms.catalogue.render("console.late")
    return rooms.catalogue.render("console.left", span=format_time_left(rooms.catalogue, at - now))


def page(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> web.Response:
    """Render a page with the signed-in actor and the menu."""
    seated = request.get(SEATED)
    base = {
        "actor": seated[0] if seated else None, "csrf": seated[1].csrf if seated else "", "here": request.path,
        "language": request.app[ROOMS].catalogue.language.replace("_", "-"),
        "menu": drawn(seated[0] if seated else None, request.path),
    }  # fmt: skip
    return aiohttp_jinja2.render_template(template, request, {**base, **(context or {})}, status=status)
