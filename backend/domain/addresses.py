"""Names this installation is reached under, and pages that are its own: as configured, whatever a request says (FR9, XS6)."""

import ipaddress
import re
from collections.abc import Iterable

MAX_PORT = 65535
_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(?P<port>[0-9]{1,5}))?")
_WRITTEN = re.compile(r"(?P<name>\[[^\]/]*\]|[^:/?#]*)(?::(?P<port>[0-9]+))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: What a request may always say; any other loopback address is to be named.
OF_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def _split(authority: str) -> tuple[str, int | None] | None:
    """Return the host of `host` or `host:port` in one spelling, and the port; None for what is neither."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None or int(found["port"] or 0) > MAX_PORT:
        return None
    name = found["name"].lower().removesuffix(".")
    if name.startswith("["):
        try:
            name = ipaddress.IPv6Address(name[1:-1]).compressed
        except ValueError:
            return None
    return name, int(found["port"]) if found["port"] else None


def read_host(written: str) -> str | None:
    """Return a configured host in one spelling; None for anything else: an address, a port, a wildcard, a network."""
    bare = f"[{written}]" if written.count(":") > 1 and not written.startswith("[") else written
    try:
        found = _split(bare.encode("idna").decode("ascii"))
    except UnicodeError:
        return None
    return found[0] if found is not None and found[1] is None else None


def is_literal(name: str) -> bool:
    """Whether it is an address: no name, which somebody else could point at us."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether it means the machine that asks."""
    return name == "localhost" or (is_literal(name) and ipaddress.ip_address(name).is_loopback)


def is_anywhere(name: str) -> bool:
    """Whether it is the address on which one listens to be reached by all others: nobody is called so."""
    return is_literal(name) and ipaddress.ip_address(name).is_unspecified


class Addresses:
    """The host of `public_url`, `further` hosts, and those of this machine. `names`: what others may call it."""

    def __init__(self, public_url: str, further: Iterable[str] = ()) -> None:
        self.public_url = public_url.rstrip("/")
        scheme, _, rest = public_url.partition("://")
        scheme = scheme.lower()
        written = _WRITTEN.match(rest)
        self.is_secure = scheme == "https"
        self._public = (
            scheme,
            read_host(written["name"]) if written else None,
            int(written["port"]) if written and written["port"] else _DEFAULT_PORTS.get(scheme),
        )
        self._further = {name for one in further if (name := read_host(one)) is not None and not is_anywhere(name)}
        named = frozenset(name for name in (*self._further, self._public[1]) if name and not is_anywhere(name))
        self._known = named.union(OF_THIS_MACHINE)
        self.names = frozenset(name for name in named if not is_loopback(name))

    def knows(self, authority: str) -> bool:
        """Whether a request with this Host is meant for us. The port is not judged: a proxy may have another."""
        found = _split(authority)
        return found is not None and found[0] in self._known

    def owns(self, origin: str) -> bool:
        """Whether a page of this origin is ours: of the public address exactly, or of this machine or a further host.

        By plain http whoever sits on the way writes pages under the public name.
        """
        scheme, _, authority = origin.partition("://")
        found = _split(authority)
        if scheme not in _DEFAULT_PORTS or found is None:
            return False
        name, port = found
        is_public = self._public == (scheme, name, port or _DEFAULT_PORTS[scheme])
        return is_public or name in OF_THIS_MACHINE or name in self._further


def drop_port(authority: str) -> str:
    """Return the host of a request's Host as it would be configured; what is none as it is."""
    found = _split(authority)
    return authority if found is None else found[0]


def is_literal_authority(authority: str) -> bool:
    """Whether a request calls a machine by its number, as health probes do."""
    found = _split(authority)
    return found is not None and is_literal(found[0])
