"""Backups, and what holds a database that went back in time."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an installation had gone. Instants are whole microseconds.

    `number` counts the beats of all its processes; where two marks differ, the greater one is the later.
    """

    incarnation: str
    number: int
    at: int  # real time
    office_at: int  # office time: in a rehearsal another
    seal: int  # the newest seal
    lines: int  # of the journal
    line_at: int | None  # when the newest was recorded


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an installation is held. Instants are whole microseconds of office time."""

    why: str  # restored | behind | unmarked
    since: int
    mark_at: int  # what was due by then may have been sent already
    lost_until: int | None  # when the newest line was recorded that is known to be lost; None: nobody knows
    lost_lines: int | None
    kept_until: int | None  # when the newest line was recorded that is there


class Release(StrEnum):
    """What may still leave of what waits when a hold is released."""

    NEWER = "newer"  # what was not yet due at the newest mark
    URGENT = "urgent"  # of that, only what is urgent or is due later
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to leave, of one kind: how many were due by the mark and after it, and when the oldest was due."""

    what: str  # messages | calls | requester_texts | cards | writebacks
    kind: str
    older: int
    newer: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What a database says of its own past."""

    incarnation: str
    mark: Mark | None
    hold: Hold | None


class MarkPlace(Protocol):
    """A place outside the database where the newest mark is kept."""

    async def read(self) -> Mark | None:
        """Return the newest mark; None if there is none that can be read."""
        ...

    async def write(self, mark: Mark) -> None:
        """Replace the mark."""
        ...


class HoldStore(Protocol):
    """Stores marks and holds in the database."""

    async def read(self) -> Standing:
        """Return what the database says; an incarnation is empty before the first start."""
        ...

    async def begin_incarnation(self, incarnation: str) -> None:
        """Name the database, unless it has a name."""
        ...

    async def advance(self, real: datetime, office: datetime) -> Mark:
        """Count one beat and return the mark, once it is durable."""
        ...

    async def begin(self, hold: Hold) -> bool:
        """Hold the installation; False if it was held."""
        ...

    async def count_waiting(self, mark_at: int, now: datetime) -> Sequence[Waiting]:
        """Count what is due by now, by kind, largest first."""
        ...

    async def count_passed_duties(self, since: int, now: datetime) -> Mapping[str, int]:
        """Count open duties that became due since then, by kind."""
        ...

    async def release(
        self, mode: Release, cut: datetime, now: datetime, by: str, facts: Mapping[str, Any]
    ) -> int | None:
        """End the hold; return how many waiting things were dropped (error `restored`). None if it was not held.

        What was in hand when the copy was taken never leaves again. One audit row, in the same transaction.
        """
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The end of the journal: its newest seal (0: none) and newest line, and how many lines there are."""

    seal: int
    seal_hash: str
    lines: int
    line_hash: str
    at: int | None  # whole microseconds at which the newest line was recorded


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds, read in one snapshot."""

    engine: str  # sqlite | postgresql
    schema: str  # version of the tables
    gate: Mapping[str, tuple[int, int]]  # part → format, least
    incarnation: str
    mark: Mark | None  # the newest beat's
    checkpoint: Checkpoint
    rows: Mapping[str, int]  # table → rows
    keys: tuple[str, ...]  # names of all keys that are needed to read it: of encrypted values, of the journal

    @property
    def is_of_old_layout(self) -> bool:
        """Whether its tables are those of before the first release."""
        return "outbox" not in self.rows


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; nothing in it is secret or personal."""

    contents: Contents
    code: str  # version of the program
    taken_at: str  # ISO 8601
    sha256: str = ""  # of the database's copy before encryption; empty in a manifest without one
    size: int = 0  # bytes, likewise


class DatabaseCopies(Protocol):
    """Takes and puts back copies of one database. All of it blocks: call it in a thread."""

    engine: str

    def read_contents(self, url: str = "") -> Contents:
        """Read what the database holds, or a scratch one."""
        ...

    def dump(self, to: Path) -> Contents:
        """Write a copy of the database in use, as of one instant, and return what it holds. Refused `program_missing`."""
        ...

    def open_scratch(self, copy: Path) -> AbstractContextManager[str]:
        """Restore a copy beside everything in use; yields its URL and removes it afterwards. Refused `copy_unreadable`."""
        ...

    def is_used(self) -> bool:
        """Whether another process has the database open."""
        ...

    def is_empty(self) -> bool:
        """Whether it has none of our tables."""
        ...

    def replace(self, copy: Path, incarnation: str, hold: Hold) -> None:
        """Put a copy in the place of the database, under a new incarnation and held: altogether or not at all."""
        ...

    def list_sealed_samples(self, url: str) -> Sequence[tuple[str, str | int, str, bytes]]:
        """Return of a scratch database one encrypted value of each key and column: table, row, column, value."""
        ...


class BackupFiles(Protocol):
    """Backup files: a manifest, and a copy of the database encrypted under the installation's secret."""

    def find_missing_keys(self, keys: Sequence[str]) -> Sequence[str]:
        """Return those of these keys that no secret at hand gives."""
        ...

    def write(self, file: Path, manifest: Manifest, copy: Path) -> Manifest:
        """Write a backup whole or not at all; returns its manifest, completed."""
        ...

    def read_manifest(self, file: Path) -> Manifest:
        """Read a manifest, whoever wrote it. Refused `backup_unreadable`."""
        ...

    def extract(self, file: Path, to: Path) -> Manifest:
        """Decrypt the copy. Refused `backup_unreadable`, `keys_missing`, `backup_changed` if any byte differs."""
        ...

    def list_by_age(self, folder: Path) -> Sequence[Path]:
        """List the daily backups in a folder, oldest first."""
        ...

    def opens(self, table: str, row: str | int, column: str, value: bytes) -> bool:
        """Whether an encrypted value can be opened."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for the owner's eyes only, on the disk of the data, removed afterwards."""
        ...
