"""The request an API handler receives and the response it returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web

from backend.domain.acts import Actor, Sight
from backend.services import Services

T = TypeVar("T")
SERVICES = web.AppKey("services", Services)
#: The request's id, kept on the aiohttp request.
REQUEST_ID = web.RequestKey("request_id", str)
#: Who sends it, once that is known.
ACTOR = web.RequestKey("actor", Actor)


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part of a multipart body."""

    name: str
    filename: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A validated request: who asks, path values, filters and body."""

    services: Services
    actor: Actor
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None  # a validated model, or None
    parts: Sequence[FormPart] = ()

    @property
    def seen_by(self) -> Sight | None:
        """Whose tickets the actor may see; None: all."""
        return self.actor.sight


@dataclass(frozen=True, slots=True)
class ApiResponse(Generic[T]):
    """A handler's response: JSON, unless `raw` holds a file's bytes.

    A handler returns `ApiResponse[Shape]`; that annotation is what the OpenAPI document says of it (XS12). A file is
    `ApiResponse[None]`.
    """

    payload: T
    status: int = 200
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
