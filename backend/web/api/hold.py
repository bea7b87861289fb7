"""The hold after a restore: what waits and what passed meanwhile, and its release (FD13)."""

from datetime import datetime
from typing import Any

from pydantic import model_validator

from backend.domain.instants import from_micros
from backend.ports.hold import Release
from backend.web import schemas
from backend.web.endpoint import Route
from backend.web.request import ApiRequest, ApiResponse


class ReleaseBody(schemas.RequestBody):
    """What may still leave; `before` takes the place of the newest mark."""

    mode: Release = Release.NEWER
    before: schemas.Instant | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "ReleaseBody":
        if self.before is not None and self.mode is Release.ALL:
            raise ValueError("before: not with all")
        return self


async def get_hold(request: ApiRequest) -> ApiResponse:
    """Describe the hold."""
    report = await request.services.holds.describe()
    if report is None:
        return ApiResponse({"held": False})
    zone = request.services.clock.zone

    def at(value: int | datetime | None) -> str | None:
        moment = from_micros(value) if isinstance(value, int) else value
        return None if moment is None else moment.astimezone(zone).isoformat()

    hold = report.hold
    document: dict[str, Any] = {
        "held": True, "why": hold.why, "since": at(hold.since), "mark": at(hold.mark_at), "kept_until": at(hold.kept_until),
        "lost_until": at(hold.lost_until), "lost_lines": hold.lost_lines, "passed_duties": dict(report.passed_duties),
        "waiting": [
            {"what": one.what, "kind": one.kind, "older": one.older, "newer": one.newer, "oldest": at(one.oldest)}
            for one in report.waiting
        ],
    }  # fmt: skip
    return ApiResponse(document)


async def release(request: ApiRequest) -> ApiResponse:
    """Release the hold. Refused `not_held`."""
    body, holds = request.body, request.services.holds
    return ApiResponse({"dropped": await holds.release(body.mode, request.actor.code, before=body.before)})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/hold",         get_hold, "The hold after a restore", "hold.read"),
    Route("POST", "/hold/release", release,  "Release it", "hold.release", ReleaseBody),
)
# fmt: on
