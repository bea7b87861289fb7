"""Import a file's rows in chunks: good rows are kept although others are refused, and none is imported twice."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.domain.ticket import Role
from backend.office.cache import OfficeCache
from backend.office.duty_roster import PLANNER_ROLES
from backend.paper.reading import Reading, read
from backend.paper.records import Record, RowRefusal
from backend.ports.imports import ImportStore
from backend.takers import taker_of
from backend.taking import Shelves, Taken, Verdict
from backend.tickets.form_fields import FileContext

log = structlog.get_logger("imports")
KEPT_REFUSALS = 200  # refused rows stored with the file

#: What may be imported, and by which roles besides admin.
MAY: Mapping[str, frozenset[Role]] = {
    "units": frozenset(), "people": frozenset(), "calendar": frozenset(), "history": frozenset(),
    "tickets": frozenset({Role.DISPATCHER}), "ledger": frozenset({Role.SCORE_CLERK}),
    "visits": frozenset({Role.REVISIT_AGENT}), "catalogue": frozenset({Role.DISPATCHER}), "roster": PLANNER_ROLES,
}  # fmt: skip
Progress = Callable[[int, int], None]  # rows done, rows expected


@dataclass(slots=True)
class Report:
    """The result of importing a file (contract §3)."""

    read: int = 0
    imported: int = 0
    already: int = 0
    refused: list[RowRefusal] = field(default_factory=list)

    def add(self, verdict: "Verdict") -> None:
        """Count one row."""
        if isinstance(verdict, RowRefusal):
            self.refused.append(verdict)
        elif verdict is Taken.ALREADY:
            self.already += 1
        else:
            self.imported += 1

    def document(self) -> dict[str, Any]:
        """Convert to JSON."""
        refused = [asdict(no) for no in sorted(self.refused, key=lambda no: no.row)]
        return {"read": self.read, "imported": self.imported, "already": self.already, "refused": refused}


class Imports:
    """Imports files row by row. `countries` are those whose numbers may be called."""

    def __init__(
        self, stores: Shelves, book: ImportStore, office: OfficeCache, catalogue: Texts,
        countries: Sequence[str] = ("CN",),
    ) -> None:  # fmt: skip
        self._shelves = stores
        self._book = book
        self._office = office
        self._catalogue = catalogue
        self._countries = tuple(countries)

    async def run(
        self, kind: str, name: str, content: bytes | Path, by: Actor, *, dry_run: bool = False,
        preset: Mapping[str, str] | None = None, progress: Progress | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Import a file; return the report of contract §3. `preset` fills columns the file does not have.

        Refused rows are in the report. Refused for the whole file: `unknown_kind`, `forbidden`, `file_…`,
        `too_large`, `headings_missing`, `heading_twice`, `unknown_field`, `bad_set_value`.
        """
        if kind not in MAY:
            raise Refused("unknown_kind", kind=kind)
        if by.role is not None and by.role is not Role.ADMIN and by.role not in MAY[kind]:
            raise Refused("forbidden")
        now = self._office.clock.now()
        context = FileContext(zone=self._office.clock.zone, countries=self._countries)
        reading = await asyncio.to_thread(read, kind, content, set_values=preset or {}, now=now, context=context)
        report = await self._empty(reading, kind, by, dry_run, progress)
        document = report.document()
        log.info("imported", kind=kind, by=by.code, dry_run=dry_run, read=report.read, imported=report.imported,
                 already=report.already, refused=len(report.refused))  # fmt: skip
        if not dry_run:
            short = {**document, "refused": document["refused"][:KEPT_REFUSALS]}
            await self._book.record_import(kind, await asyncio.to_thread(_sha256, content), name, by.code, now, short)
        return document

    async def _empty(self, reading: Reading, kind: str, by: Actor, dry: bool, progress: Progress | None) -> Report:
        report = Report()
        taker = taker_of(kind, self._shelves, self._catalogue, by, dry)
        rows = await asyncio.to_thread(iter, reading)
        ahead = asyncio.create_task(asyncio.to_thread(_next, rows, taker.chunk))
        try:
            while True:
                chunk = await ahead
                if not chunk.last:  # read the next rows while these are written
                    ahead = asyncio.create_task(asyncio.to_thread(_next, rows, taker.chunk))
                report.read += chunk.read
                for verdict in (*chunk.refused, *(await taker.take(chunk.records) if chunk.records else ())):
                    report.add(verdict)
                if chunk.broken is not None:
                    if report.read == 0:
                        raise chunk.broken
                    message = self._catalogue.render_refusal(chunk.broken.code, chunk.broken.facts)
                    report.refused.append(RowRefusal(reading.row + 1, "", chunk.broken.code, message))
                if progress is not None:
                    progress(report.read, max(reading.rows or 0, report.read))
                if chunk.last:
                    return report
        finally:
            ahead.cancel()


@dataclass(slots=True)
class _Chunk:
    """The next rows of a file; whether they are the last, and the refusal that ended the file, if any."""

    records: list[Record] = field(default_factory=list)
    refused: list[RowRefusal] = field(default_factory=list)
    last: bool = False
    broken: Refused | None = None

    @property
    def read(self) -> int:
        """How many rows."""
        return len(self.records) + len(self.refused)


def _next(rows: Iterator[Record | RowRefusal], size: int | None) -> _Chunk:
    chunk = _Chunk()
    try:
        for row in islice(rows, size):
            if isinstance(row, RowRefusal):
                chunk.refused.append(row)
            else:
                chunk.records.append(row)
    except Refused as broken:
        chunk.last, chunk.broken = True, broken
        return chunk
    chunk.last = size is None or chunk.read < size
    return chunk


def _sha256(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
