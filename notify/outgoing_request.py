"""Requests to an address of the configuration that is no provider's: an alarm URL, a dead-man's switch (XS9)."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from notify.channel import DeliveryError
from notify.outgoing import Outgoing

REQUEST_SECONDS = 10.0


class OutgoingRequests:
    """Requests to one configured URL; each raises DeliveryError unless it was answered with 2xx."""

    def __init__(self, url: str, allow: str = "", *, request_seconds: float = REQUEST_SECONDS) -> None:
        self._url = url
        self._outgoing = Outgoing(url, allow)
        self._seconds = request_seconds

    async def get(self, ending: str = "") -> None:
        """Request the URL with `ending` appended to its path."""
        await self._request("GET", self._url.rstrip("/") + ending, None)

    async def post(self, document: Mapping[str, Any]) -> None:
        """Post a JSON document to the URL."""
        await self._request("POST", self._url, document)

    async def _request(self, method: str, url: str, document: Mapping[str, Any] | None) -> None:
        connector = aiohttp.TCPConnector(socket_factory=self._outgoing.socket_factory)
        timeout = aiohttp.ClientTimeout(total=self._seconds)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(method, url, json=document, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DeliveryError("transient", "network", type(error).__name__) from None
        if not 200 <= status < 300:
            raise DeliveryError("permanent", str(status))
