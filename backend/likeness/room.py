"""Find similar tickets: keep the features of each, propose repeats for merging (并单), group them (A18, Q23)."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, Protocol

from backend.domain.refusals import Refused
from backend.domain.similarity import (
    TicketFeatures,
    build_index_keys,
    find_clusters,
    find_shared_terms,
    is_elsewhere,
)
from backend.domain.ticket import State
from backend.likeness.reader import alike, gist_of
from backend.office.cache import OfficeCache
from backend.ports.ticket_features import FeaturedTicket, FeatureSource, FeatureStore

AT_ONCE = 500  # tickets read in one run
OVERLAP = timedelta(minutes=2)  # examined again, for what was recorded earlier but committed later
COMPARED = 60  # candidates compared word by word
COMMON = 200  # tickets of one key compared with each other when grouping
MOST = 20_000  # tickets grouped at once
_MARK = "likeness.mark"
#: States in which a ticket cannot be a merge master.
NO_MASTER = (State.FINALIZED, State.ARCHIVED, State.CANCELLED, State.MERGED)


class Values(Protocol):
    """Single values that survive a restart."""

    async def get(self, name: str) -> str | None: ...
    async def put(self, name: str, value: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Like:
    """A ticket similar to the one asked about, and why."""

    known: FeaturedTicket
    score: float  # 0…1
    same_caller: bool
    shared: tuple[str, ...]  # heaviest terms of both
    elsewhere: bool  # they name different regions
    repeat: bool  # similar enough to propose merging (并单)


@dataclass(frozen=True, slots=True)
class Group:
    """Similar tickets: members newest first, and what they share."""

    members: tuple[FeaturedTicket, ...]
    about: tuple[str, ...]


class Likeness:
    """Finds similar tickets. Features are extracted right after intake, and completed before any query."""

    def __init__(self, store: FeatureStore, office: OfficeCache, values: Values) -> None:
        self._store, self._office, self._values = store, office, values
        self._lock = asyncio.Lock()
        self._again: set[str] = set()

    # -- features

    def reread(self, no: str) -> None:
        """Queue a new or changed ticket: its features are extracted in the next run."""
        if len(self._again) < AT_ONCE:  # any more are found through the journal
            self._again.add(no)

    async def round(self) -> int:
        """Extract the features of tickets that have none yet, up to `AT_ONCE`; return how many."""
        async with self._lock:
            mark = await self._values.get(_MARK)
            since = datetime.fromisoformat(mark) if mark else datetime(2000, 1, 1, tzinfo=UTC)
            started = self._office.clock.now()
            again, self._again = self._again, set()
            changed = [one for no in again if (one := await self._store.find_source(no)) is not None]
            told, last = await self._store.list_pending(since, AT_ONCE)
            if told or changed:
                new = {one.ticket_id for one in told}
                both = [*told, *(one for one in changed if one.ticket_id not in new)]
                await self._store.store_features(await asyncio.to_thread(_read, both))
            upto = started if len(told) < AT_ONCE or last is None else last
            if upto - since > 2 * OVERLAP:
                await self._values.put(_MARK, (upto - OVERLAP).isoformat())
            return len(told)

    async def catch_up(self) -> int:
        """Extract all that are pending; return how many."""
        made = 0
        while some := await self.round():
            made += some
        return made

    async def rebuild(self) -> int:
        """Discard and extract all features again (after `likeness.toml` was changed); return how many."""
        await self._store.delete_all()
        await self._values.put(_MARK, datetime(2000, 1, 1, tzinfo=UTC).isoformat())
        return await self.catch_up()

    # -- queries

    async def like(self, no: str, most: int = 10) -> Sequence[Like]:
        """Find tickets similar to this one, most similar first. Refused `not_found`."""
        await self.round()
        told = await self._store.find_source(no)
        if told is None:
            raise Refused("not_found", ticket=no)
        return (await self.near(told))[:most]

    async def near(self, told: FeatureSource) -> list[Like]:
        """Find all tickets similar to a demand, or by the same requester, most similar first."""
        about = await asyncio.to_thread(gist_of, told.title, told.text, told.place, told.region)
        settings = (await self._office.snapshot()).settings
        found = {
            k.ticket_id: k for k in await self._store.find_candidates(build_index_keys(about), told.ticket_id, COMPARED)
        }
        if told.caller is not None:
            found |= {
                k.ticket_id: k for k in await self._store.find_by_requester(told.caller, told.ticket_id, COMPARED)
            }
        show, merge = (settings.integer(f"likeness.{k}_from") / 100 for k in ("show", "merge"))
        return await asyncio.to_thread(_compared, told, about, list(found.values()), show, merge)

    async def earlier(self, no: str) -> Like | None:
        """Return the ticket to merge this one into (并单), if any: the earliest that is similar enough."""
        told = await self._store.find_source(no)
        likes = [] if told is None else [one for one in await self.like(no) if one.repeat]
        older = [one for one in likes if told is not None and one.known.ticket_id < told.ticket_id]
        return min(older, key=lambda one: one.known.ticket_id, default=None)

    async def groups(self, start: datetime, end: datetime) -> tuple[Sequence[Group], Sequence[FeaturedTicket]]:
        """Return groups of similar tickets generated in [`start`, `end`), largest first, and all tickets examined."""
        await self.catch_up()
        known = await self._store.find_between(start, end, MOST)
        least = (await self._office.snapshot()).settings.integer("likeness.merge_from") / 100
        return await asyncio.to_thread(grouped, known, least), known


def _read(told: Sequence[FeatureSource]) -> list[tuple[FeatureSource, TicketFeatures]]:
    return [(one, gist_of(one.title, one.text, one.place, one.region)) for one in told]


def _compared(
    told: FeatureSource, about: TicketFeatures, found: Sequence[FeaturedTicket], show: float, merge: float
) -> list[Like]:
    likes = []
    for one in found:
        score = round(alike(about, one.features), 3)
        mine = told.caller is not None and one.caller == told.caller
        if score < show and not mine:
            continue
        repeat = one.state not in NO_MASTER and (
            score >= merge or (mine and one.category == told.category and score >= show)
        )
        likes.append(
            Like(one, score, mine, find_shared_terms(about, one.features), is_elsewhere(about, one.features), repeat)
        )
    return sorted(likes, key=lambda one: (-one.score - (1.0 if one.same_caller else 0.0), -one.known.ticket_id))


def pairs_of(gists: Mapping[int, TicketFeatures]) -> dict[tuple[int, int], float]:
    """Score all pairs that share a key, by (smaller id, larger id); pairs that share none are not similar."""
    under: defaultdict[int, list[int]] = defaultdict(list)
    for ticket in sorted(gists, reverse=True):
        for key in build_index_keys(gists[ticket]):
            under[key].append(ticket)
    found = {(min(p), max(p)) for some in under.values() for p in combinations(some[:COMMON], 2)}
    scored = ((pair, alike(gists[pair[0]], gists[pair[1]])) for pair in found)
    return {pair: score for pair, score in scored if score > 0}


def grouped(known: Sequence[FeaturedTicket], least: float) -> list[Group]:
    """Group these tickets by similarity."""
    of: dict[int, Any] = {one.ticket_id: one for one in known}
    groups = []
    for members in find_clusters(pairs_of({n: k.about for n, k in of.items()}), least):
        tickets = sorted((of[n] for n in members), key=lambda k: -k.ticket_id)
        groups.append(Group(tuple(tickets), about(tickets)))
    return groups


def about(members: Sequence[FeaturedTicket], most: int = 4) -> tuple[str, ...]:
    """Return the terms most members share, heaviest first."""
    weight: defaultdict[str, float] = defaultdict(float)
    often: defaultdict[str, int] = defaultdict(int)
    for one in members:
        for term, w in one.features.terms.items():
            weight[term] += w
            often[term] += 1
    common = [t for t, n in often.items() if n * 2 > len(members)]
    return tuple(sorted(common or weight, key=lambda t: (-weight[t], t))[:most])
