"""Backups: taken while the installation runs, proven by restoring them, and put back under a hold (XR3, FD13)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.domain.chance import Chance
from backend.domain.refusals import Refused
from backend.office.clock import Clock
from backend.operations.hold import INCARNATION_BYTES, build_hold
from backend.ports.backups import BackupFiles, Contents, DatabaseCopies, Hold, Manifest, Mark


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """What a journal was found to be: how many faults it has, and its newest seal's hash."""

    faults: int
    lines: int
    seal: str


#: Verifies the journal of the database at a URL.
VerifyChain = Callable[[str], Awaitable[ChainEnd]]


@dataclass(frozen=True, slots=True)
class Versions:
    """What this code is: version of the program and of its tables."""

    code: str
    schema: str


class Backups:
    """`jiesu backup` and `jiesu restore`. `copies` are of the database in use, or of the one restored into."""

    def __init__(
        self, copies: DatabaseCopies, files: BackupFiles, verify_chain: VerifyChain, clock: Clock, chance: Chance,
        versions: Versions,
    ) -> None:  # fmt: skip
        self._copies = copies
        self._files = files
        self._verify_chain = verify_chain
        self._clock = clock
        self._chance = chance
        self._versions = versions

    def list_daily(self, folder: Path) -> Sequence[Path]:
        """List the daily backups in a folder, oldest first."""
        return self._files.list_by_age(folder)

    async def describe(self) -> Manifest:
        """Return the manifest of the database as it is, for copies that others take (`--mark`)."""
        return self._describe(await asyncio.to_thread(self._copies.read_contents))

    async def make(self, file: Path) -> Manifest:
        """Write a backup of the database, which may be in use. Refused `backup_exists`, `folder_missing`, `program_missing`."""
        return await asyncio.to_thread(self._make, file)

    def _make(self, file: Path) -> Manifest:
        if file.exists():
            raise Refused("backup_exists", file=file.name)
        if not file.parent.is_dir():  # a misspelt folder, or a disk that is not mounted
            raise Refused("folder_missing", folder=str(file.parent))
        with self._files.scratch() as folder:
            copy = folder / "copy"
            contents = self._copies.dump(copy)
            return self._files.write(file, self._describe(contents), copy)

    def _describe(self, contents: Contents) -> Manifest:
        taken_at = self._clock.real_now().isoformat(timespec="seconds")
        return Manifest(contents, self._versions.code, taken_at)

    async def verify(self, file: Path) -> Manifest:
        """Restore a backup beside everything in use and compare it with its manifest.

        Every row counted, every page read, the chain recomputed to the checkpoint, one value of each key opened.
        Refused `backup_unreadable`, `backup_changed`, `keys_missing`, `other_engine`, `database_of_old_layout`,
        `database_ahead`, `copy_unreadable`, `backup_differs`.
        """
        with self._files.scratch() as folder:
            copy = folder / "copy"
            manifest = await asyncio.to_thread(self._files.extract, file, copy)
            self._check(manifest)
            scratch = self._copies.open_scratch(copy)
            url = await asyncio.to_thread(scratch.__enter__)
            try:
                await self._compare(manifest, url)
            finally:
                await asyncio.to_thread(scratch.__exit__, None, None, None)
            return manifest

    async def _compare(self, manifest: Manifest, url: str) -> None:
        said, found = manifest.contents, await asyncio.to_thread(self._copies.read_contents, url)
        differing = sorted(name for name in {*said.rows, *found.rows} if said.rows.get(name) != found.rows.get(name))
        if differing or said.checkpoint != found.checkpoint:
            raise Refused("backup_differs", what=", ".join(differing) or "journal")
        chain = await self._verify_chain(url)
        if chain.faults or chain.seal != said.checkpoint.seal_hash or chain.lines != said.checkpoint.lines:
            raise Refused("backup_differs", what="journal")
        for table, row, column, value in await asyncio.to_thread(self._copies.list_sealed_samples, url):
            if not self._files.opens(table, row, column, value):
                raise Refused("backup_differs", what=f"{table}.{column}")

    def _check(self, manifest: Manifest) -> None:
        """Refuse what this code or this engine cannot hold."""
        if manifest.contents.engine != self._copies.engine:
            raise Refused("other_engine", engine=manifest.contents.engine)
        if manifest.contents.is_of_old_layout:
            raise Refused("database_of_old_layout")
        if manifest.contents.schema > self._versions.schema:
            raise Refused("database_ahead", version=manifest.contents.schema)

    async def restore(self, file: Path, marks: Sequence[Mark], *, replace: bool = False) -> "Restored":
        """Put a backup in the place of the database, under a new incarnation and held until an operator releases it.

        `marks`: those found outside the database. A database that is there is backed up first, beside `file`.
        Refused as `verify`, and `in_use`, `target_full` without `replace`.
        """
        return await asyncio.to_thread(self._restore, file, marks, replace)

    def _restore(self, file: Path, marks: Sequence[Mark], replace: bool) -> "Restored":
        with self._files.scratch() as folder:
            copy = folder / "copy"
            manifest = self._files.extract(file, copy)
            self._check(manifest)
            if self._copies.is_used():
                raise Refused("in_use")
            saved = None
            if not self._copies.is_empty():
                if not replace:
                    raise Refused("target_full")
                saved = self._name_saved(file)
                self._make(saved)
            hold = self._build_hold(manifest.contents, marks)
            self._copies.replace(copy, self._chance.hex_token(INCARNATION_BYTES), hold)
            return Restored(manifest, saved, manifest.contents.schema != self._versions.schema)

    def _build_hold(self, found: Contents, marks: Sequence[Mark]) -> Hold:
        """Return the hold by the newest mark that the copy's own past has left outside."""
        least = found.mark.number if found.mark is not None else 0
        later = [mark for mark in marks if mark.incarnation == found.incarnation and mark.number >= least]
        newest = max(later, key=lambda mark: mark.number, default=None)
        return build_hold("restored", self._clock.real_now(), newest, found.mark, found.checkpoint.at)

    def _name_saved(self, file: Path) -> Path:
        return file.with_name(f"replaced-{self._clock.real_now():%Y%m%dT%H%M%SZ}-{self._chance.hex_token(2)}.backup")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, where what was there before has been saved, and whether the tables must be upgraded."""

    manifest: Manifest
    saved: Path | None
    is_behind: bool
