"""Marks (赋分) as a room: months, quarters and years counted from the tables, ledgers, runs (B2, B3, B10-B12)."""

from backend.marks.room import Marks

__all__ = ["Marks"]
