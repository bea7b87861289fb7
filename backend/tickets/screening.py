"""Hands every file that comes in to the malware scanner, where the office has one (XS13)."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import structlog

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.office.clock import Clock
from backend.ports.integrity import AuditStore
from backend.ports.operations import TellAlarm, tell_nobody
from notify.scanner import FileScanner, ScannerAway, Verdict, iter_pieces

log = structlog.get_logger("files")
PROBE_SECONDS = 60.0  # between two looks at the scanner
PLAIN_FILE = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"  # in which nobody finds anything


class Screening:
    """`scanner` None: the office has none."""

    def __init__(
        self, scanner: FileScanner | None, audit: AuditStore, clock: Clock, tell_alarm: TellAlarm = tell_nobody
    ) -> None:
        self._scanner, self._audit, self._clock, self._tell_alarm = scanner, audit, clock, tell_alarm
        self._is_away = False

    def list_conditions(self) -> Sequence[str]:
        """`scanner_away` while there is no verdict: files are refused, and all else goes on."""
        return ["scanner_away"] if self._is_away else []

    async def run_forever(self) -> None:
        """Look at the scanner from time to time until cancelled, so that it is missed, and seen again, without a file."""
        while self._scanner is not None:
            await asyncio.sleep(PROBE_SECONDS)
            await self.probe()

    async def probe(self) -> None:
        """Ask for a verdict on a plain file; administrators are told when there is none."""
        try:
            await self._scan(PLAIN_FILE)
        except Refused:
            pass

    async def check(self, content: bytes | Path, by: Actor) -> None:
        """Return if nothing was found. Refused `file_infected`, on record, with what was found.

        Refused `scanner_away` if there is no verdict: what was not looked at is not taken. Who sent it has it still, and
        is told to send it again; administrators are told at once.
        """
        verdict = await self._scan(content)
        if verdict.found is None:
            return
        digest = hashlib.sha256()
        for piece in iter_pieces(content):
            digest.update(piece)
        await self._audit.record(
            self._clock.now(), by.code, "file_infected", None, found=verdict.found, sha256=digest.hexdigest()
        )
        raise Refused("file_infected", found=verdict.found)

    async def _scan(self, content: bytes | Path) -> Verdict:
        """Return the verdict, or that nothing was found where there is no scanner. Refused `scanner_away`."""
        if self._scanner is None:
            return Verdict(None)
        try:
            verdict = await self._scanner.scan(content)
        except ScannerAway as away:
            log.warning("scanner_away", cause=away.code)
            self._is_away = True
            self._tell_alarm("scanner_away", why=away.code)
            raise Refused("scanner_away") from None
        self._is_away = False
        return verdict
