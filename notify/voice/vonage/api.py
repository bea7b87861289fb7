"""Requests to Vonage's REST API: one try each, a real time limit, one mapping of errors (FW14-FW17, FW23)."""

import json
from collections.abc import Callable, Mapping

import aiohttp

from notify.attempt import build_trace_config, track_request
from notify.channel import DeliveryError, FailureKind
from notify.outgoing import Outgoing
from notify.plain_text import redact
from notify.voice.vonage.events import Fields, Object

API_URL = "https://api.nexmo.com"
REQUEST_SECONDS, CONNECT_SECONDS = 10.0, 5.0
#: bytes read of a response; seconds to wait when a 429 does not say how long
ANSWER_LIMIT, THROTTLE_SECONDS = 1 << 20, 1.0


class VonageApi:
    """The API at one base URL; the session opens with the first request."""

    def __init__(self, url: str, sign: Callable[[], str], *, allow: str = "", seconds: float = REQUEST_SECONDS) -> None:
        self._base = (url or API_URL).rstrip("/")
        self._sign = sign
        self._outgoing = Outgoing(url.rstrip("/"), allow)
        self._limits = aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS)
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self, method: str, path: str, *, body: Object | None = None, query: Mapping[str, str] | None = None
    ) -> Fields:
        """Make one request, once; {} for an answer without content. Raises DeliveryError; a POST in doubt is ambiguous."""
        doubtful = method == "POST"
        with track_request() as sent:
            try:
                status, headers, raw = await self._send(method, path, body, query)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                kind: FailureKind = "ambiguous" if doubtful and sent.connected else "transient"
                raise DeliveryError(kind, "network", redact(f"{type(error).__name__} {error}")) from None
        found = _parse(raw)
        if 200 <= status < 300:
            if found is None and raw:
                raise DeliveryError("ambiguous" if doubtful else "transient", "unreadable", "unreadable answer")
            return found or {}
        raise to_error(status, headers.get("Retry-After"), found or {}, doubtful=doubtful)

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(
        self, method: str, path: str, body: Object | None, query: Mapping[str, str] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(limit=100, socket_factory=self._outgoing.socket_factory)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._limits,
                trace_configs=[build_trace_config()],
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        headers = {"Authorization": f"Bearer {self._sign()}"}
        async with self._session.request(
            method, f"{self._base}{path}", json=body, params=query, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, answer.headers, await answer.content.read(ANSWER_LIMIT)


def to_error(status: int, retry_after: str | None, found: Object, *, doubtful: bool) -> DeliveryError:
    """Return the error of an answer: 429 was not accepted, 5xx may have been, the rest is permanent.

    A refused `to` is `invalid_to`: that number can never be called (FW23).
    """
    named = found.get("invalid_parameters")
    named = named if isinstance(named, dict) else {}
    title = str(found.get("type") or found.get("error_title") or "").rstrip("/").rpartition("/")[2].rpartition("#")[2]
    code = "invalid_to" if any(str(name).startswith("to") for name in named) else title[:40] or f"http_{status}"
    words = redact(str(found.get("detail") or found.get("title") or found.get("error_title") or ""))
    if status == 429:
        try:
            wait = min(max(float(retry_after or ""), 0.1), 86_400.0)
        except ValueError:
            wait = THROTTLE_SECONDS
        return DeliveryError("throttled", code, words, retry_after=wait)
    if status in (401, 403):
        return DeliveryError("permanent", "auth" if status == 401 else code, words)
    if status >= 500:
        return DeliveryError("ambiguous" if doubtful else "transient", code, words)
    return DeliveryError("permanent", code, words)


def _parse(raw: bytes) -> Fields | None:
    try:
        found = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
