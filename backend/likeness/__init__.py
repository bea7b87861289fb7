"""Like demands (相似诉求): found by what they are about, proposed for 并单, grouped into what is hot."""

from backend.likeness.room import Likeness

__all__ = ["Likeness"]
