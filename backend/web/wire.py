"""The HTTP server's own logger: says nothing of bytes that are not HTTP, which could flood the log (FW29, G18)."""

import logging

from aiohttp.http_exceptions import HttpProcessingError


class _ClientErrorFilter(logging.Filter):
    """Drops errors that clients cause by sending garbage or disconnecting; they got a 400 or are gone."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep the record."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, (HttpProcessingError, ConnectionError))


def get_server_logger() -> logging.Logger:
    """Return the logger for aiohttp's server."""
    logger = logging.getLogger("jiesu.wire")
    if not logger.filters:
        logger.addFilter(_ClientErrorFilter())
    return logger
