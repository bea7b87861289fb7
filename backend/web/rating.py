"""The page on which a requester rates, at `/rate/TOKEN`: no sign-in, no cookie, no script, nothing personal (XM30)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from backend.domain.rating_page import MAX_REASON, PageState, list_questions
from backend.domain.refusals import Refused
from backend.visits.rating_pages import PATH
from backend.web.body import BodyTimeout, check_charset, read_bytes, strip_unstorable
from backend.web.console.rendering import render_template
from backend.web.errors import get_status, localize_facts, word_refusal
from backend.web.identity import Guesses
from backend.web.request import REQUEST_ID, SERVICES

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 16 * 1024  # a reason of full length is a third of it, percent-encoded
MAX_FIELDS = 20
METHODS = ("GET", "HEAD", "POST")
#: Wrong addresses, counted by who sends them. A right one is never held up by the wrong ones of others.
RATING_GUESSES = web.AppKey("rating_guesses", Guesses)
GUESSES, GUESS_SECONDS = 30, 60.0
HEADERS = {
    "Referrer-Policy": "no-referrer",  # the address is the secret
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}
#: Refusal → which page says so; any other is told in its own sentence. What is sent after an answer is not thanked for.
PAGES = {"not_found": "unknown", "rating_ended": "ended", "rating_answered": "late"}
CORRECTABLE = ("rating_incomplete", "rating_too_long")


async def serve(request: web.Request) -> web.StreamResponse:
    """GET shows the page and changes nothing; POST takes the answers and sends the browser back to it (303).

    404 for an address that never was or has expired, 409 when it was answered, 410 when the visit is over otherwise,
    422 with the form when an answer lacks, 429 after many wrong addresses.
    """
    if request.method not in METHODS:
        raise web.HTTPMethodNotAllowed(request.method, METHODS)
    try:
        return await (_take(request) if request.method == "POST" else _show(request))
    except Refused as refused:
        if refused.code != "not_found":
            raise
        guesses, address = request.app[RATING_GUESSES], request.remote or ""
        if guesses.is_blocked(address):
            raise Refused("too_many") from None
        guesses.record_failure(address)
        raise


async def _show(request: web.Request) -> web.Response:
    state, until = await request.app[SERVICES].visits.pages.open(request.match_info["token"])
    if state is PageState.ENDED:
        raise Refused("rating_ended")
    return _render(request, "thanks") if state is PageState.ANSWERED else _render_form(request, until)


async def _take(request: web.Request) -> web.Response:
    pages, token, fields = request.app[SERVICES].visits.pages, request.match_info["token"], await _read_form(request)
    try:
        await pages.answer(token, fields)
    except Refused as refused:
        if refused.code not in CORRECTABLE:
            raise
        _, until = await pages.open(token)
        return _render_form(request, until, fields, refused)
    return _keep_secret(web.Response(status=303, headers={"Location": request.path}))


async def _read_form(request: web.Request) -> dict[str, str]:
    """Return the fields of the form. Refused `bad_request`, `too_large`; or BodyTimeout."""
    check_charset(request)
    if request.content_type != FORM_TYPE:
        raise Refused("bad_request", reason="content_type")
    body = await read_bytes(request, MAX_FORM_BYTES)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Refused("bad_request") from None
    if len(dict(pairs)) != len(pairs):
        raise Refused("bad_request")
    return {name: strip_unstorable(value) for name, value in pairs}


def _render_form(
    request: web.Request, until: datetime, given: Mapping[str, str] | None = None, refused: Refused | None = None
) -> web.Response:
    """Render the questions; after a refusal with its sentence, as they were answered."""
    more: dict[str, Any] = {"fault": "", "lacking": ""}
    if refused is not None:
        more = {"fault": word_refusal(request, refused), "lacking": refused.facts["field"]}
    status = 200 if refused is None else get_status(refused.code)
    return _render(
        request, "form", status, until=until, questions=list_questions(), given=given or {}, most=MAX_REASON, **more
    )


def render_refusal(request: web.Request, refused: Refused, error: Exception) -> web.Response:
    """Render a refusal as a plain page; nothing of the console is on it."""
    status = error.status if isinstance(error, web.HTTPException) else get_status(refused.code)
    name = PAGES.get(refused.code, "other")
    facts = {**localize_facts(refused.facts, request.app[SERVICES].clock.zone), "request_id": request[REQUEST_ID]}
    said = request.app[SERVICES].texts.render_refusal(refused.code, facts, first="rating.refusal")
    page = _render(request, name, status, fault=said)
    if isinstance(error, web.HTTPMethodNotAllowed):
        page.headers["Allow"] = error.headers["Allow"]
    if isinstance(error, BodyTimeout) or status == 413:
        page.force_close()
    return page


def _render(request: web.Request, page: str, status: int = 200, **facts: Any) -> web.Response:
    services = request.app[SERVICES]

    def say(key: str, **values: Any) -> str:
        return services.texts.render(f"rating.{key}", **values)

    pages, language = services.visits.pages, services.texts.language.replace("_", "-")
    context = {"page": page, "say": say, "language": language, "hotline": pages.hotline, "name": pages.hotline_name}
    return _keep_secret(render_template(request, "rating.html", {**context, **facts}, status))


def _keep_secret(answer: web.Response) -> web.Response:
    answer.headers.update(HEADERS)
    return answer


def add_routes(app: web.Application) -> None:
    """Add this route, for every method: one that is not ours is refused in the page's own way."""
    app[RATING_GUESSES] = Guesses(GUESSES, GUESS_SECONDS, app[SERVICES].clock.monotonic)
    app.router.add_route("*", f"{PATH}{{token}}", serve)
