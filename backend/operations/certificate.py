"""The certificate of the public address: administrators are told daily from 30 days before it ends (operations §8)."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from cryptography import x509

from backend.office.clock import Clock
from backend.operations.alarms import Alarms

log = structlog.get_logger("operations")
AHEAD = timedelta(days=30)
CONNECT_SECONDS = 10.0
CAUSE = "certificate_ends"
ReadEnd = Callable[[str, int], Awaitable[datetime]]


async def read_end(host: str, port: int) -> datetime:
    """Return when the certificate shown at this address ends; raises OSError when none is shown.

    It is only read: whether it is trusted is for those who come from outside to judge.
    """
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(CONNECT_SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=anyone, server_hostname=host)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    return x509.load_der_x509_certificate(shown).not_valid_after_utc


class CertificateWatch:
    """Looks once a day at the certificate of the public address."""

    def __init__(self, host: str, port: int, alarms: Alarms, clock: Clock, read: ReadEnd = read_end) -> None:
        self._host = host
        self._port = port
        self._alarms = alarms
        self._clock = clock
        self._read = read

    async def run_once(self) -> int:
        """Look at it; tell administrators, or heal what was told. An address that does not answer is only logged."""
        try:
            end = await self._read(self._host, self._port)
        except (OSError, TimeoutError) as error:
            log.warning("certificate_unread", host=self._host, kind=type(error).__name__)
            return 0
        if end - self._clock.real_now() > AHEAD:
            await self._alarms.heal(CAUSE, self._host)
        else:
            await self._alarms.tell(CAUSE, subject=self._host, until_day=f"{end.astimezone(self._clock.zone):%Y-%m-%d}")
        return 0
