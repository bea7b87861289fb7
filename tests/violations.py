"""Hears every request outside a provider's description, wherever in a test it is made (XR9, G14)."""

import logging

from sandbox.faults import VIOLATION_LOG


class ViolationListener(logging.Handler):
    """Keeps what the simulated networks and the fakes report, until it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        logging.getLogger(VIOLATION_LOG).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())

    def take(self) -> list[str]:
        """Return what was heard since the last time."""
        heard, self.heard = self.heard, []
        return heard
