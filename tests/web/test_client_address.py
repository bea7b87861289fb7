"""Whose address counts: the peer's, or what trusted proxies say, from the right (XS5)."""

import pytest
from aiohttp.test_utils import make_mocked_request

from backend.web.client_address import ClientAddresses

PROXIES = ("10.0.0.0/8", "192.0.2.7")


class Transport:
    """A connection from a peer."""

    def __init__(self, peer: str) -> None:
        self.peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        """The peer's address; nothing else is known."""
        return (self.peer, 5) if name == "peername" else default


@pytest.mark.parametrize(
    ("proxies", "peer", "said", "found"),
    [
        (
            (),
            "203.0.113.9",
            ["198.51.100.1"],
            "",
        ),  # documentation networks are not global: they stand for a private peer
        ((), "8.8.8.8", ["1.1.1.1"], "8.8.8.8"),  # nobody is believed
        ((), "127.0.0.1", ["1.1.1.1"], "127.0.0.1"),
        ((), "10.1.1.1", ["1.1.1.1"], ""),  # a proxy that nobody named: not counted
        (PROXIES, "8.8.8.8", ["1.1.1.1"], "8.8.8.8"),  # no proxy of ours
        (PROXIES, "10.1.1.1", ["1.1.1.1"], "1.1.1.1"),
        (PROXIES, "10.1.1.1", ["9.9.9.9, 1.1.1.1, 10.2.2.2"], "1.1.1.1"),  # what the stranger wrote stands to the left
        (PROXIES, "10.1.1.1", ["9.9.9.9", "1.1.1.1, 192.0.2.7"], "1.1.1.1"),
        (PROXIES, "::ffff:10.1.1.1", ["2001:4860::1"], "2001:4860::1"),
        (PROXIES, "10.1.1.1", ["1.1.1.1, unknown"], ""),
        (PROXIES, "10.1.1.1", [], "10.1.1.1"),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_counts_XS5(
    proxies: tuple[str, ...], peer: str, said: list[str], found: str
) -> None:
    headers = [("X-Forwarded-For", value) for value in said]
    from multidict import CIMultiDict

    request = make_mocked_request("GET", "/", headers=CIMultiDict(headers), transport=Transport(peer))
    assert ClientAddresses(proxies).find(request) == found


def test_what_is_no_network_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="proxy"):
        ClientAddresses(["proxy"])
