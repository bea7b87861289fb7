"""List hot categories, topics, places and groups of a period, compared with the equally long one before (A27)."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend.domain.hot_list import HotTopic, Mention, find_common_regions, rank_hot_topics
from backend.domain.refusals import Refused
from backend.domain.similarity import filter_places
from backend.office.cache import OfficeCache
from backend.ports.triage import FeaturedTicket, FeatureStore
from backend.triage.segmenter import load_lexicon
from backend.triage.similarity import MAX_GROUPED, Similarity, TicketGroup, group_tickets

TOPIC_TERMS = 6  # heaviest terms of a ticket that may become topics
MAX_DAYS = 400  # days of one list


@dataclass(frozen=True, slots=True)
class HotList:
    """The list of a period; `before` is the first day of the equally long period before it."""

    start: date
    end: date
    previous_start: date
    total: int
    previous_total: int
    categories: tuple[HotTopic, ...]
    topics: tuple[HotTopic, ...]
    places: tuple[HotTopic, ...]
    groups: tuple[TicketGroup, ...]
    is_truncated: bool  # there were more tickets than are examined at once


class HotListBuilder:
    """Builds hot lists."""

    def __init__(self, store: FeatureStore, similarity: Similarity, office: OfficeCache) -> None:
        self._store, self._similarity, self._office = store, similarity, office

    async def build(self, start: date, end: date, region: str = "") -> HotList:
        """Build the list from the day `start` to the day `end`, both included, optionally of one region.

        Refused `bad_field`.
        """
        days = (end - start).days + 1
        if not 1 <= days <= MAX_DAYS:
            raise Refused("bad_field", field="to")
        await self._similarity.catch_up()
        before = start - timedelta(days=days)
        now = await self._store.find_between(
            self._start_of_day(start), self._start_of_day(end + timedelta(days=1)), MAX_GROUPED
        )
        past = await self._store.find_between(self._start_of_day(before), self._start_of_day(start), MAX_GROUPED)
        least = (await self._office.snapshot()).settings.integer("likeness.merge_from") / 100
        here, there = ([k for k in some if region in k.region] for some in (now, past))
        found = await asyncio.to_thread(_build_lists, here, there, least)
        cut = len(now) >= MAX_GROUPED or len(past) >= MAX_GROUPED
        return HotList(start, end, before, len(here), len(there), *found, cut)

    def _start_of_day(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self._office.clock.zone)


def _build_lists(
    now: list[FeaturedTicket], past: list[FeaturedTicket], least: float
) -> tuple[tuple[HotTopic, ...], tuple[HotTopic, ...], tuple[HotTopic, ...], tuple[TicketGroup, ...]]:
    own = find_common_regions([k.region for k in now])
    here, there = [_build_mention(k, own) for k in now], [_build_mention(k, own) for k in past]
    categories, topics, where = (
        tuple(rank_hot_topics(here, there, what)) for what in ("categories", "topics", "places")
    )
    return categories, topics, where, tuple(group_tickets(now, least)[:50])


def _build_mention(known: FeaturedTicket, own: frozenset[str]) -> Mention:
    """Extract a ticket's topics (its heaviest terms that are not places) and the places it names.

    Regions in `own`, and the names they contain, are not places: the whole city is no hot spot.
    """
    terms = list(known.features.terms)[:TOPIC_TERMS]
    named = filter_places(known.features.rare, load_lexicon())
    where = (name for name in (known.region, known.place, *named) if name)
    return Mention(
        known.ticket_no, known.category, tuple(t for t in terms if t not in named),
        tuple(name for name in where if not any(name in region for region in own)),
    )  # fmt: skip
