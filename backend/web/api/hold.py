"""The hold after a restore: what waits and what passed meanwhile, and its release (FD13)."""

from datetime import datetime
from typing import NotRequired

from pydantic import model_validator
from typing_extensions import TypedDict

from backend.domain.instants import from_micros
from backend.domain.json_shapes import Instant
from backend.ports.backups import Release
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


class Waiting(TypedDict):
    """What waits to leave: how much of it is older and newer than the mark."""

    what: str
    kind: str
    older: int
    newer: int
    oldest: Instant | None


class Hold(TypedDict):
    """The hold; without one there is `held` alone."""

    held: bool
    why: NotRequired[str]
    since: NotRequired[Instant | None]
    mark: NotRequired[Instant | None]
    kept_until: NotRequired[Instant | None]
    lost_until: NotRequired[Instant | None]
    lost_lines: NotRequired[int | None]
    passed_duties: NotRequired[dict[str, int]]
    waiting: NotRequired[list[Waiting]]


class Released(TypedDict):
    """How much was dropped."""

    dropped: int


async def get_hold(request: ApiRequest) -> ApiResponse[Hold]:
    """Describe the hold."""
    report = await request.services.holds.describe()
    if report is None:
        return ApiResponse({"held": False})
    zone = request.services.clock.zone

    def at(value: int | datetime | None) -> str | None:
        moment = from_micros(value) if isinstance(value, int) else value
        return None if moment is None else moment.astimezone(zone).isoformat()

    hold = report.hold
    document: Hold = {
        "held": True, "why": hold.why, "since": at(hold.since), "mark": at(hold.mark_at), "kept_until": at(hold.kept_until),
        "lost_until": at(hold.lost_until), "lost_lines": hold.lost_lines, "passed_duties": dict(report.passed_duties),
        "waiting": [
            {"what": one.what, "kind": one.kind, "older": one.older, "newer": one.newer, "oldest": at(one.oldest)}
            for one in report.waiting
        ],
    }  # fmt: skip
    return ApiResponse(document)


async def release(request: ApiRequest) -> ApiResponse[Released]:
    """Release the hold. Refused `not_held`."""
    body, holds = request.body, request.services.holds
    return ApiResponse({"dropped": await holds.release(body.mode, request.actor.code, before=body.before)})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/hold",         get_hold, "hold.read"),
    Route("POST", "/hold/release", release, "hold.release", ReleaseBody,
          refuses=("not_held",)),
)
# fmt: on
