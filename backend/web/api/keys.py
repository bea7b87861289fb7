"""API keys: made and rotated (shown once), listed, revoked."""

from datetime import datetime

from typing_extensions import TypedDict

from backend.domain.json_shapes import Instant
from backend.identity.keys import is_living
from backend.web import schemas
from backend.web.endpoint import Route
from backend.web.query import parse_id
from backend.web.request import ApiRequest, ApiResponse


class CreatedKey(TypedDict):
    """An API key; it is shown once."""

    key: str


class RevokedKey(TypedDict):
    """The name of the key that opens nothing any more."""

    name: str


class KeyItem(TypedDict):
    """A key without its secret. `used_at`: its last use, to the minute."""

    id: int
    name: str
    person: str | None
    role: str | None
    unit: str | None
    living: bool
    created_at: Instant
    made_by: str
    expires_at: Instant | None
    used_at: Instant | None
    revoked_at: Instant | None
    revoked_by: str | None


class KeyList(TypedDict):
    """All keys."""

    items: list[KeyItem]


async def create_key(request: ApiRequest) -> ApiResponse[CreatedKey]:
    """Create an API key, shown once. Refused as `ApiKeys.create` says."""
    body, made_by = request.body, request.actor.code
    secret = await request.services.api_keys.create(
        body.name, made_by, person=body.person, role=body.role, unit=body.unit, days=body.days
    )
    return ApiResponse({"key": secret}, 201, headers={"Cache-Control": "no-store"})


async def list_keys(request: ApiRequest) -> ApiResponse[KeyList]:
    """All keys, the newest first; never a secret."""
    zone, now = request.services.clock.zone, request.services.clock.now()

    def write(at: datetime | None) -> str | None:
        return None if at is None else at.astimezone(zone).isoformat()

    items: list[KeyItem] = [
        {
            "id": one.id, "name": one.key.name, "person": one.key.person, "role": one.key.role, "unit": one.key.unit,
            "living": is_living(one, now), "created_at": one.created_at.astimezone(zone).isoformat(), "made_by": one.made_by,
            "expires_at": write(one.expires_at), "used_at": write(one.used_at), "revoked_at": write(one.revoked_at),
            "revoked_by": one.revoked_by,
        }
        for one in await request.services.api_keys.list_all()
    ]  # fmt: skip
    return ApiResponse({"items": items})


async def revoke_key(request: ApiRequest) -> ApiResponse[RevokedKey]:
    """Revoke a key. Refused `unknown_key`."""
    revoked = await request.services.api_keys.revoke(parse_id(request.path["id"]), request.actor.code)
    return ApiResponse({"name": revoked.key.name})


async def rotate_key(request: ApiRequest) -> ApiResponse[CreatedKey]:
    """Make a key like this one, shown once; the old one ends after the overlap. Refused `unknown_key`."""
    secret = await request.services.api_keys.rotate(
        parse_id(request.path["id"]), request.actor.code, request.body.overlap_hours
    )
    return ApiResponse({"key": secret}, 201, headers={"Cache-Control": "no-store"})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("POST", "/keys",             create_key, "office.edit", schemas.KeyBody, status=201, shown_once=True,
          refuses=("reserved_code", "unknown_person", "unknown_unit", "exists")),
    Route("GET",  "/keys",             list_keys, "office.edit"),
    Route("DELETE", "/keys/{id}",      revoke_key, "office.edit", refuses=("unknown_key",)),
    Route("POST", "/keys/{id}/rotate", rotate_key, "office.edit", schemas.RotateBody, status=201, shown_once=True,
          refuses=("unknown_key", "exists")),
)
# fmt: on
