"""HTTP client for Twilio: pooled, with a real time limit, never a second POST, and one error mapping (FW14-FW17).

Twilio's own async client keeps its last response on itself, ignores time-outs and can repeat a POST: responses get
mixed up and people are called twice. This one keeps nothing between requests.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from notify.attempt import build_trace_config, track_request
from notify.channel import DeliveryError, FailureKind
from notify.outgoing import Outgoing
from notify.plain_text import redact

#: seconds one request may take in all, and to get a connection (FW17)
REQUEST_SECONDS, CONNECT_SECONDS = 10.0, 5.0
#: bytes read of a response
ANSWER_LIMIT = 1 << 20
#: seconds to wait when a 429 does not say how long
THROTTLE_SECONDS = 1.0
CONNECTIONS = 100

# Twilio's own logger prints every URL with its phone numbers at INFO (G23).
_silent = logging.Logger("notify.twilio", logging.CRITICAL + 1)


class PooledHttpClient(AsyncHttpClient):  # type: ignore[misc]
    """twilio's client interface over one aiohttp session; raises DeliveryError for everything but success.

    `api_url` replaces scheme and host of the REST API and may have a path of its own; `allow` names private addresses
    (`notify.outgoing`). The session opens with the first request, so building one needs no running loop.
    """

    def __init__(
        self,
        api_url: str | None = None,
        *,
        allow: str = "",
        request_seconds: float = REQUEST_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        connections: int = CONNECTIONS,
    ) -> None:
        super().__init__(_silent, True, request_seconds)
        self._base = (api_url or "").rstrip("/")
        self._limits = aiohttp.ClientTimeout(total=request_seconds, connect=connect_seconds)
        self._connections = connections
        self._outgoing = Outgoing(self._base, allow)
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - twilio's signature; ours is in the session
        allow_redirects: bool = False,
    ) -> Response:
        """Make one request, once. Raises DeliveryError; a POST with unknown outcome is ambiguous (FW14, FW15)."""
        doubtful = method.upper() == "POST"
        with track_request() as sent:
            try:
                async with self._get_session().request(
                    method.upper(),
                    self._resolve_url(uri),
                    params=_flatten(params),
                    data=urlencode(_flatten(data), encoding="utf-8", errors="replace") if data else None,
                    headers={**(headers or {}), **_build_auth_header(auth)},
                    allow_redirects=False,
                ) as answer:
                    raw = bytearray()
                    async for chunk in answer.content.iter_any():
                        raw += chunk
                        if len(raw) > ANSWER_LIMIT:
                            break
                    body = raw.decode("utf-8", "replace")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                kind: FailureKind = "ambiguous" if doubtful and sent.connected else "transient"
                words = redact(f"{type(error).__name__} {error}", *(auth or ()))
                raise DeliveryError(kind, "network", words) from None
        if failed := to_response_error(answer.status, answer.headers, body, must_not_repeat=doubtful):
            raise failed
        return Response(answer.status, body, answer.headers)

    async def close(self) -> None:
        """Close the pool; a later request opens a new one."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _get_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, socket_factory=self._outgoing.socket_factory),
                timeout=self._limits,
                trace_configs=[build_trace_config()],
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _resolve_url(self, uri: str) -> str:
        if not self._base:
            return uri
        parts = urlsplit(uri)
        return f"{self._base}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def to_response_error(
    status: int, headers: Mapping[str, str], body: str, *, must_not_repeat: bool
) -> DeliveryError | None:
    """Return the error of an HTTP response, None for success (FW15, FW23); `must_not_repeat`: it may have been accepted.

    4xx is permanent, under Twilio's own code (21211, 13224, 21610 …); 429 was not accepted and may be retried;
    a 5xx may have been accepted.
    """
    if 200 <= status < 300:
        return None
    try:
        body_fields = json.loads(body)
    except ValueError:
        body_fields = None
    body_fields = body_fields if isinstance(body_fields, dict) else {}
    code, words = str(body_fields.get("code") or f"http_{status}"), redact(body_fields.get("message") or "")
    if status == 429:
        return DeliveryError("throttled", code, words, retry_after=_parse_seconds(headers.get("Retry-After")))
    if status == 401:
        return DeliveryError("permanent", "auth", words)
    if status >= 500:
        return DeliveryError("ambiguous" if must_not_repeat else "transient", code, words)
    return DeliveryError("permanent", code, words)


def to_delivery_error(error: BaseException) -> DeliveryError:
    """Return the DeliveryError for any exception of the twilio client.

    A success response that twilio cannot read is ambiguous: something was accepted.
    """
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, (ValueError, TypeError, KeyError, AttributeError, TwilioException)):
        return DeliveryError("ambiguous", "unreadable", "unreadable answer")
    return DeliveryError("permanent", "unsendable", type(error).__name__)


def make_client(account: str, token: str, http: PooledHttpClient) -> Any:
    """Build twilio's REST client over our connection, without its own environment variables."""
    # an empty mapping would make it read os.environ (TWILIO_EDGE, TWILIO_REGION)
    return Client(account, token, http_client=http, environment={"TWILIO_EDGE": ""})


def _flatten(fields: Mapping[str, object] | None) -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for name, value in (fields or {}).items():
        flat += [(name, str(one)) for one in (value if isinstance(value, (list, tuple)) else [value])]
    return flat


def _build_auth_header(auth: tuple[str, str] | None) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {}


def _parse_seconds(said: str | None) -> float:
    try:
        return min(max(float(said or ""), 0.1), 86_400.0)
    except ValueError:
        return THROTTLE_SECONDS
