"""Similar tickets, dispatch suggestions, the dispatch catalogue, its figures and hot topics (A6, A18, A27)."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, TypedDict, TypeVar, cast

from pydantic import Field

from backend.domain.hot_list import HotTopic
from backend.domain.refusals import Refused
from backend.domain.suggestions import CatalogueEntry, Reason
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Category
from backend.ports.triage import GROUP_BY
from backend.triage.dispatching import DispatchSuggestions
from backend.triage.hot import HotList
from backend.triage.similarity import Similarity, SimilarTicket, TicketGroup
from backend.web.api import similarity_shapes as shapes
from backend.web.api.tickets import load_view
from backend.web.endpoint import Route
from backend.web.query import PAGED, SPAN, Filter, choice_filter, encode_cursor, parse_id, parse_limit, parse_row_cursor
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import Code, EmptyBody, RequestBody, ShortText
from backend.web.serializers import Serializer
from backend.web.shapes import Page


class _Row(TypedDict):
    id: int


R = TypeVar("R", bound=_Row)
MAX_SPAN_DAYS = 366  # longest span of a query in days


class CatalogueEntryBody(RequestBody):
    """An entry of the dispatch catalogue (A6)."""

    unit: Code
    category: Category | None = None
    keywords: ShortText | list[ShortText] = ""
    region: ShortText = ""
    basis: Annotated[str, Field(max_length=500, strict=True)] = ""
    valid_from: date | None = None
    valid_to: date | None = None


def parse_span(query: Mapping[str, str], today: date) -> tuple[date, date]:
    """Parse `from` and `to` as days, both included; by default this month so far. Refused `bad_field`."""
    found = {}
    for name, default in (("from", today.replace(day=1)), ("to", today)):
        text = query.get(name)
        try:
            found[name] = date.fromisoformat(text) if text else default
        except ValueError:
            raise Refused("bad_field", field=name) from None
        if not 2000 <= found[name].year <= 2100:
            raise Refused("bad_field", field=name)
    if not timedelta(0) <= found["to"] - found["from"] <= timedelta(days=MAX_SPAN_DAYS):
        raise Refused("bad_field", field="to")
    return found["from"], found["to"]


def paginate(request: ApiRequest, items: Sequence[R], *, ascending: bool) -> ApiResponse[Page[R]]:
    """Return a page of a short list of rows with an `id`, in their order. Refused `bad_cursor`, `bad_field`."""
    after, limit = parse_row_cursor(request.query), parse_limit(request.query)
    rest = [i for i in items if after is None or (i["id"] > after if ascending else i["id"] < after)]
    return ApiResponse(
        {"items": rest[:limit], "next": encode_cursor(rest[limit - 1]["id"]) if len(rest) > limit else None}
    )


# -- similar tickets and suggestions


async def list_similar(request: ApiRequest) -> ApiResponse[Page[shapes.Similar]]:
    """List similar tickets, most similar first; those with `repeat` are proposed for 并单."""
    view = await load_view(request, request.path["no"])
    service: Similarity = request.services.similarity
    serializer = await Serializer.create(request.services)
    found = await service.find_similar(view.ticket.ticket_no)
    return ApiResponse(
        {"items": [dump_similar(one, serializer, request.services.texts) for one in found], "next": None}
    )


def dump_similar(similar: SimilarTicket, serializer: Serializer, texts: Texts) -> shapes.Similar:
    """Serialize a similar ticket, with the reason in words."""
    ticket = similar.ticket
    reasons = [texts.render("similarity.why.caller")] if similar.same_caller else []
    if similar.shared:
        reasons.append(texts.render("similarity.why.shared", terms="、".join(similar.shared)))
    if similar.in_other_region:
        reasons.append(texts.render("similarity.why.elsewhere"))
    return {
        "ticket_no": ticket.ticket_no, "state": ticket.state, "title": serializer.mask(ticket.title, None),
        "category": ticket.category, "region": ticket.region, "unit": ticket.unit, "closed": ticket.closed,
        "generated_at": serializer.format_time(ticket.generated_at), "score": similar.score, "same_caller": similar.same_caller,
        "shared": list(similar.shared), "repeat": similar.is_repeat, "why": "；".join(reasons) if texts.language == "zh_CN" else "; ".join(reasons),
    }  # fmt: skip


async def list_suggestions(request: ApiRequest) -> ApiResponse[Page[shapes.Suggestion]]:
    """List units to dispatch a ticket to, best first, each with its reasons in words."""
    view = await load_view(request, request.path["no"])
    suggester: DispatchSuggestions = request.services.dispatch_suggestions
    return ApiResponse({"items": await dump_suggestions(suggester, view.ticket.ticket_no, request), "next": None})


async def dump_suggestions(
    suggester: DispatchSuggestions, ticket_no: str, request: ApiRequest
) -> list[shapes.Suggestion]:
    """Serialize a ticket's suggestions."""
    units = (await request.services.office.snapshot()).config.units
    return [
        {
            "unit": s.unit, "name": units[s.unit].name, "score": s.score,
            "reasons": [_dump_reason(r, request.services.texts) for r in s.reasons],
        }
        for s in await suggester.suggest_units(ticket_no)
    ]  # fmt: skip


def _dump_reason(reason: Reason, texts: Texts) -> shapes.SuggestionReason:
    facts: Any = reason.facts
    return cast(shapes.SuggestionReason, {"kind": reason.kind, **facts, "text": format_reason(reason, texts)})


def format_reason(reason: Reason, texts: Texts) -> str:
    """Return a reason in words."""
    facts = dict(reason.facts)
    for name in ("keywords", "tickets"):
        if name in facts:
            facts[name] = "、".join(facts[name]) if texts.language == "zh_CN" else ", ".join(facts[name])
    if facts.get("category"):
        facts["category"] = texts.get_word_or_value("category", facts["category"])
    return texts.render(f"similarity.reason.{reason.kind}", **facts)


# -- the catalogue


def dump_entry(row: CatalogueEntry) -> shapes.Entry:
    """Serialize a catalogue entry."""
    return {
        "id": row.id, "unit": row.unit, "category": row.category, "keywords": list(row.keywords), "region": row.region,
        "basis": row.basis, "valid_from": None if row.valid_from is None else row.valid_from.isoformat(),
        "valid_to": None if row.valid_to is None else row.valid_to.isoformat(),
    }  # fmt: skip


async def list_entries(request: ApiRequest) -> ApiResponse[Page[shapes.Entry]]:
    """List the catalogue."""
    return paginate(
        request,
        [dump_entry(row) for row in await request.services.dispatch_suggestions.list_rows()],
        ascending=True,
    )


async def add_entry(request: ApiRequest) -> ApiResponse[shapes.Entry]:
    """Add an entry by hand."""
    body = request.body.model_dump()
    if isinstance(body["keywords"], list):
        body["keywords"] = " ".join(body["keywords"])
    return ApiResponse(dump_entry(await request.services.dispatch_suggestions.add_row(body, request.actor)), 201)


async def remove_entry(request: ApiRequest) -> ApiResponse[shapes.RemovedEntry]:
    """Remove an entry."""
    await request.services.dispatch_suggestions.remove_row(parse_id(request.path["id"]), request.actor)
    return ApiResponse({"removed": parse_id(request.path["id"])})


# -- figures


async def list_misses(request: ApiRequest) -> ApiResponse[shapes.MissesOfSpan]:
    """Return 派单准确性: (accepted returns + reassigns) / dispatches."""
    start, end = parse_span(request.query, request.services.clock.now().date())
    by = request.query.get("by") or "unit"
    found = await request.services.dispatch_suggestions.count_dispatch_errors(start, end, by)
    items: list[shapes.Misses] = [{"name": m.name, "dispatches": m.dispatches, "returned": m.returned, "reassigned": m.reassigned,
              "rate": m.rate} for m in found]  # fmt: skip
    return ApiResponse({"from": start.isoformat(), "to": end.isoformat(), "by": by, "items": items, "next": None})


async def list_repeats(request: ApiRequest) -> ApiResponse[shapes.RepeatsOfSpan]:
    """Return repeats by unit and month (A18)."""
    start, end = parse_span(request.query, request.services.clock.now().date())
    items: list[shapes.Repeats] = [{"unit": r.unit, "month": r.month, "tickets": r.tickets, "repeats": r.repeats,
              "rate": f"{100 * r.repeats / r.tickets:.2f}"} for r in await request.services.dispatch_suggestions.count_repeats(start, end)]  # fmt: skip
    return ApiResponse({"from": start.isoformat(), "to": end.isoformat(), "items": items, "next": None})


async def get_hot_list(request: ApiRequest) -> ApiResponse[shapes.HotTopics]:
    """Return 热点: the most frequent topics, compared with as many days before."""
    start, end = parse_span(request.query, request.services.clock.now().date())
    found = await request.services.hot_topics.build(start, end, request.query.get("region", ""))
    return ApiResponse(dump_hot_list(found))


def dump_hot_list(found: HotList) -> shapes.HotTopics:
    """Serialize a hot list."""
    return {
        "from": found.start.isoformat(), "to": found.end.isoformat(), "before": found.previous_start.isoformat(),
        "total": found.total, "total_before": found.previous_total, "categories": _dump_topics(found.categories),
        "topics": _dump_topics(found.topics), "places": _dump_topics(found.places), "groups": [dump_group(g) for g in found.groups],
        "cut": found.is_truncated,
    }  # fmt: skip


def _dump_topics(some: Sequence[HotTopic]) -> list[shapes.Topic]:
    return [{"name": h.name, "count": h.count, "before": h.before, "growth": h.growth, "tickets": list(h.tickets)}
            for h in some]  # fmt: skip


def dump_group(group: TicketGroup) -> shapes.Group:
    """Serialize a group of similar tickets."""
    units = sorted({one.unit for one in group.members if one.unit})
    return {"about": list(group.common_terms), "count": len(group.members), "units": units,
            "tickets": [one.ticket_no for one in group.members]}  # fmt: skip


async def list_clusters(request: ApiRequest) -> ApiResponse[shapes.Clusters]:
    """List groups of similar tickets between two days, largest first, with their members."""
    start, end = parse_span(request.query, request.services.clock.now().date())
    groups, tickets = await request.services.similarity.group_period(
        *request.services.dispatch_suggestions.get_day_bounds(start, end)
    )
    serializer = await Serializer.create(request.services)
    return ApiResponse({"read": len(tickets), "groups": [dump_cluster(g, serializer) for g in groups]})


def dump_cluster(group: TicketGroup, serializer: Serializer) -> shapes.Cluster:
    """Serialize a group with its members' titles."""
    members: list[shapes.Member] = [
        {"ticket_no": one.ticket_no, "title": serializer.mask(one.title, None)} for one in group.members
    ]
    return {"about": list(group.common_terms), "members": members}


async def rebuild_index(request: ApiRequest) -> ApiResponse[shapes.Rebuilt]:
    """Rebuild the similarity index, after its word lists were changed."""
    return ApiResponse({"tickets": await request.services.similarity.rebuild()})


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",    "/tickets/{no}/like",        list_similar, "triage.read"),
    Route("GET",    "/tickets/{no}/suggestions", list_suggestions, "triage.read"),
    Route("GET",    "/catalogue",                list_entries, "triage.read", filters=PAGED),
    Route("POST",   "/catalogue",                add_entry, "catalogue.edit", CatalogueEntryBody, status=201,
          refuses=("unknown_unit", "exists", "catalogue_days", "catalogue_empty", "not_for_catalogue")),
    Route("POST",   "/catalogue/{id}/remove",    remove_entry, "catalogue.edit", EmptyBody),
    Route("GET",    "/dispatch-quality",         list_misses, "triage.read", filters=(*SPAN, choice_filter("by", GROUP_BY))),
    Route("GET",    "/repeats",                  list_repeats, "triage.read", filters=SPAN),
    Route("GET",    "/clusters",                 list_clusters, "triage.read", filters=SPAN),
    Route("POST",   "/similarity/rebuild",         rebuild_index, "triage.rebuild", EmptyBody),
    Route("GET",    "/hot",                      get_hot_list, "triage.read", filters=(*SPAN, Filter("region"))),
)
# fmt: on
