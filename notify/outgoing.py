"""Outgoing addresses: https and public unless named; checked at the start, and again whenever a socket is made (XS9)."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: scheme → whether what goes by it is read by nobody on the way
_SCHEMES: Final = {"http": False, "https": True, "icap": False, "icaps": True}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: What `aiohttp.TCPConnector(socket_factory=…)` is given: family, type, protocol, canonical name, socket address.
AddrInfo = tuple[Any, Any, int, str, tuple[Any, ...]]
#: IPv6 networks whose last four bytes are an IPv4 address that a gateway connects to.
_TRANSLATED: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))

#: Networks of protocols that some versions of Python count as public.
_PROTOCOLS: Final = ipaddress.IPv4Network("192.0.0.0/24")


class AddressRefused(OSError):
    """A name led to an address that must not be connected to."""


class Outgoing:
    """What may be connected to for one configured URL ("": the provider's own) with `JIESU_OUTGOING_ALLOW`.

    `allow` names hosts and networks by commas; they may be private and without https. A loopback literal in `url` was
    written by whoever runs the machine, so it is as good as named.
    """

    def __init__(self, url: str = "", allow: str = "") -> None:
        self._url = url
        self._parts = urlsplit(url)
        named = [one.strip().lower() for one in allow.split(",") if one.strip()]
        networks = {one: _parse_network(one) for one in named}
        self._networks = [network for network in networks.values() if network is not None]
        host = (self._parts.hostname or "").lower()
        literal = _parse_address(host)
        own_machine = host == "localhost" or (literal is not None and literal.is_loopback)
        self._own_machine = own_machine
        self._host_named = host in [one for one, network in networks.items() if network is None]
        self._literal = literal

    def check(self) -> bool:
        """Return whether the URL may be configured: https without user information, a name or a public address."""
        if not self._url:
            return True
        parts = self._parts
        if parts.scheme not in _SCHEMES or not parts.hostname or "@" in parts.netloc:
            return False
        if self._own_machine or self._host_named:
            return True
        if self._literal is not None and self._is_named(self._literal):
            return True
        return _SCHEMES[parts.scheme] and (self._literal is None or is_public(self._literal))

    def permits(self, address: Address) -> bool:
        """Return whether a socket may be made to this address."""
        if self._host_named or self._is_named(address):
            return True
        return address.is_loopback if self._own_machine else is_public(address)

    def _is_named(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._networks)

    @property
    def socket_factory(self) -> Callable[[AddrInfo], socket.socket]:
        """Return a maker of sockets that raises AddressRefused, whatever a name was resolved to."""

        def make_socket(info: AddrInfo) -> socket.socket:
            family, kind, protocol, _, (host, *_) = info
            address = _parse_address(str(host).partition("%")[0])
            if address is None or not self.permits(address):
                raise AddressRefused("address_refused")
            return socket.socket(family, kind, protocol)

        return make_socket


def is_public(address: Address) -> bool:
    """Return whether this is an address of the public Internet; embedded IPv4 addresses count as themselves."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in network for network in _TRANSLATED):
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    elif address in _PROTOCOLS:
        return False
    return address.is_global and not address.is_multicast


def _parse_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _parse_network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
