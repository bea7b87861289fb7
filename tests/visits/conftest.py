"""Visits are calls: they are tested in the world of the calls."""

from tests.calls.conftest import world

__all__ = ["world"]
