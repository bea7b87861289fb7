"""Hands every file that comes in to the malware scanner, where the office has one (XS13)."""

import hashlib
from pathlib import Path

import structlog

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.office.clock import Clock
from backend.ports.alarms import TellAlarm, tell_nobody
from backend.ports.audit import AuditStore
from notify.scanner import FileScanner, ScannerAway, iter_pieces

log = structlog.get_logger("files")


class Screening:
    """`scanner` None: the office has none. `tell_alarm` is set once there is somebody to tell."""

    def __init__(self, scanner: FileScanner | None, audit: AuditStore, clock: Clock) -> None:
        self._scanner, self._audit, self._clock = scanner, audit, clock
        self.tell_alarm: TellAlarm = tell_nobody

    async def check(self, content: bytes | Path, by: Actor) -> None:
        """Return if nothing was found. Refused `file_infected`, on record, with what was found.

        Refused `scanner_away` if there is no verdict: what was not looked at is not taken. Who sent it has it still, and
        is told to send it again; administrators are told at once.
        """
        if self._scanner is None:
            return
        try:
            verdict = await self._scanner.scan(content)
        except ScannerAway as away:
            log.warning("scanner_away", cause=away.code)
            self.tell_alarm("scanner_away", why=away.code)
            raise Refused("scanner_away") from None
        if verdict.found is None:
            return
        digest = hashlib.sha256()
        for piece in iter_pieces(content):
            digest.update(piece)
        await self._audit.record(
            self._clock.now(), by.code, "file_infected", None, found=verdict.found, sha256=digest.hexdigest()
        )
        raise Refused("file_infected", found=verdict.found)
