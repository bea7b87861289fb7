"""Indicators: time to sign, time to first contact, repeats, co-operation (A18)."""

from backend.reporting.indicators import MonthIndicators
from backend.web.endpoint import Route
from backend.web.query import UNIT, month_filter
from backend.web.request import ApiRequest, ApiResponse


async def get_indicators(request: ApiRequest) -> ApiResponse[MonthIndicators]:
    """Return a month's indicators by unit; unit roles see their own."""
    return ApiResponse(
        await request.services.indicators.get(request.query.get("month"), request.query.get("unit"), request.actor)
    )


ROUTES: tuple[Route, ...] = (Route("GET", "/indicators", get_indicators, filters=(month_filter(), UNIT)),)
