"""Requests to Mattermost's REST API v4: one try each, a real time limit, one mapping of errors (FT23-FT25)."""

import asyncio
import json
from collections.abc import Mapping

import aiohttp

from notify.attempt import build_trace_config, track_request
from notify.channel import DeliveryError, FailureKind
from notify.chat.mattermost.errors import to_delivery_error
from notify.chat.mattermost.fields import Fields
from notify.outgoing import Outgoing
from notify.plain_text import redact

REQUEST_SECONDS, CONNECT_SECONDS = 15.0, 5.0
#: bytes read of an answer; seconds a whole download may take; seconds between two pings of the stream
ANSWER_LIMIT, FILE_SECONDS, HEARTBEAT_SECONDS = 8 << 20, 60.0, 30.0
#: bytes of one message of the stream
FRAME_LIMIT = 4 << 20


class MattermostApi:
    """The API of one server for one bot account; the session opens with the first request."""

    def __init__(self, url: str, token: str, *, allow: str = "", seconds: float = REQUEST_SECONDS) -> None:
        self._base = f"{url.rstrip('/')}/api/v4"
        self.token = token
        self._outgoing = Outgoing(url, allow)
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None
        self._me: Fields | None = None

    async def get_me(self) -> Fields:
        """Return our own account, asked for once. Raises DeliveryError."""
        if self._me is None:
            self._me = await self.request("GET", "/users/me")
        return self._me

    async def request(
        self,
        method: str,
        path: str,
        body: Fields | None = None,
        *,
        form: aiohttp.FormData | None = None,
        doubtful: bool = False,
    ) -> Fields:
        """Make one request for an object. `doubtful`: done twice, it is two messages. Raises DeliveryError."""
        found = await self._parse(method, path, body, form, doubtful=doubtful)
        if not isinstance(found, dict):
            raise DeliveryError("ambiguous" if doubtful else "transient", "unreadable", "no object")
        return found

    async def list(self, path: str) -> list[Fields]:
        """Make one request for a list of objects. Raises DeliveryError."""
        found = await self._parse("GET", path, None, None, doubtful=False)
        if not isinstance(found, list):
            raise DeliveryError("transient", "unreadable", "no list")
        return [one for one in found if isinstance(one, dict)]

    async def download(self, path: str, limit: int) -> bytes:
        """Download a file of at most `limit` bytes. Raises DeliveryError, `too_large` for more."""
        got = bytearray()
        with track_request():
            try:
                timeout = aiohttp.ClientTimeout(total=FILE_SECONDS, sock_read=self._seconds, connect=CONNECT_SECONDS)
                async with self._open("GET", path, timeout=timeout) as answer:
                    if answer.status != 200:
                        body = await answer.content.read(ANSWER_LIMIT)
                        error = to_delivery_error(answer.status, answer.headers, body, doubtful=False, token=self.token)
                        if error.kind == "dead_address":  # the file is gone, not the person
                            error = DeliveryError("permanent", "no_file", error.detail)
                        raise error
                    async for chunk in answer.content.iter_any():
                        got += chunk
                        if len(got) > limit:
                            raise DeliveryError("permanent", "too_large", f"more than {limit} bytes")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._to_network_error(error, "transient") from None
        return bytes(got)

    def connect(self) -> "aiohttp.client._WSRequestContextManager":
        """Open the stream of events, to be entered as a context. Raises aiohttp.ClientError, TimeoutError and OSError."""
        return self._get_session().ws_connect(
            f"{self._base}/websocket", heartbeat=HEARTBEAT_SECONDS, max_msg_size=FRAME_LIMIT
        )

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _parse(
        self, method: str, path: str, body: Fields | None, form: aiohttp.FormData | None, *, doubtful: bool
    ) -> object:
        unsure: FailureKind = "ambiguous" if doubtful else "transient"
        data = form if form is not None else None if body is None else json.dumps(body, ensure_ascii=False).encode()
        with track_request() as sent:
            try:
                async with asyncio.timeout(self._seconds), self._open(method, path, data) as answer:
                    status, headers, raw = answer.status, answer.headers, await answer.content.read(ANSWER_LIMIT)
                    while not answer.content.at_eof() and len(raw) < ANSWER_LIMIT:
                        raw += await answer.content.read(ANSWER_LIMIT - len(raw))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._to_network_error(error, unsure if sent.connected else "transient") from None
        if not 200 <= status < 300:
            raise to_delivery_error(status, headers, raw, doubtful=doubtful, token=self.token)
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            raise DeliveryError(unsure, f"http_{status}", "unreadable answer") from None

    def _to_network_error(self, error: BaseException, kind: FailureKind) -> DeliveryError:
        return DeliveryError(kind, "network", redact(f"{type(error).__name__} {error}", self.token))

    def _open(
        self,
        method: str,
        path: str,
        data: aiohttp.FormData | bytes | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> "aiohttp.client._RequestContextManager":
        headers: Mapping[str, str] = {"Authorization": f"Bearer {self.token}"}
        if isinstance(data, bytes):
            headers = {**headers, "Content-Type": "application/json"}
        limits = timeout or aiohttp.ClientTimeout(total=self._seconds, connect=CONNECT_SECONDS)
        return self._get_session().request(
            method, f"{self._base}{path}", data=data, headers=headers, timeout=limits, allow_redirects=False
        )

    def _get_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=100, socket_factory=self._outgoing.socket_factory),
                trace_configs=[build_trace_config()],
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session
