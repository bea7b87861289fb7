"""What a form did, said in one sentence on the page that follows and nowhere else; kept till then, named by a cookie."""

from contextlib import suppress
from typing import Any

from aiohttp import web

from backend.ports.availability import Unavailable
from backend.services import Services
from backend.web.console.kept_once import fetch, keep
from backend.web.console.rendering import RESULT
from backend.web.request import SERVICES

COOKIE = "jiesu_result"
MAX_AGE = 600  # seconds


def note_result(request: web.Request, key: str, /, **facts: Any) -> None:
    """Say on the page this form leads to what was done: the text `console.done.KEY` with its facts."""
    request[RESULT] = request.app[SERVICES].texts.render(f"console.done.{key}", **facts)


async def keep_note(request: web.Request, services: Services, onward: web.HTTPSeeOther) -> None:
    """Keep the sentence for the page the browser is sent to, if the form said one; what was done stands without it."""
    if not request.get(RESULT):
        return
    with suppress(Unavailable):
        onward.set_cookie(
            COOKIE, await keep(request, services, request[RESULT]), httponly=True, samesite="Strict", path="/",
            secure=services.addresses.is_secure, max_age=MAX_AGE,
        )  # fmt: skip


async def fetch_note(request: web.Request, services: Services) -> bool:
    """Have the page that is asked for show the sentence, if one waits; whether the cookie has done its work."""
    token = request.cookies.get(COOKIE, "")
    if token:
        request[RESULT], _ = await fetch(request, services, token[:100])
    return bool(token)


def forget_note(answer: web.StreamResponse) -> None:
    """Take the cookie back."""
    answer.del_cookie(COOKIE, path="/")
