"""Scoring (赋分) of months, quarters and years: counts from the tables, ledgers, runs (B2, B3, B10-B12)."""

from backend.scoring.service import Scoring

__all__ = ["Scoring"]
