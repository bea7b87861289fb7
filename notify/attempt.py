"""Tells whether a failed request may have arrived: the difference between transient and ambiguous."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from aiohttp import ClientSession, TraceConfig


class RequestAttempt:
    """One request. `connected` once it had a connection: from then on it may have been accepted.

    Refused connections, DNS errors, TLS failures and waiting for a free connection all come before that.
    """

    connected = False


_current: ContextVar[RequestAttempt | None] = ContextVar("attempt", default=None)


@contextmanager
def track_request() -> Iterator[RequestAttempt]:
    """Track the request made inside the block, in a session with `build_trace_config()` among its trace configs."""
    one = RequestAttempt()
    token = _current.set(one)
    try:
        yield one
    finally:
        _current.reset(token)


async def _connected(session: ClientSession, context: object, params: Any) -> None:
    if one := _current.get():
        one.connected = True


def build_trace_config() -> TraceConfig:
    """Build a trace config that sets `RequestAttempt.connected`."""
    trace = TraceConfig()
    trace.on_connection_create_end.append(_connected)
    trace.on_connection_reuseconn.append(_connected)
    return trace
