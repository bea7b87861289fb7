"""Records which files were imported, and adds ledger lines from files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.ports.connect_counts import ConnectCount, ConnectStore


@dataclass(frozen=True, slots=True)
class ImportedLedgerLine:
    """A ledger line (台账) as read from a file; `fingerprint` distinguishes it from every other."""

    fingerprint: str
    kind: str
    unit: str
    month: str
    count: int
    level: str | None = None
    matter: str | None = None
    points: str | None = None
    note: str = ""
    evidence: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    tickets: tuple[str, ...] = ()


class ImportStore(ConnectStore, Protocol):
    """Stores imports."""

    async def record_import(
        self, kind: str, sha256: str, name: str, by: str, at: datetime, report: Mapping[str, Any]
    ) -> None:
        """Record that a file was imported, and the report."""
        ...

    async def add_ledger_lines(self, lines: Sequence[ImportedLedgerLine], by: str, at: datetime) -> list[bool]:
        """Add ledger lines in one transaction; False for each that exists already."""
        ...

    async def save_connect_counts(self, counts: Sequence[ConnectCount], by: str, at: datetime) -> list[bool]:
        """Put counts in force in one transaction; False for each that is already. What they replace is kept."""
        ...

    async def list_locked_periods(self) -> frozenset[tuple[str, str]]:
        """Return (period, scheme) of every locked run; scheme "" stands for all."""
        ...

    async def find_existing_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        """Return those of the ticket numbers that exist."""
        ...

    async def find_existing_lines(self, fingerprints: Collection[str]) -> frozenset[str]:
        """Return those of the fingerprints that exist already."""
        ...
