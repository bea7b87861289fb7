"""Find similar tickets: keep the features of each, propose repeats for merging (并单), group them (A18, Q23)."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations

from backend.domain.refusals import Refused
from backend.domain.similarity import (
    TicketFeatures,
    build_index_keys,
    find_clusters,
    find_shared_terms,
    is_elsewhere,
)
from backend.domain.ticket_enums import State
from backend.office.cache import OfficeCache
from backend.ports.ids import KeyValueStore
from backend.ports.triage import FeaturedTicket, FeatureSource, FeatureStore
from backend.triage.segmenter import extract_ticket_features, score_similarity

BATCH_SIZE = 500  # tickets read in one run
OVERLAP = timedelta(minutes=2)  # examined again, for what was recorded earlier but committed later
MAX_CANDIDATES = 60  # candidates compared word by word
MAX_PER_KEY = 200  # tickets of one key compared with each other when grouping
MAX_GROUPED = 20_000  # tickets grouped at once
_PROGRESS_KEY = "similarity.progress"
#: States in which a ticket cannot be a merge master.
NOT_MERGEABLE = (State.FINALIZED, State.ARCHIVED, State.CANCELLED, State.MERGED)


@dataclass(frozen=True, slots=True)
class SimilarTicket:
    """A ticket similar to the one asked about, and why."""

    ticket: FeaturedTicket
    score: float  # 0…1
    same_caller: bool
    shared: tuple[str, ...]  # heaviest terms of both
    in_other_region: bool  # they name different regions
    is_repeat: bool  # similar enough to propose merging (并单)


@dataclass(frozen=True, slots=True)
class TicketGroup:
    """Similar tickets: members newest first, and what they share."""

    members: tuple[FeaturedTicket, ...]
    common_terms: tuple[str, ...]


class Similarity:
    """Finds similar tickets. Features are extracted right after intake, and completed before any query."""

    def __init__(self, store: FeatureStore, office: OfficeCache, values: KeyValueStore) -> None:
        self._store, self._office, self._values = store, office, values
        self._lock = asyncio.Lock()
        self._queued: set[str] = set()

    # -- features

    def queue(self, no: str) -> None:
        """Queue a new or changed ticket: its features are extracted in the next run."""
        if len(self._queued) < BATCH_SIZE:  # any more are found through the journal
            self._queued.add(no)

    async def run_once(self) -> int:
        """Extract the features of tickets that have none yet, up to `AT_ONCE`; return how many."""
        async with self._lock:
            progress = await self._values.get(_PROGRESS_KEY)
            since = datetime.fromisoformat(progress) if progress else datetime(2000, 1, 1, tzinfo=UTC)
            started = self._office.clock.now()
            again, self._queued = self._queued, set()
            changed = [one for no in again if (one := await self._store.find_source(no)) is not None]
            pending, last = await self._store.list_pending(since, BATCH_SIZE)
            if pending or changed:
                new = {one.ticket_id for one in pending}
                both = [*pending, *(one for one in changed if one.ticket_id not in new)]
                await self._store.store_features(await asyncio.to_thread(_extract_all, both))
            upto = started if len(pending) < BATCH_SIZE or last is None else last
            if upto - since > 2 * OVERLAP:
                await self._values.put(_PROGRESS_KEY, (upto - OVERLAP).isoformat())
            return len(pending)

    async def catch_up(self) -> int:
        """Extract all that are pending; return how many."""
        made = 0
        while some := await self.run_once():
            made += some
        return made

    async def rebuild(self) -> int:
        """Discard and extract all features again (after `similarity.toml` was changed); return how many."""
        await self._store.delete_all()
        await self._values.put(_PROGRESS_KEY, datetime(2000, 1, 1, tzinfo=UTC).isoformat())
        return await self.catch_up()

    # -- queries

    async def find_similar(self, no: str, most: int = 10) -> Sequence[SimilarTicket]:
        """Find tickets similar to this one, most similar first. Refused `not_found`."""
        await self.run_once()
        ticket_text = await self._store.find_source(no)
        if ticket_text is None:
            raise Refused("not_found", ticket=no)
        return (await self.find_similar_to(ticket_text))[:most]

    async def find_similar_to(self, ticket_text: FeatureSource) -> list[SimilarTicket]:
        """Find all tickets similar to a demand, or by the same requester, most similar first."""
        about = await asyncio.to_thread(
            extract_ticket_features, ticket_text.title, ticket_text.text, ticket_text.place, ticket_text.region
        )
        settings = (await self._office.snapshot()).settings
        found = {
            k.ticket_id: k
            for k in await self._store.find_candidates(build_index_keys(about), ticket_text.ticket_id, MAX_CANDIDATES)
        }
        if ticket_text.caller is not None:
            found |= {
                k.ticket_id: k
                for k in await self._store.find_by_requester(ticket_text.caller, ticket_text.ticket_id, MAX_CANDIDATES)
            }
        show, merge = (settings.integer(f"likeness.{k}_from") / 100 for k in ("show", "merge"))
        return await asyncio.to_thread(_compare_all, ticket_text, about, list(found.values()), show, merge)

    async def group_period(
        self, start: datetime, end: datetime
    ) -> tuple[Sequence[TicketGroup], Sequence[FeaturedTicket]]:
        """Return groups of similar tickets generated in [`start`, `end`), largest first, and all tickets examined."""
        await self.catch_up()
        known = await self._store.find_between(start, end, MAX_GROUPED)
        least = (await self._office.snapshot()).settings.integer("likeness.merge_from") / 100
        return await asyncio.to_thread(group_tickets, known, least), known


def _extract_all(ticket_texts: Sequence[FeatureSource]) -> list[tuple[FeatureSource, TicketFeatures]]:
    return [(one, extract_ticket_features(one.title, one.text, one.place, one.region)) for one in ticket_texts]


def _compare_all(
    ticket_text: FeatureSource, about: TicketFeatures, found: Sequence[FeaturedTicket], show: float, merge: float
) -> list[SimilarTicket]:
    similar = []
    for one in found:
        score = round(score_similarity(about, one.features), 3)
        same_caller = ticket_text.caller is not None and one.caller == ticket_text.caller
        if score < show and not same_caller:
            continue
        repeat = one.state not in NOT_MERGEABLE and (
            score >= merge or (same_caller and one.category == ticket_text.category and score >= show)
        )
        similar.append(
            SimilarTicket(
                one,
                score,
                same_caller,
                find_shared_terms(about, one.features),
                is_elsewhere(about, one.features),
                repeat,
            )
        )
    return sorted(similar, key=lambda one: (-one.score - (1.0 if one.same_caller else 0.0), -one.ticket.ticket_id))


def score_pairs(features: Mapping[int, TicketFeatures]) -> dict[tuple[int, int], float]:
    """Score all pairs that share a key, by (smaller id, larger id); pairs that share none are not similar."""
    under: defaultdict[int, list[int]] = defaultdict(list)
    for ticket in sorted(features, reverse=True):
        for key in build_index_keys(features[ticket]):
            under[key].append(ticket)
    found = {(min(p), max(p)) for some in under.values() for p in combinations(some[:MAX_PER_KEY], 2)}
    scored = ((pair, score_similarity(features[pair[0]], features[pair[1]])) for pair in found)
    return {pair: score for pair, score in scored if score > 0}


def group_tickets(known: Sequence[FeaturedTicket], least: float) -> list[TicketGroup]:
    """Group these tickets by similarity."""
    by_id = {one.ticket_id: one for one in known}
    groups = []
    for members in find_clusters(score_pairs({n: k.features for n, k in by_id.items()}), least):
        tickets = sorted((by_id[n] for n in members), key=lambda k: -k.ticket_id)
        groups.append(TicketGroup(tuple(tickets), find_common_terms(tickets)))
    return groups


def find_common_terms(members: Sequence[FeaturedTicket], most: int = 4) -> tuple[str, ...]:
    """Return the terms most members share, heaviest first."""
    weight: defaultdict[str, float] = defaultdict(float)
    often: defaultdict[str, int] = defaultdict(int)
    for one in members:
        for term, w in one.features.terms.items():
            weight[term] += w
            often[term] += 1
    common = [t for t, n in often.items() if n * 2 > len(members)]
    return tuple(sorted(common or weight, key=lambda t: (-weight[t], t))[:most])
