"""Help dispatchers: the dispatch catalogue, unit suggestions with reasons, and counts of wrong dispatches (A6)."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from backend.domain.acts import Actor
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.domain.suggestions import CatalogueEntry, Demand, DispatchErrors, Precedent, Suggestion, suggest
from backend.domain.ticket_enums import Category, UnitKind
from backend.office.cache import OfficeCache
from backend.office.unit_finder import UnitFinder
from backend.ports.integrity import AuditStore
from backend.ports.triage import GROUP_BY, CatalogueStore, FeatureStore, NewCatalogueEntry, RepeatCount
from backend.triage import Similarity

MAX_KEYWORD_LENGTH, MAX_KEYWORDS = 40, 30
MAX_BASIS_LENGTH = 500
_SEPARATORS = re.compile(r"[、,，;；|/\s]+")


def parse_keywords(written: str) -> tuple[str, ...]:
    """Parse a list of keywords, without repeats. Refused `bad_field`."""
    words = tuple(dict.fromkeys(word for word in _SEPARATORS.split(written) if word))
    if len(words) > MAX_KEYWORDS or any(len(word) > MAX_KEYWORD_LENGTH for word in words):
        raise Refused("bad_field", field="keywords")
    return words


def build_entry(
    finder: UnitFinder, unit: str, *, category: Category | None = None, keywords: str = "", region: str = "",
    basis: str = "", valid_from: date | None = None, valid_to: date | None = None,
) -> NewCatalogueEntry:  # fmt: skip
    """Validate a row of the catalogue and return it as stored.

    Refused `unknown_unit` with near names, `not_for_catalogue`, `catalogue_empty` (a row for everything),
    `catalogue_days` (it ends before it begins), `bad_field`.
    """
    found = finder.find(unit)
    if found.kind is UnitKind.MANAGEMENT:
        raise Refused("not_for_catalogue", unit=found.name, field="unit")
    words = parse_keywords(keywords)
    if category is None and not words and not region:
        raise Refused("catalogue_empty", field="keywords")
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise Refused("catalogue_days", field="valid_to")
    if len(basis) > MAX_BASIS_LENGTH:
        raise Refused("bad_field", field="basis")
    plain = [found.code, category and str(category), sorted(words), region, basis,
             *(d and d.isoformat() for d in (valid_from, valid_to))]  # fmt: skip
    fingerprint = hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()
    return NewCatalogueEntry(
        found.code, None if category is None else str(category), words, region, basis, valid_from, valid_to, fingerprint
    )


class DispatchSuggestions:
    """Suggests units for tickets; a dispatcher decides."""

    def __init__(
        self,
        store: CatalogueStore,
        features: FeatureStore,
        similarity: Similarity,
        office: OfficeCache,
        audit: AuditStore,
    ) -> None:
        self._store, self._features, self._similarity, self._office, self._audit = (
            store,
            features,
            similarity,
            office,
            audit,
        )

    # -- the catalogue

    async def list_rows(self) -> Sequence[CatalogueEntry]:
        """List the catalogue, oldest row first."""
        return await self._store.list_entries()

    async def add_row(self, fields: Mapping[str, Any], by: Actor) -> CatalogueEntry:
        """Add one row by hand. Refused `forbidden`, `exists`, and as an invalid row is."""
        require(by, "catalogue.edit", verb="catalogue")
        snapshot = await self._office.snapshot(fresh=True)
        entry = build_entry(UnitFinder(snapshot.config.units.values()), **fields)
        now = self._office.clock.now()
        (row,) = await self._store.add_entries([entry], by.code, now)
        if row is None:
            raise Refused("exists", what="catalogue")
        await self._audit.record(now, by.code, "catalogue", entry.unit, keywords=list(entry.keywords))
        return CatalogueEntry(
            row, entry.unit, entry.category, entry.keywords, entry.region, entry.basis, entry.valid_from, entry.valid_to
        )

    async def remove_row(self, row: int, by: Actor) -> None:
        """Remove a row; what it suggested stays on record. Refused `forbidden`, `not_found`."""
        require(by, "catalogue.edit", verb="catalogue")
        now = self._office.clock.now()
        if not await self._store.remove_entry(row, by.code, now):
            raise Refused("not_found", row=row)
        await self._audit.record(now, by.code, "catalogue_removed", str(row))

    async def import_rows(self, entries: Sequence[NewCatalogueEntry], by: str, *, dry: bool) -> Sequence[bool]:
        """Store the rows of a file (`dry`: only check); True for each that is new."""
        if not dry:
            added = await self._store.add_entries(entries, by, self._office.clock.now())
            return [row is not None for row in added]
        known = await self._store.find_existing([e.fingerprint for e in entries])
        return [e.fingerprint not in known for e in entries]

    # -- suggestions and figures

    async def suggest_units(self, no: str) -> Sequence[Suggestion]:
        """Suggest units for a ticket, best first, each with its reasons. Refused `not_found`."""
        await self._similarity.run_once()
        ticket_text = await self._features.find_source(no)
        if ticket_text is None:
            raise Refused("not_found", ticket=no)
        snapshot = await self._office.snapshot()
        precedents = [
            Precedent(one.ticket.ticket_no, one.score, one.ticket.unit, one.ticket.closed, one.ticket.returned_by)
            for one in await self._similarity.find_similar_to(ticket_text)
        ]
        allowed = [u.code for u in snapshot.config.units.values() if u.active and u.kind is not UnitKind.MANAGEMENT]
        demand = Demand(
            ticket_text.category,
            ticket_text.region,
            "\n".join((ticket_text.title, ticket_text.text, ticket_text.place)),
        )
        today = self._office.clock.now().date()
        return suggest(await self._store.list_entries(), demand, precedents, today, allowed)

    async def count_dispatch_errors(self, start: date, end: date, by: str) -> Sequence[DispatchErrors]:
        """Count wrong dispatches from the day `start` to the day `end`, both included. Refused `bad_field`."""
        if by not in GROUP_BY:
            raise Refused("bad_field", field="by")
        return await self._store.count_misses(*self.get_day_bounds(start, end), by)

    async def count_repeats(self, start: date, end: date) -> Sequence[RepeatCount]:
        """Count repeats by unit and month (A18) from the day `start` to the day `end`, both included."""
        return await self._store.count_repeats(*self.get_day_bounds(start, end))

    def get_day_bounds(self, start: date, end: date) -> tuple[datetime, datetime]:
        """Return the beginning of the first day and the end of the last, in the office's zone. Refused `bad_field`."""
        if end < start:
            raise Refused("bad_field", field="to")
        zone = self._office.clock.zone
        return (
            datetime(start.year, start.month, start.day, tzinfo=zone),
            datetime(end.year, end.month, end.day, tzinfo=zone) + timedelta(days=1),
        )
