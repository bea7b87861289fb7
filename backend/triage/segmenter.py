"""Segment a demand into words and score how similar two are; the only file that uses jieba and rapidfuzz."""

import math
import os
import re
import tempfile
import threading
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from backend.domain.similarity import (
    Lexicon,
    TicketFeatures,
    compute_overlap,
    compute_similarity,
    extract_features,
)

MAX_CHARS = 2_000  # characters of a text that are read; enough to say what it is about
UNKNOWN_WORD_WEIGHT = 14.0  # weight of a word not in the dictionary: most often a name
MIN_OVERLAP = 0.12  # shared weight below which two demands are not compared word by word
_LOCK = threading.Lock()


@cache
def load_lexicon() -> Lexicon:
    """Load `backend/data/similarity.toml`."""
    return Lexicon.parse(tomllib.loads((files("backend") / "data" / "similarity.toml").read_text("utf-8")))


@cache
def _load_segmenter() -> tuple[Callable[[str], list[str]], Callable[[str], float]]:
    """Load the segmenter and the weight of a word (ln of its rarity); takes about a second, once."""
    import logging

    import jieba

    with _LOCK:
        jieba.setLogLevel(logging.WARNING)
        jieba.dt.tmp_dir = _cache_folder()
        jieba.initialize()
    known, total = jieba.dt.FREQ, jieba.dt.total

    def weight(word: str) -> float:
        often = known.get(word)
        return math.log(total / often) if often else UNKNOWN_WORD_WEIGHT

    return jieba.lcut, weight


def _cache_folder() -> str:
    """Return the dictionary's cache folder, private to this user (not /tmp): its content is loaded unchecked."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jiesu"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return tempfile.mkdtemp(prefix="jiesu-")
    return str(home)


@cache
def _coded_region_pattern() -> re.Pattern[str]:
    """Compile the pattern of a region as anonymised sheets write it: `A3` and an ending."""
    endings = "".join(e for ends in load_lexicon().regions.values() for e in ends)
    return re.compile(rf"([A-Za-z]\d*[{endings}])")


def segment(text: str) -> list[str]:
    """Segment a text, keeping coded regions whole. Slow the first time: call it in a thread."""
    cut = _load_segmenter()[0]
    pattern = _coded_region_pattern()
    pieces = (piece for piece in pattern.split(text[:MAX_CHARS]) if piece)
    return [word for piece in pieces for word in ([piece] if pattern.fullmatch(piece) else cut(piece))]


def extract_ticket_features(title: str, text: str, place: str, region: str) -> TicketFeatures:
    """Extract what a demand is about. Slow the first time: call it in a thread."""
    return extract_features(segment(title), segment(text), segment(place), region, _load_segmenter()[1], load_lexicon())


def score_wording(one: TicketFeatures, other: TicketFeatures) -> float:
    """Score how similarly two demands are worded, 0…1: terms and titles as word sets, tolerating typing errors."""
    fuzz: Any = _load_fuzz()
    terms = fuzz.token_set_ratio(" ".join(one.terms), " ".join(other.terms))
    return float(terms + fuzz.token_set_ratio(" ".join(one.title), " ".join(other.title))) / 200


@cache
def _load_fuzz() -> Any:
    from rapidfuzz import fuzz

    return fuzz


def score_similarity(one: TicketFeatures, other: TicketFeatures) -> float:
    """Score how similar two demands are, 0…1; 0 if they share next to nothing."""
    if compute_overlap(one, other) < MIN_OVERLAP:
        return 0.0
    return compute_similarity(one, other, score_wording(one, other), load_lexicon())
