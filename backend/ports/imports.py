"""Where it is remembered which files were brought, and where ledger lines from files are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line of a ledger (台账) as a file brought it; `fingerprint` tells it from every other."""

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


class ImportsStore(Protocol):
    """The shelf of imports."""

    async def note(self, kind: str, sha256: str, name: str, by: str, at: datetime, report: Mapping[str, Any]) -> None:
        """Remember that a file was brought, and what came of it."""
        ...

    async def keep_ledger(self, lines: Sequence[LedgerLine], by: str, at: datetime) -> list[bool]:
        """Keep ledger lines in one transaction; False for those already there."""
        ...

    async def shut_months(self) -> frozenset[tuple[str, str]]:
        """(period, scheme) of every locked run; scheme "" stands for all."""
        ...

    async def known_ledger(self, fingerprints: Collection[str]) -> frozenset[str]:
        """Those of the fingerprints that are there already."""
        ...
