"""Indicators: time to sign, time to first contact, repeats, co-operation (A18)."""

from backend.domain.refusals import Refused
from backend.web.asked import Answer, Ask
from backend.web.gate import Route


async def of(ask: Ask) -> Answer:
    """Return a month's indicators by unit; unit roles see their own."""
    if ask.rooms.indicators is None:
        raise Refused("unavailable")
    return Answer(await ask.rooms.indicators.get(ask.query.get("month"), ask.query.get("unit"), ask.actor))


ROUTES: tuple[Route, ...] = (
    Route("GET", "/indicators", of, "Time to sign and to first contact, repeats", filters=("month", "unit")),
)
