"""Share what all importers need: services, and the wording of refusals."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.importing.files.records import RowRefusal
from backend.importing.history import HistoryImport
from backend.office.cache import OfficeCache
from backend.office.duty_roster import DutyRoster
from backend.office.fact_names import name_facts
from backend.office.people import People
from backend.office.unit_finder import UnitFinder
from backend.ports.importing import ImportStore
from backend.tickets.intake import Intake
from backend.tickets.service import TicketService
from backend.triage.dispatching import DispatchSuggestions

CHUNK_SIZE: int | None = 1_000  # rows a transaction: small enough not to block others for long
ROW_TEXTS = "import_row"  # where a row has a sentence of its own for a code, or for a code and a field
NewOrRefused = bool | Refused  # True: new; False: already there


class RowResult(Enum):
    """The result of a good row."""

    IMPORTED = "imported"
    ALREADY = "already"


RowVerdict = RowResult | RowRefusal


@dataclass(frozen=True, slots=True)
class ImportServices:
    """The services that importers use."""

    office: OfficeCache
    intake: Intake
    people: People
    tickets: TicketService
    store: ImportStore
    histories: HistoryImport
    rosters: DutyRoster
    suggestions: DispatchSuggestions


class Importer(ABC):
    """Imports rows of one kind for one file. `chunk` is how many it gets at once, None for all."""

    chunk_size: ClassVar[int | None] = CHUNK_SIZE

    def __init__(self, services: ImportServices, texts: Texts, by: Actor, dry_run: bool) -> None:
        self.services = services
        self.by = by
        self.dry_run = dry_run
        self._texts = texts

    async def import_rows(self, rows: Sequence[Any]) -> list[RowVerdict]:
        """Import rows; return the result of each, in order."""
        results = await self.process(rows)
        return [self._to_verdict(row.row, result) for row, result in zip(rows, results, strict=True)]

    @abstractmethod
    async def process(self, rows: Sequence[Any]) -> Sequence[NewOrRefused]:
        """Import rows; for each return whether it is new, or the refusal."""

    def _to_verdict(self, row: int, result: NewOrRefused) -> RowVerdict:
        if isinstance(result, Refused):
            if result.code == "exists":
                return RowResult.ALREADY
            code = result.code
            near = "、".join(result.facts.get("near", ()))
            field = str(result.facts.get("field", ""))
            own = f"{code}_{field}"
            text_key = "unknown_unit_near" if code == "unknown_unit" and near else code
            text_key = own if self._texts.has(f"{ROW_TEXTS}.{own}") else text_key
            facts = name_facts(self.services.office.last_read, result.facts)
            message = self._texts.render_refusal(text_key, {**facts, "near": near}, ROW_TEXTS)
            return RowRefusal(row, field, code, message)
        return RowResult.IMPORTED if result else RowResult.ALREADY

    async def load_finder(self) -> UnitFinder:
        """Return a finder of the current units."""
        return UnitFinder((await self.services.office.snapshot(fresh=True)).config.units.values())
