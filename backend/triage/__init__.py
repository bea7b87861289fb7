"""Similar tickets (相似诉求): found by subject, proposed for merging (并单), grouped into hot topics."""

from backend.triage.similarity import Similarity

__all__ = ["Similarity"]
