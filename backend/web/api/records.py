"""Registers behind manual items, and the knowledge base."""

from backend.scoring.knowledge import STATES, Knowledge, OfferedKnowledge
from backend.scoring.registers import KINDS, RegisterItem
from backend.web.api.duty_roster import Ended
from backend.web.api.scoring import list_given
from backend.web.api.scoring_schemas import KnowledgeBody, OpinionBody, RegisterBody
from backend.web.endpoint import Route
from backend.web.query import PAGED, UNIT, Filter, choice_filter, encode_cursor, parse_id, parse_limit, parse_row_cursor
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import EmptyBody
from backend.web.shapes import Page

REGISTERS = tuple(KINDS)


async def write_knowledge(request: ApiRequest) -> ApiResponse[Knowledge]:
    """Write a knowledge record."""
    return ApiResponse(await request.services.scoring.knowledge.write(list_given(request.body), request.actor), 201)


async def list_knowledge(request: ApiRequest) -> ApiResponse[Page[OfferedKnowledge]]:
    """List the knowledge base, newest first."""
    q = request.query
    found, next_id = await request.services.scoring.knowledge.list_entries(
        request.actor,
        unit=q.get("unit"),
        state=q.get("state"),
        search=q.get("q", ""),
        before=parse_row_cursor(q),
        limit=parse_limit(q),
    )
    return ApiResponse({"items": found, "next": encode_cursor(next_id)})


async def review_knowledge(request: ApiRequest) -> ApiResponse[Knowledge]:
    """Record the institution's decision on a knowledge record."""
    service = request.services.scoring.knowledge
    return ApiResponse(
        await service.review(parse_id(request.path["id"]), request.body.accept, request.body.opinion, request.actor)
    )


async def add_register_entry(request: ApiRequest) -> ApiResponse[RegisterItem]:
    """Add a register entry."""
    return ApiResponse(
        await request.services.scoring.registers.add(request.path["kind"], list_given(request.body), request.actor),
        201,
    )


async def list_register(request: ApiRequest) -> ApiResponse[Page[RegisterItem]]:
    """List a register, newest first."""
    found = await request.services.scoring.registers.list_entries(
        request.path["kind"], request.actor, request.query.get("unit")
    )
    return ApiResponse({"items": found, "next": None})


async def end_register_entry(request: ApiRequest) -> ApiResponse[Ended]:
    """End a register entry."""
    await request.services.scoring.registers.end(request.path["kind"], parse_id(request.path["id"]), request.actor)
    return ApiResponse({"ended": True})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/knowledge",                   list_knowledge, filters=(UNIT, choice_filter("state", STATES), Filter("q"), *PAGED)),
    Route("POST", "/knowledge",                   write_knowledge, body=KnowledgeBody, status=201,
          refuses=("forbidden", "unknown_unit", "not_found")),
    Route("POST", "/knowledge/{id}/review",       review_knowledge, body=OpinionBody,
          refuses=("forbidden", "nothing_pending", "same_person")),
    Route("GET",  "/registers/{kind}",            list_register, kinds=REGISTERS, filters=(UNIT,),
          refuses=("unknown_register", "forbidden")),
    Route("POST", "/registers/{kind}",            add_register_entry, kinds=REGISTERS, body=RegisterBody, status=201,
          refuses=("unknown_register", "forbidden", "unknown_unit", "unknown_file")),
    Route("POST", "/registers/{kind}/{id}/end",   end_register_entry, "scores.edit", EmptyBody, kinds=REGISTERS,
          refuses=("unknown_register",)),
)
# fmt: on
