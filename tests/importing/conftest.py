"""The sample city."""

from tests.tickets.conftest import city

__all__ = ["city"]
