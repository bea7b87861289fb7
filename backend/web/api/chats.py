"""A person's chats: seeing them, choosing which is used first, ending one."""

from typing import Annotated

from pydantic import Field

from backend.domain.acts import Actor
from backend.domain.permissions import require
from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.services import Services
from backend.web import serializers, shapes
from backend.web.endpoint import Route
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import EmptyBody, RequestBody


class ChatPreferenceBody(RequestBody):
    """The network a person is told by first; null: as the office has it."""

    network: Annotated[str, Field(min_length=1, max_length=40, strict=True)] | None = None


async def load_person(services: Services, actor: Actor, code: str) -> Person:
    """Return a person whom an actor may see. Refused `unknown_person`."""
    person = (await services.office.snapshot()).by_code.get(code)
    if person is None or not actor.may_see(person.unit):
        raise Refused("unknown_person", person=code)
    return person


async def prefer_chat(services: Services, actor: Actor, code: str, network: str | None) -> Person:
    """Choose for oneself, or as an administrator for anybody. Refused `unknown_person`, `forbidden`, `not_bound_there`."""
    await load_person(services, actor, code)
    if actor.code != code:
        require(actor, "office.edit")
    return await services.people.prefer_chat(code, network, actor.code)


async def end_chat(services: Services, actor: Actor, code: str, network: str) -> Person:
    """End one of a person's chats; return who they were before. Refused `unknown_person`, `not_bound_there`, `forbidden`."""
    require(actor, "office.edit")
    person = await load_person(services, actor, code)
    await services.people.unbind(code, network, actor.code)
    return person


async def get_person(request: ApiRequest) -> ApiResponse[shapes.PersonWithChats]:
    """Return a person with their chats; unit roles see their own unit's."""
    person = await load_person(request.services, request.actor, request.path["code"])
    return ApiResponse(serializers.dump_chats(person, request.services))


async def store_preference(request: ApiRequest) -> ApiResponse[shapes.PersonWithChats]:
    """Choose the network a person is told by first."""
    person = await prefer_chat(request.services, request.actor, request.path["code"], request.body.network)
    return ApiResponse(serializers.dump_chats(person, request.services))


async def store_end(request: ApiRequest) -> ApiResponse[shapes.PersonWithChats]:
    """End the binding to one network."""
    services, code = request.services, request.path["code"]
    await end_chat(services, request.actor, code, request.path["network"])
    return ApiResponse(serializers.dump_chats(await load_person(services, request.actor, code), services))


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/people/{code}",                     get_person,
          refuses=("unknown_person",)),
    Route("PUT",  "/people/{code}/chat-preference",     store_preference, body=ChatPreferenceBody,
          refuses=("forbidden", "unknown_person", "not_bound_there")),
    Route("POST", "/people/{code}/chats/{network}/end", store_end, "office.edit", EmptyBody,
          refuses=("unknown_person", "not_bound_there")),
)
# fmt: on
