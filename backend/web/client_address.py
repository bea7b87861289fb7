"""Where a request comes from: the peer, or what a trusted proxy says of it (XS5)."""

import ipaddress
from collections.abc import Iterable

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddresses:
    """`proxies`: networks of proxies whose header is believed; `header`: the one they add to, as X-Forwarded-For.

    Raises ValueError for what is no network.
    """

    def __init__(self, proxies: Iterable[str] = (), header: str = "X-Forwarded-For") -> None:
        self._proxies: list[Network] = [ipaddress.ip_network(one, strict=False) for one in proxies]
        self._header = header

    def find(self, request: web.Request) -> str:
        """Return the address of who asks; "" where it cannot be told: behind a proxy that nobody named."""
        peer = _read(request.remote or "")
        if peer is None:
            return ""
        if not self._proxies:
            return str(peer) if peer.is_global or peer.is_loopback else ""
        said = [part for value in request.headers.getall(self._header, []) for part in value.split(",")]
        chain = [*(_read(part) for part in said), peer]
        for address in reversed(chain):
            if address is None:
                return ""
            if not any(address in network for network in self._proxies):
                return str(address)
        return str(chain[0] or "")


def _read(written: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(written.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


CLIENT_ADDRESSES = web.AppKey("client_addresses", ClientAddresses)
