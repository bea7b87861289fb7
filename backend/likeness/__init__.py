"""Similar tickets (相似诉求): found by subject, proposed for merging (并单), grouped into hot topics."""

from backend.likeness.room import Likeness

__all__ = ["Likeness"]
