"""The public address's certificate is looked at each day, whoever signed it; its end is told 30 days ahead (operations §8)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backend.operations.certificate import AHEAD, CertificateWatch, read_end
from tests.operations.world import EmptyBook, Told
from tests.time_and_chance import build_clock

END = datetime(2026, 12, 20, 4, 0, tzinfo=UTC)
HOST = "hotline.example.gov.cn"


@asynccontextmanager
async def serve_certificate(folder: Path, end: datetime) -> AsyncIterator[int]:
    """Serve a certificate that nobody vouches for on a port of this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(end - timedelta(days=90)).not_valid_after(end).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(private + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_the_end_is_read_from_whatever_certificate_is_shown_even_one_that_is_over(tmp_path: Path) -> None:
    for end in (END, datetime(2020, 1, 1, tzinfo=UTC)):
        async with serve_certificate(tmp_path, end) as port:
            assert await read_end("127.0.0.1", port) == end


@pytest.mark.parametrize(("days", "is_told"), [(29, True), (30, True), (31, False), (-1, True)])
async def test_administrators_are_told_from_thirty_days_before_the_end_and_healed_when_it_is_renewed(
    days: int, is_told: bool
) -> None:
    told = Told(EmptyBook())
    told.at = END - timedelta(days=days)
    ends = [END]

    async def read(host: str, port: int) -> datetime:
        assert (host, port) == (HOST, 443)
        return ends[0]

    clock = build_clock(lambda: told.at, told.at.timestamp)
    watch = CertificateWatch(HOST, 443, told.alarms, clock, read)
    await watch.run_once()
    assert len(told.chat.texts_of("a1")) == is_told
    if is_told:
        assert f"证书 {HOST} 将于 2026-12-20 到期" in told.chat.texts_of("a1")[0]
        ends[0] = told.at + AHEAD + timedelta(days=1)
        await watch.run_once()
        assert "已恢复" in told.chat.texts_of("a1")[0]


async def test_an_address_that_does_not_answer_is_no_alarm_of_this_kind() -> None:
    told = Told(EmptyBook())

    async def read(_host: str, _port: int) -> datetime:
        raise ConnectionRefusedError

    await CertificateWatch(HOST, 443, told.alarms, build_clock(lambda: told.at, told.at.timestamp), read).run_once()
    assert told.chat.texts_of("a1") == []
