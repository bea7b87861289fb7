"""Uses the office of the tickets tests."""

from tests.tickets.conftest import bench

__all__ = ["bench"]
