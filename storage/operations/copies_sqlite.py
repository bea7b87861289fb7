"""Copies of an SQLite file: taken by its online backup while it is in use, put back by one rename (XR3)."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from backend.domain.refusals import Refused
from backend.ports.backups import Contents, Hold
from storage.operations.contents import build_hold_statements, read_contents, read_sealed_samples

T = TypeVar("T")
BUSY_SECONDS = 5.0


class SqliteCopies:
    """`DatabaseCopies` of the file at a URL `sqlite:///path`."""

    engine = "sqlite"

    def __init__(self, url: str) -> None:
        self._path = _find_path(url)

    def read_contents(self, url: str = "") -> Contents:
        return _run(_find_path(url) if url else self._path, read_contents)

    def dump(self, to: Path) -> Contents:
        try:
            source = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
            with contextlib.closing(source), contextlib.closing(sqlite3.connect(to)) as copy:
                source.backup(copy)  # all pages in one step: a reader in WAL mode, whom no writer waits for
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            return _run(to, read_contents)
        except (sqlite3.DatabaseError, DBAPIError) as error:
            raise Refused("copy_unreadable", why=str(error)) from error

    @contextlib.contextmanager
    def open_scratch(self, copy: Path) -> Iterator[str]:
        _check_pages(copy)
        try:
            yield f"sqlite:///{copy}"
        finally:
            _drop_logs(copy)

    def is_used(self) -> bool:
        if not self._path.exists():
            return False
        with contextlib.closing(sqlite3.connect(self._path, timeout=0.2)) as own:
            try:  # needs the file for itself, and leaves no log that would outlive the file
                return bool(own.execute("PRAGMA journal_mode=DELETE").fetchone()[0] != "delete")
            except sqlite3.OperationalError:
                return True
            except sqlite3.DatabaseError:  # what is there is no database any more: nobody can be using it
                return False

    def is_empty(self) -> bool:
        if not self._path.exists() or not self._path.stat().st_size:
            return True
        with contextlib.closing(sqlite3.connect(self._path)) as own:
            return not own.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0]

    def replace(self, copy: Path, incarnation: str, hold: Hold) -> None:
        _check_pages(copy)
        statements = build_hold_statements(incarnation, hold)
        _run(copy, lambda c: [c.execute(statement) for statement in statements] and None)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        _drop_logs(self._path)  # of the former file: they would be played into this one
        copy.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def list_sealed_samples(self, url: str) -> Sequence[tuple[str, str | int, str, bytes]]:
        return _run(_find_path(url), read_sealed_samples)


def _find_path(url: str) -> Path:
    return Path(make_url(url).database or "")


def _check_pages(copy: Path) -> None:
    """Refused `copy_unreadable` unless every page and index of a file is sound."""
    try:
        with contextlib.closing(sqlite3.connect(copy)) as own:
            if own.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok":
                return
    except sqlite3.DatabaseError:
        pass
    raise Refused("copy_unreadable")


def _drop_logs(path: Path) -> None:
    for ending in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _run(path: Path, work: Callable[[Connection], T]) -> T:
    """Run a function in one transaction on a connection of its own."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})
    try:
        with engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()
