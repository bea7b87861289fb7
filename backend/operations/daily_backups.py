"""A backup every night, proven by restoring it at once; the newest 35 are kept (XR3)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from backend.domain.refusals import Refused
from backend.office.clock import Clock
from backend.operations.alarms import Alarms
from backend.operations.backups import Backups

log = structlog.get_logger("operations")
TAKEN_AT = time(2, 30)  # of the office's zone; one that was missed is made up for
KEPT = 35
TOO_OLD = timedelta(hours=26)  # then administrators are told
RETRY = timedelta(minutes=30)  # after a failure
LEASE, LEASE_SPAN = "backup", timedelta(hours=6)  # longer than a backup and its proof take
NAME = "jiesu-%Y%m%dT%H%M%SZ.backup"


class Lease(Protocol):
    """The right to do something that must happen once, among all processes."""

    async def acquire_lease(self, name: str, owner: str, span: timedelta) -> bool:
        """Take or keep it; False while another has it."""
        ...

    async def release_lease(self, name: str, owner: str) -> None:
        """Give it back."""
        ...


class DailyBackups:
    """Backs up into a folder. A backup may take long: it runs beside the worker, which stays alive."""

    def __init__(self, backups: Backups, folder: Path, lease: Lease, owner: str, clock: Clock, alarms: Alarms) -> None:
        self._backups = backups
        self._folder = folder
        self._lease = lease
        self._owner = owner
        self._clock = clock
        self._alarms = alarms
        self._not_before: datetime | None = None
        self._running: asyncio.Task[None] | None = None

    async def run_once(self) -> int:
        """Begin a backup if one is due; return 0: it is waited for by nobody."""
        now = self._clock.real_now()
        if (self._running is None or self._running.done()) and (self._not_before is None or now >= self._not_before):
            self._not_before = now + RETRY
            self._running = asyncio.create_task(self.back_up_if_due(), name="daily_backup")
        return 0

    async def close(self) -> None:
        """Stop waiting for a backup under way; a file that is not whole is not left."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def back_up_if_due(self) -> None:
        """Back up, prove it and drop the oldest, unless it was done since the last 02:30 or another process does it."""
        now = self._clock.real_now()
        newest = find_time(await self._list())
        self._not_before = find_next(now, self._clock)
        if newest is not None and newest >= self._not_before - timedelta(days=1):
            return
        if not await self._lease.acquire_lease(LEASE, self._owner, LEASE_SPAN):
            self._not_before = now + RETRY
            await self._tell_if_old(now, newest)
            return
        try:
            await self._back_up(now)
        except Exception as error:  # the night's backup failed: tried again, and told once the last one is too old
            code = error.code if isinstance(error, Refused) else type(error).__name__
            log.exception("backup_failed", code=code)
            self._not_before = self._clock.real_now() + RETRY
            await self._tell_if_old(now, newest)
        finally:
            await self._lease.release_lease(LEASE, self._owner)

    async def _tell_if_old(self, now: datetime, newest: datetime | None) -> None:
        if newest is None or now - newest > TOO_OLD:
            await self._alarms.tell("backup_old")

    async def _back_up(self, now: datetime) -> None:
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        file = self._folder / now.astimezone(UTC).strftime(NAME)
        await self._backups.make(file)
        await self._alarms.heal("backup_old")
        try:
            await self._backups.verify(file)
        except Refused as refused:
            log.error("backup_unreadable", file=file.name, code=refused.code)
            await self._alarms.tell("backup_unreadable", code=refused.code)
            return  # none is dropped for one that cannot be restored
        await self._alarms.heal("backup_unreadable")
        for old in (await self._list())[:-KEPT]:
            await asyncio.to_thread(old.unlink, missing_ok=True)
        log.info("backed_up", file=file.name)

    async def _list(self) -> Sequence[Path]:
        return await asyncio.to_thread(self._backups.list_daily, self._folder)


def find_time(files: Sequence[Path]) -> datetime | None:
    """Return when the newest of these was taken, by its name; None without any."""
    for file in reversed(files):
        try:
            return datetime.strptime(file.name, NAME).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def find_next(now: datetime, clock: Clock) -> datetime:
    """Return the next 02:30 of the office's zone."""
    local = now.astimezone(clock.zone)
    today = datetime.combine(local.date(), TAKEN_AT, clock.zone)
    return today if today > local else today + timedelta(days=1)
