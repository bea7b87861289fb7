"""Client of the external platform that holds the record: signs our requests, verifies the platform's (A7)."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp

from notify.attempt import build_trace_config, track_request
from notify.channel import DeliveryError
from notify.outgoing import Outgoing
from notify.plain_text import redact

#: seconds a request may take in all, and to get a connection
REQUEST_SECONDS, CONNECT_SECONDS = 10.0, 5.0
#: bytes read of a response
ANSWER_LIMIT = 4 << 20
TIME_HEADER, SIGN_HEADER = "X-Jiesu-Timestamp", "X-Jiesu-Signature"
#: seconds a signed request may be old, or ahead
MAX_AGE = 300


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The platform's answer about one move: confirmed, or only received and confirmed later."""

    confirmed: bool
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class DemandBatch:
    """New demands of the platform and the next cursor; `cursor` None: unchanged."""

    items: Sequence[Mapping[str, object]]
    cursor: str | None


def sign_request(secret: str, moment: int, method: str, target: str, body: bytes) -> str:
    """Sign a request: hex HMAC-SHA256 over second, method, path with query, and SHA-256 of the body."""
    signed_text = f"{moment}\n{method}\n{target}\n{hashlib.sha256(body).hexdigest()}"
    return hmac.new(secret.encode(), signed_text.encode(), hashlib.sha256).hexdigest()


def is_genuine(
    secrets: Sequence[str], headers: Mapping[str, str], method: str, target: str, body: bytes, now: int
) -> bool:
    """Whether a request was signed with one of the secrets, within five minutes of now (seconds since 1970)."""
    stamp, said = headers.get(TIME_HEADER, ""), headers.get(SIGN_HEADER, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and abs(int(stamp) - now) <= MAX_AGE):
        return False
    given = said.encode("utf-8", "surrogateescape")
    return any(
        hmac.compare_digest(sign_request(s, int(stamp), method, target, body).encode(), given) for s in secrets if s
    )


class PlatformClient:
    """Requests to the platform; each raises DeliveryError unless the platform accepted it.

    permanent: refused, and would be again. transient: not accepted or unknown – a move carries its number as
    `Idempotency-Key`, so it may be sent twice. throttled: wait `retry_after` s.
    """

    def __init__(
        self, url: str, secret: str, feed_url: str = "", allow: str = "", *, request_seconds: float = REQUEST_SECONDS
    ) -> None:
        self._url = url
        self._request_seconds = request_seconds
        self._feed = feed_url
        self._secret = secret
        self._allow = allow
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    @property
    def has_feed(self) -> bool:
        """Whether new demands are fetched from a feed."""
        return bool(self._feed)

    async def write_move(self, number: int, move: Mapping[str, object], moment: int) -> WriteResult:
        """Write one move back. 200 or 201: confirmed; 202: confirmed later."""
        body = json.dumps(move, ensure_ascii=False, separators=(",", ":")).encode()
        status, answer = await self._request("POST", self._url, body, moment, {"Idempotency-Key": str(number)})
        ref = answer.get("ref") if isinstance(answer, dict) else None
        return WriteResult(status != 202, str(ref)[:200] if ref else None)

    async def fetch_demands(self, cursor: str | None, limit: int, moment: int) -> DemandBatch:
        """Fetch demands after a cursor: `{"items": [ticket …], "next": "cursor"}`."""
        query = urlencode({"limit": limit, **({"after": cursor} if cursor else {})})
        joint = "&" if urlsplit(self._feed).query else "?"
        _, answer = await self._request("GET", f"{self._feed}{joint}{query}", b"", moment, {})
        items = answer.get("items") if isinstance(answer, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise DeliveryError("permanent", "bad_answer", "no list of items")
        after = answer.get("next")
        return DemandBatch(items, str(after) if after else None)

    async def close(self) -> None:
        """Close the connections."""
        while self._sessions:
            await self._sessions.popitem()[1].close()

    async def _request(
        self, method: str, url: str, body: bytes, moment: int, more: Mapping[str, str]
    ) -> tuple[int, Any]:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Content-Type": "application/json", TIME_HEADER: str(moment),
            SIGN_HEADER: sign_request(self._secret, moment, method, target, body), **more,
        }  # fmt: skip
        with track_request():
            try:
                async with self._get_session(url).request(
                    method, url, data=body or None, headers=headers, allow_redirects=False
                ) as answer:
                    raw = await answer.content.read(ANSWER_LIMIT)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                words = redact(f"{type(error).__name__} {error}", self._secret)
                raise DeliveryError("transient", "network", words) from None
        try:
            said = json.loads(raw) if raw else {}
        except ValueError:
            said = None
        if answer.status in (200, 201, 202) and said is not None:
            return answer.status, said
        raise _to_delivery_error(answer.status, answer.headers, said)

    def _get_session(self, url: str) -> aiohttp.ClientSession:
        """Return the session of this URL's host; what may be connected to depends on it (`notify.outgoing`)."""
        parts = urlsplit(url)
        session = self._sessions.get(parts.netloc)
        if session is None or session.closed:
            outgoing = Outgoing(f"{parts.scheme}://{parts.netloc}", self._allow)
            session = self._sessions[parts.netloc] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=outgoing.socket_factory),
                timeout=aiohttp.ClientTimeout(total=self._request_seconds, connect=CONNECT_SECONDS),
                trace_configs=[build_trace_config()],
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return session


def _to_delivery_error(status: int, headers: Mapping[str, str], said: object) -> DeliveryError:
    """Return the error of a failed response: 4xx is a refusal with the platform's text, the rest is retried."""
    error = said.get("error", said) if isinstance(said, dict) else {}
    error = error if isinstance(error, dict) else {"message": error}
    words = redact(str(error.get("message") or error.get("code") or f"HTTP {status}"))
    if status == 429:
        wait = headers.get("Retry-After", "")
        return DeliveryError("throttled", "429", words, float(wait) if wait.isdigit() else 1.0)
    if 400 <= status < 500 and status not in (401, 403, 404, 408, 425):
        return DeliveryError("permanent", str(error.get("code") or status)[:60], words)
    return DeliveryError("transient", str(status), words)
