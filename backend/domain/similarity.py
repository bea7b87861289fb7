"""Similarity of demands (相似诉求): features, index keys that find similar ones, how similar two are (A18, Q23).

Pure: words arrive already segmented (backend/triage/segmenter.py); only the lexicon knows a language.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

MAX_TERMS = 24  # kept of a demand
MAX_SINGLE_KEYS = 12  # of those, index keys by themselves
MAX_PAIRED_TERMS = 6  # of those, index keys in pairs, where one alone is too common
MIN_WEIGHT = 5.0  # weight below which a word is ignored
CODE_WEIGHT = 3.0  # of Latin letters and digits: house numbers, codes of anonymised places
ELSEWHERE_FACTOR = 0.45  # factor on the similarity between two regions
VAGUE_FACTOR = 0.7  # factor without one rare word in common: two who ask the same in general
RARE_WEIGHT = 13.0  # weight from which a word is rare: about one in half a million, or unknown (most names are)
JOIN_SHARE = 0.85  # share of the threshold that the average of two groups must reach to join
PLACE_BONUS = 0.10  # added for a shared place name
WORDING_SHARE = 0.35  # share of the wording (0…1 from the service) in a similarity; the rest is shared term weight

_LATIN = re.compile(r"[A-Za-z0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """`backend/data/similarity.toml`: words without content, endings of regions by level, endings of places."""

    courtesy: frozenset[str]
    regions: Mapping[str, tuple[str, ...]]
    not_regions: frozenset[str]
    places: tuple[str, ...]

    @staticmethod
    def parse(document: Mapping[str, object]) -> "Lexicon":
        """Build it from the parsed file. Raises KeyError if a part is missing."""
        regions, words, places = document["regions"], document["not_regions"], document["places"]
        assert isinstance(regions, Mapping) and isinstance(words, Mapping) and isinstance(places, Mapping)
        courtesy = document["courtesy"]
        assert isinstance(courtesy, Sequence)
        return Lexicon(
            frozenset(courtesy), {level: tuple(ends) for level, ends in regions.items()}, frozenset(words["words"]),
            tuple(places["endings"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TicketFeatures:
    """The features of a demand: its heaviest terms (heaviest first), its title's words, `level:name` of its regions,
    and those of its terms that are rare, which names mostly are."""

    terms: Mapping[str, float]
    title: tuple[str, ...] = ()
    regions: frozenset[str] = field(default_factory=frozenset)
    rare: frozenset[str] = field(default_factory=frozenset)

    @property
    def length(self) -> float:
        """The Euclidean length of the weights."""
        return math.sqrt(sum(w * w for w in self.terms.values()))


def extract_features(
    title: Sequence[str], text: Sequence[str], place: Sequence[str], region: str, weight: Callable[[str], float],
    lexicon: Lexicon,
) -> TicketFeatures:  # fmt: skip
    """Extract the features of a demand from its words; `weight` is how rare a word is in the language at large.

    A word of the title or the place counts about twice one of the text; repeating a word adds little.
    """
    head = join_codes([*title, *place], lexicon)
    counts = Counter(join_codes(text, lexicon))
    head_terms = set(head)
    weights: dict[str, float] = {}
    rare: set[str] = set()
    for term in {*counts, *head_terms}:
        if len(term) < 2 or term in lexicon.courtesy or term.isdigit() or find_region_level(term, lexicon):
            continue
        term_weight = CODE_WEIGHT if _LATIN.fullmatch(term) else weight(term)
        if term_weight >= RARE_WEIGHT:
            rare.add(term)
        if term_weight >= MIN_WEIGHT:
            weights[term] = term_weight * (1 + 0.5 * math.log1p(counts[term]) + (1.0 if term in head_terms else 0.0))
    heaviest = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_TERMS]
    regions = frozenset(r for name in (*head, region) for r in _region_keys(name, lexicon))
    words = tuple(t for t in dict.fromkeys(join_codes(title, lexicon)) if t not in lexicon.courtesy and len(t) > 1)
    terms = {t: round(w, 2) for t, w in heaviest}
    return TicketFeatures(terms, words, regions, frozenset(rare & terms.keys()))


def _region_keys(name: str, lexicon: Lexicon) -> list[str]:
    """Return a region as `level:name`; where codes replace names (`A3区`), add the city by its letters."""
    level = find_region_level(name, lexicon)
    if level is None:
        return []
    code = _LATIN.match(name)
    return [f"{level}:{name}", *([f"code:{code[0].rstrip('0123456789').upper()}"] if code else [])]


def build_caller_key(name: str, words: str) -> str:
    """Return what identifies a caller without a number: name and exact words, without spaces (blindly indexed)."""
    return "\n".join(("said", "".join(name.split()), "".join(words.split())))


def join_codes(words: Sequence[str], lexicon: Lexicon) -> list[str]:
    """Join a code with the ending of a region after it: `A3`, `区` is a region of an anonymised sheet."""
    endings = {e for ends in lexicon.regions.values() for e in ends}
    found: list[str] = []
    for word in words:
        if found and len(word) == 1 and word in endings and _LATIN.fullmatch(found[-1]):
            found[-1] += word
        else:
            found.append(word)
    return found


def find_region_level(word: str, lexicon: Lexicon) -> str | None:
    """Return which level of region a word names, if any; two characters are a name only if one is a code."""
    if word in lexicon.not_regions or len(word) < 2 or (len(word) == 2 and not word[0].isascii()):
        return None
    return next((level for level, ends in lexicon.regions.items() if word.endswith(ends)), None)


def build_index_keys(features: TicketFeatures) -> tuple[int, ...]:
    """Return the index keys of a demand: its heaviest terms, and the very heaviest in pairs. Signed 64 bits."""
    terms = list(features.terms)
    pairs = ("\n".join(sorted(pair)) for pair in combinations(terms[:MAX_PAIRED_TERMS], 2))
    return tuple(dict.fromkeys(map(_key, (*terms[:MAX_SINGLE_KEYS], *pairs))))


def _key(term: str) -> int:
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "big", signed=True)


def compute_overlap(one: TicketFeatures, other: TicketFeatures) -> float:
    """Return how much weight two demands share, 0…1 (the cosine of their terms)."""
    length = one.length * other.length
    return sum(w * other.terms[t] for t, w in one.terms.items() if t in other.terms) / length if length else 0.0


def is_elsewhere(one: TicketFeatures, other: TicketFeatures) -> bool:
    """Return whether both name regions of one level but none in common: the same matter elsewhere is another matter."""
    levels = {r.partition(":")[0] for r in one.regions} & {r.partition(":")[0] for r in other.regions}
    return any(not {r for r in one.regions & other.regions if r.startswith(f"{level}:")} for level in levels)


def find_shared_terms(one: TicketFeatures, other: TicketFeatures, most: int = 5) -> tuple[str, ...]:
    """Return the heaviest terms of both, for the reason given to people."""
    both = [(w + other.terms[t], t) for t, w in one.terms.items() if t in other.terms]
    return tuple(t for _, t in sorted(both, key=lambda pair: (-pair[0], pair[1]))[:most])


def filter_places(terms: Iterable[str], lexicon: Lexicon) -> tuple[str, ...]:
    """Return those of the terms that name a particular place."""
    return tuple(t for t in terms if len(t) > 2 and t.endswith(lexicon.places))


def compute_similarity(one: TicketFeatures, other: TicketFeatures, wording: float, lexicon: Lexicon) -> float:
    """Return how similar two demands are, 0…1. `wording` (0…1): how similarly they are written, from the service."""
    plain = (1 - WORDING_SHARE) * compute_overlap(one, other) + WORDING_SHARE * wording
    if is_elsewhere(one, other):
        return plain * ELSEWHERE_FACTOR
    rare = one.rare & other.rare
    if not rare:
        return plain * VAGUE_FACTOR
    return min(1.0, plain + (PLACE_BONUS if filter_places(rare, lexicon) else 0.0))


def find_clusters(pairs: Mapping[tuple[int, int], float], threshold: float) -> list[frozenset[int]]:
    """Return groups of similar demands, largest first. `pairs` are similarities of (smaller id, larger id).

    The most similar are joined first; two groups join only if their cross pairs are similar enough on average
    (a pair not given counts 0), so that a chain of half-similar demands does not become one group.
    """
    group: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    between: dict[int, dict[int, float]] = {}
    for (a, b), value in pairs.items():
        for one, other in ((a, b), (b, a)):
            group.setdefault(one, one)
            members.setdefault(one, [one])
            between.setdefault(one, {})[other] = value
    for (a, b), value in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0])):
        if value < threshold:
            break
        one, other = group[a], group[b]
        if one == other or between[one].get(other, 0.0) < JOIN_SHARE * threshold * len(members[one]) * len(
            members[other]
        ):
            continue
        if len(members[one]) < len(members[other]):
            one, other = other, one
        _join(one, other, group, members, between)
    found = [frozenset(m) for m in members.values() if len(m) > 1]
    return sorted(found, key=lambda m: (-len(m), min(m)))


def _join(
    one: int, other: int, group: dict[int, int], members: dict[int, list[int]], between: dict[int, dict[int, float]]
) -> None:
    """Merge the second group into the first; sums of cross pairs are kept beside the groups."""
    for ticket in members[other]:
        group[ticket] = one
    members[one] += members.pop(other)
    for third, total in between.pop(other).items():
        if third == one:
            continue
        between[one][third] = between[third][one] = between[one].get(third, 0.0) + total
        between[third].pop(other, None)
    between[one].pop(other, None)
