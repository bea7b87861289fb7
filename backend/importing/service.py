"""Import a file's rows in chunks: good rows are kept although others are refused, and none is imported twice."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import structlog
from typing_extensions import TypedDict

from backend.domain.acts import Actor
from backend.domain.permissions import PERMISSIONS, require
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.importing.files.reader import ImportReader, open_import
from backend.importing.files.records import Record, RowRefusal
from backend.importing.importer_base import ImportServices, RowResult, RowVerdict
from backend.importing.importers import create_importer
from backend.office.cache import OfficeCache
from backend.ports.importing import ImportStore
from backend.tickets.form_fields import FileContext
from backend.tickets.screening import Screening

log = structlog.get_logger("imports")
MAX_STORED_REFUSALS = 200  # refused rows stored with the file

Progress = Callable[[int, int], None]  # rows done, rows expected


class RefusedRow(TypedDict):
    """A row that was not imported, and why."""

    row: int
    field: str
    code: str
    message: str


class ImportDocument(TypedDict):
    """The result of importing a file (contract §3); `ignored` are headings that no field takes."""

    read: int
    imported: int
    already: int
    refused: list[RefusedRow]
    ignored: list[str]


@dataclass(slots=True)
class ImportReport:
    """The result of importing a file (contract §3)."""

    read: int = 0
    imported: int = 0
    already: int = 0
    refused: list[RowRefusal] = field(default_factory=list)
    ignored: tuple[str, ...] = ()  # headings that no field takes (XM14)

    def add(self, verdict: "RowVerdict") -> None:
        """Count one row."""
        if isinstance(verdict, RowRefusal):
            self.refused.append(verdict)
        elif verdict is RowResult.ALREADY:
            self.already += 1
        else:
            self.imported += 1

    def to_json(self) -> ImportDocument:
        """Convert to JSON."""
        refused: list[RefusedRow] = [
            {"row": no.row, "field": no.field, "code": no.code, "message": no.message}
            for no in sorted(self.refused, key=lambda no: no.row)
        ]
        return {"read": self.read, "imported": self.imported, "already": self.already, "refused": refused,
                "ignored": list(self.ignored)}  # fmt: skip


class ImportService:
    """Imports files row by row. `countries` are those whose numbers may be called."""

    def __init__(
        self, services: ImportServices, store: ImportStore, office: OfficeCache, texts: Texts, screening: Screening,
        countries: Sequence[str] = ("CN",),
    ) -> None:  # fmt: skip
        self._services = services
        self._screening = screening
        self._store = store
        self._office = office
        self._texts = texts
        self._countries = tuple(countries)

    async def import_file(
        self, kind: str, name: str, content: bytes | Path, by: Actor, *, dry_run: bool = False,
        preset: Mapping[str, str] | None = None, progress: Progress | None = None, is_ours: bool = False,
    ) -> ImportDocument:  # fmt: skip
        """Import a file; return the report of contract §3. `preset` fills columns the file does not have.

        Whatever comes in is scanned; `is_ours`: it was put together here, of what came otherwise.

        Refused rows are in the report. Refused for the whole file: `unknown_kind`, `forbidden`, `file_…`,
        `scanner_away`, `too_large`, `headings_missing`, `heading_twice`, `unknown_field`, `bad_set_value`.
        """
        if f"import.{kind}" not in PERMISSIONS:
            raise Refused("unknown_kind", kind=kind)
        require(by, f"import.{kind}")
        if not is_ours:
            await self._screening.check(content, by)
        now = self._office.clock.now()
        context = FileContext(zone=self._office.clock.zone, countries=self._countries)
        reading = await asyncio.to_thread(open_import, kind, content, set_values=preset or {}, now=now, context=context)
        report = await self._import_rows(reading, kind, by, dry_run, progress)
        document = report.to_json()
        log.info("imported", kind=kind, by=by.code, dry_run=dry_run, read=report.read, imported=report.imported,
                 already=report.already, refused=len(report.refused))  # fmt: skip
        if not dry_run:
            short = {**document, "refused": document["refused"][:MAX_STORED_REFUSALS]}
            await self._store.record_import(kind, await asyncio.to_thread(_sha256, content), name, by.code, now, short)
        return document

    async def _import_rows(
        self, reading: ImportReader, kind: str, by: Actor, dry: bool, progress: Progress | None
    ) -> ImportReport:
        report = ImportReport()
        importer = create_importer(kind, self._services, self._texts, by, dry)
        rows = await asyncio.to_thread(iter, reading)
        next_chunk = asyncio.create_task(asyncio.to_thread(_read_chunk, rows, importer.chunk_size))
        try:
            while True:
                chunk = await next_chunk
                if not chunk.last:  # read the next rows while these are written
                    next_chunk = asyncio.create_task(asyncio.to_thread(_read_chunk, rows, importer.chunk_size))
                report.read += chunk.read
                for verdict in (*chunk.refused, *(await importer.import_rows(chunk.records) if chunk.records else ())):
                    report.add(self._place(verdict, reading) if isinstance(verdict, RowRefusal) else verdict)
                if chunk.broken is not None:
                    if report.read == 0:
                        raise chunk.broken
                    message = self._texts.render_refusal(chunk.broken.code, chunk.broken.facts)
                    report.add(self._place(RowRefusal(reading.row + 1, "", chunk.broken.code, message), reading))
                if progress is not None:
                    progress(report.read, max(reading.estimated_rows or 0, report.read))
                if chunk.last:
                    report.ignored = reading.ignored_headings
                    return report
        finally:
            next_chunk.cancel()

    def _place(self, no: RowRefusal, reading: ImportReader) -> RowRefusal:
        """Say where in the file it is: by row, and by the column as the file's own heading."""
        column = reading.name_column(no.field)
        return replace(no, message=self._texts.render("import_row.at", row=no.row, column=column, message=no.message))


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


def _read_chunk(rows: Iterator[Record | RowRefusal], size: int | None) -> _Chunk:
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
