"""The page a form was sent from, as the browser says: back to it, with its filters (Referrer-Policy: same-origin)."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from aiohttp import hdrs, web

from backend.web.query import read_query
from backend.web.request import SERVICES

MAX_CHARS = 2_000


def read_origin(request: web.Request) -> str:
    """Return the path and query of the page of ours that sent this request; "" if it is none or does not say."""
    written = request.headers.get(hdrs.REFERER, "")
    try:
        parts = urlsplit(written)
    except ValueError:
        return ""
    is_ours = len(written) <= MAX_CHARS and request.app[SERVICES].addresses.owns(f"{parts.scheme}://{parts.netloc}")
    if not (is_ours and parts.path.startswith("/") and not parts.path.startswith("//") and written.isprintable()):
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def keep_filters(request: web.Request, onward: str) -> str:
    """Return where to go after a form: `onward`, filtered as the page was that it was sent from, if it is the same page."""
    origin = read_origin(request)
    return origin if origin.partition("?")[0] == onward else onward


def read_filters(request: web.Request, names: Sequence[str]) -> Mapping[str, str]:
    """Return the filters of a list: asked for, or of the page on which a form was filled in that is shown again."""
    if request.method == "GET":
        return {name: value for name, value in read_query(request.query, names).items() if value}
    given = dict(parse_qsl(read_origin(request).partition("?")[2]))
    return {name: given[name][:200] for name in names if given.get(name) and given[name].isprintable()}
