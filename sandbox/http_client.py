"""The simulator's HTTP client: one request out; status, content type and body back."""

from collections.abc import Awaitable, Callable

import aiohttp
from yarl import URL

MAX_ANSWER_BYTES = 1024 * 1024
#: method, address, headers, body, time limits → status, content type, body
SendRequest = Callable[[str, str, dict[str, str], bytes, aiohttp.ClientTimeout], Awaitable[tuple[int, str, bytes]]]


class HttpClient:
    """Calls the product at its public address; `reach` replaces that address where only a loopback one exists."""

    def __init__(self, public_url: str, reach_url: str | None, http: aiohttp.ClientSession | None) -> None:
        self._public = public_url.rstrip("/")
        self._reach_url = None if reach_url is None else reach_url.rstrip("/")
        self._http = http
        self._owns_session = http is None

    async def open(self) -> None:
        """Create a session if none was given."""
        if self._http is None:
            connector = aiohttp.TCPConnector(limit=200)
            self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close the session if it is ours."""
        if self._owns_session and self._http is not None:
            await self._http.close()
            self._http = None

    async def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes, seconds: aiohttp.ClientTimeout
    ) -> tuple[int, str, bytes]:
        """Send one request; return status, content type and body. Raises aiohttp.ClientError or TimeoutError."""
        if self._http is None:
            raise aiohttp.ClientError("the simulator is closed")
        if self._reach_url is not None and url.startswith(self._public):
            url = self._reach_url + url.removeprefix(self._public)
        target = URL(url, encoded=True)
        data = body if method == "POST" else None
        async with self._http.request(
            method, target, headers=headers, data=data, timeout=seconds, allow_redirects=False
        ) as answer:
            return answer.status, answer.content_type, await answer.content.read(MAX_ANSWER_BYTES)

    async def post(
        self, url: str, headers: dict[str, str], body: bytes, seconds: aiohttp.ClientTimeout
    ) -> tuple[int, str, bytes]:
        """Send a POST, as the chat network sends updates."""
        return await self.request("POST", url, headers, body, seconds)
