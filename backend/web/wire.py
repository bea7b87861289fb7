"""What the wire itself may say in the log: nothing about bytes that are no HTTP, or the log could be flooded (FW29, G18)."""

import logging

from aiohttp.http_exceptions import HttpProcessingError


class _NoNoise(logging.Filter):
    """Drops what strangers cause by sending rubbish or by leaving; they were answered 400 or are gone."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a line."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, (HttpProcessingError, ConnectionError))


def wire_log() -> logging.Logger:
    """The logger of the server below the door."""
    logger = logging.getLogger("jiesu.wire")
    if not logger.filters:
        logger.addFilter(_NoNoise())
    return logger
