"""Share what all importers need: services, unit lookup, and the wording of refusals."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from backend.domain.acts import Actor
from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.histories import Histories
from backend.office.cache import OfficeCache
from backend.office.duty_roster import DutyRoster
from backend.office.people import People
from backend.paper.records import RowRefusal
from backend.ports.imports import ImportStore
from backend.tickets.intake import Intake
from backend.tickets.service import TicketService

if TYPE_CHECKING:
    from backend.dispatch_aid import DispatchAid

CHUNK: int | None = 1_000  # rows a transaction: small enough not to block others for long
Result = bool | Refused  # True: new; False: already there


class Taken(Enum):
    """The result of a good row."""

    IMPORTED = "imported"
    ALREADY = "already"


Verdict = Taken | RowRefusal


@dataclass(frozen=True, slots=True)
class Shelves:
    """The services that importers use."""

    office: OfficeCache
    intake: Intake
    registry: People
    desk: TicketService
    book: ImportStore
    histories: Histories
    rosters: DutyRoster
    aid: "DispatchAid"


class Taker(ABC):
    """Imports rows of one kind for one file. `chunk` is how many it gets at once, None for all."""

    chunk: ClassVar[int | None] = CHUNK

    def __init__(self, stores: Shelves, catalogue: Texts, by: Actor, dry: bool) -> None:
        self.shelves = stores
        self.by = by
        self.dry = dry
        self._catalogue = catalogue

    async def take(self, rows: Sequence[Any]) -> list[Verdict]:
        """Import rows; return the result of each, in order."""
        results = await self.results(rows)
        return [self._verdict(row.row, result) for row, result in zip(rows, results, strict=True)]

    @abstractmethod
    async def results(self, rows: Sequence[Any]) -> Sequence[Result]:
        """Import rows; for each return whether it is new, or the refusal."""

    def _verdict(self, row: int, result: Result) -> Verdict:
        if isinstance(result, Refused):
            if result.code == "exists":
                return Taken.ALREADY
            code = result.code
            near = "、".join(result.facts.get("near", ()))
            said = "unknown_unit_near" if code == "unknown_unit" and near else code
            message = self._catalogue.render_refusal(said, {**result.facts, "near": near})
            return RowRefusal(row, str(result.facts.get("field", "")), code, message)
        return Taken.IMPORTED if result else Taken.ALREADY

    async def units(self) -> "Finder":
        """Return a finder of the current units."""
        return Finder((await self.shelves.office.snapshot(fresh=True)).config.units.values())


class Finder:
    """Finds units by code or name; a name shared by two units finds none."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._codes = {u.code: u for u in units}
        names = Counter(u.name for u in self._codes.values())
        self._names = {u.name: u for u in self._codes.values() if names[u.name] == 1}

    def find(self, written: str, field: str = "unit") -> Unit:
        """Find a unit. Refused `unknown_unit` with near names (FF11)."""
        unit = self._codes.get(written) or self._names.get(written)
        if unit is None:
            raise self.near(Refused("unknown_unit", unit=written, field=field))
        return unit

    def near(self, no: Refused) -> Refused:
        """Return the refusal with the names and codes nearest to the input."""
        near = get_close_matches(str(no.facts.get("unit")), [*self._names, *self._codes], n=2, cutoff=0.5)
        return Refused(no.code, **{**no.facts, "near": near})
