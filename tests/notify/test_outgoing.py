"""Outgoing addresses are https and public unless named, at the start and whenever a socket is made (XS9)."""

import asyncio
import ipaddress
import socket
from typing import Any

import aiohttp
import pytest
from aiogram.exceptions import TelegramNetworkError
from aiohttp.abc import AbstractResolver, ResolveResult

from notify.channel import DeliveryError
from notify.chat.telegram.session import make_bot
from notify.outgoing import Outgoing, is_public
from notify.platform_client import PlatformClient
from notify.voice.twilio.http import PooledHttpClient
from tests.house.source import imports, sources

PRIVATE = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "fe80::1", "fc00::1",
    "fd12:3456::1", "ff02::1", "2001:db8::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1",
    "2001::1",
)  # fmt: skip
PUBLIC = ("149.154.167.220", "1.1.1.1", "47.95.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1")
REFUSED = (
    "http://api.telegram.org", "ftp://example.org", "https://user:word@example.org", "https://user@example.org", "//x", "x",
    "https://", "http://169.254.169.254/latest", *(f"https://{'[' + a + ']' if ':' in a else a}/bot" for a in PRIVATE if not ipaddress.ip_address(a).is_loopback),
)  # fmt: skip
ACCEPTED = (
    "", "https://api.telegram.org", "https://example.org:8443/path", "http://127.0.0.1:8081", "http://localhost:8081",
    "http://[::1]:8081", "https://149.154.167.220",
)  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_not_https_and_public_is_refused_unless_named_XS9_FR13(url: str) -> None:
    assert not Outgoing(url).check()


@pytest.mark.parametrize("url", ACCEPTED)
def test_https_names_public_addresses_and_this_machine_are_accepted_XS9(url: str) -> None:
    assert Outgoing(url).check()


def test_named_hosts_and_networks_are_accepted_and_no_others_XS9() -> None:
    allow = "platform.gov.internal, 10.8.0.0/16,fd00::/8"
    for url in ("http://platform.gov.internal:8080/moves", "http://10.8.3.4/x", "https://[fd00::7]/"):
        assert Outgoing(url, allow).check(), url
    for url in ("http://other.gov.internal", "http://10.9.0.1", "http://evil.platform.gov.internal"):
        assert not Outgoing(url, allow).check(), url
    assert Outgoing("https://x.org", allow).permits(ipaddress.ip_address("10.8.0.1"))
    assert not Outgoing("https://x.org", allow).permits(ipaddress.ip_address("10.9.0.1"))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public_XS9(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public_XS9(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


class TurningResolver(AbstractResolver):
    """Resolves every name to a private address, as a name that is turned after it was checked."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        kind = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        return [ResolveResult(hostname=host, host=self._address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        return None


async def count_connections(visits: list[int]) -> tuple[asyncio.Server, int]:
    """A server on this machine that counts who connects."""

    async def visit(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(1)
        writer.close()

    server = await asyncio.start_server(visit, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_a_name_that_leads_to_this_machine_is_never_connected_to_XS9(address: str) -> None:
    visits: list[int] = []
    server, port = await count_connections(visits)
    async with server:
        connector = aiohttp.TCPConnector(
            resolver=TurningResolver(address), socket_factory=Outgoing(f"http://api.example:{port}").socket_factory
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"http://api.example:{port}/")
    assert visits == []


async def test_every_driver_refuses_when_connecting_XS9() -> None:
    visits: list[int] = []
    server, port = await count_connections(visits)
    async with server:
        for host in ("2130706433", "127.1", "0x7f.1"):  # names that the resolver makes loopback addresses of
            carrier = PooledHttpClient(f"http://{host}:{port}")
            platform = PlatformClient(f"http://{host}:{port}/moves", "x" * 16)
            bot = make_bot("1:abc", f"http://{host}:{port}")
            with pytest.raises(TelegramNetworkError):
                await bot.get_me()
            await bot.session.close()
            with pytest.raises(DeliveryError):
                await carrier.request("GET", "https://api.twilio.com/x")
            with pytest.raises(DeliveryError):
                await platform.write_move(1, {}, 0)
            await carrier.close()
            await platform.close()
    assert visits == []


def test_whatever_opens_connections_asks_for_permitted_addresses_XS9() -> None:
    opening = [code for code in sources("backend", "bot", "notify") if "ClientSession(" in code.text]
    asking = [code.name for code in opening if any(name.startswith("notify.outgoing") for name, _ in imports(code))]
    assert asking == [code.name for code in opening] and len(asking) >= 3
