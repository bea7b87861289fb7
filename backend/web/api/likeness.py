"""Similar tickets, dispatch suggestions, the dispatch catalogue, its figures and hot topics (A6, A18, A27)."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import Field

from backend.domain.hot_list import HotTopic
from backend.domain.refusals import Refused
from backend.domain.suggestions import CatalogueEntry, Reason
from backend.domain.texts import Texts
from backend.domain.ticket import Category, Role
from backend.triage.dispatching import DispatchSuggestions
from backend.triage.hot import HotList
from backend.triage.similarity import Similarity, SimilarTicket, TicketGroup
from backend.web.api.tickets import view_of
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.queries import cursor, limit_of, place_of
from backend.web.shapes import Shaper
from backend.web.wants import Code, Nothing, Short, Want

OFFICE = frozenset(
    {Role.DISPATCHER, Role.REVIEWER, Role.SUPERVISOR, Role.REVISIT_AGENT, Role.SCORE_CLERK, Role.AUDITOR}
)
KEEPERS = frozenset({Role.DISPATCHER})
LONG_AGO = 366  # longest span of a query in days


class RowWant(Want):
    """An entry of the dispatch catalogue (A6)."""

    unit: Code
    category: Category | None = None
    keywords: Short | list[Short] = ""
    region: Short = ""
    basis: Annotated[str, Field(max_length=500, strict=True)] = ""
    valid_from: date | None = None
    valid_to: date | None = None


R = TypeVar("R")


def room_of(room: R | None) -> R:
    """Return a service that may be absent. Refused `unavailable`."""
    if room is None:
        raise Refused("unavailable")
    return room


def number_of(ask: Ask) -> int:
    """Parse the entry's id from the path. Refused `not_found`."""
    written = ask.path["id"]
    if not (written.isascii() and written.isdigit() and len(written) <= 18):
        raise Refused("not_found", id=written)
    return int(written)


def span_of(query: Mapping[str, str], today: date) -> tuple[date, date]:
    """Parse `from` and `to` as days, both included; by default this month so far. Refused `bad_field`."""
    found = {}
    for name, absent in (("from", today.replace(day=1)), ("to", today)):
        written = query.get(name)
        try:
            found[name] = date.fromisoformat(written) if written else absent
        except ValueError:
            raise Refused("bad_field", field=name) from None
        if not 2000 <= found[name].year <= 2100:
            raise Refused("bad_field", field=name)
    if not timedelta(0) <= found["to"] - found["from"] <= timedelta(days=LONG_AGO):
        raise Refused("bad_field", field="to")
    return found["from"], found["to"]


def paged(ask: Ask, items: Sequence[dict[str, Any]], *, rising: bool) -> Answer:
    """Return a page of a short list of rows with an `id`, in their order. Refused `bad_cursor`, `bad_field`."""
    after, most = place_of(ask.query), limit_of(ask.query)
    left = [i for i in items if after is None or (i["id"] > after if rising else i["id"] < after)]
    return Answer({"items": left[:most], "next": cursor(left[most - 1]["id"]) if len(left) > most else None})


# -- similar tickets and suggestions


async def like(ask: Ask) -> Answer:
    """List similar tickets, most similar first; those with `repeat` are proposed for 并单."""
    await view_of(ask, ask.path["no"])
    room: Similarity = room_of(ask.rooms.likeness)
    shaper = await Shaper.of(ask.rooms)
    found = await room.find_similar(ask.path["no"])
    return Answer({"items": [like_json(one, shaper, ask.rooms.catalogue) for one in found], "next": None})


def like_json(one: SimilarTicket, shaper: Shaper, words: Texts) -> dict[str, Any]:
    """Serialize a similar ticket, with the reason in words."""
    known = one.ticket
    why = [words.render("likeness.why.caller")] if one.same_caller else []
    if one.shared:
        why.append(words.render("likeness.why.shared", terms="、".join(one.shared)))
    if one.in_other_region:
        why.append(words.render("likeness.why.elsewhere"))
    return {
        "ticket_no": known.no, "state": known.state, "title": shaper.masked(known.title, None),
        "category": known.category, "region": known.region, "unit": known.unit, "closed": known.closed,
        "generated_at": shaper.at(known.generated_at), "score": one.score, "same_caller": one.same_caller,
        "shared": list(one.shared), "repeat": one.is_repeat, "why": "；".join(why) if words.language == "zh_CN" else "; ".join(why),
    }  # fmt: skip


async def suggestions(ask: Ask) -> Answer:
    """List units to dispatch a ticket to, best first, each with its reasons in words."""
    await view_of(ask, ask.path["no"])
    aid: DispatchSuggestions = room_of(ask.rooms.aid)
    return Answer({"items": await suggested(aid, ask.path["no"], ask), "next": None})


async def suggested(aid: DispatchSuggestions, no: str, ask: Ask) -> list[dict[str, Any]]:
    """Serialize a ticket's suggestions."""
    units = (await ask.rooms.office.snapshot()).config.units
    return [
        {
            "unit": s.unit, "name": units[s.unit].name, "score": s.score,
            "reasons": [{"kind": r.kind, **r.facts, "text": reason_text(r, ask.rooms.catalogue)} for r in s.reasons],
        }
        for s in await aid.suggest_units(no)
    ]  # fmt: skip


def reason_text(reason: Reason, words: Texts) -> str:
    """Return a reason in words."""
    facts = dict(reason.facts)
    for name in ("keywords", "tickets"):
        if name in facts:
            facts[name] = "、".join(facts[name]) if words.language == "zh_CN" else ", ".join(facts[name])
    if facts.get("category"):
        facts["category"] = words.get_word_or_value("category", facts["category"])
    return words.render(f"likeness.reason.{reason.kind}", **facts)


# -- the catalogue


def row_json(row: CatalogueEntry) -> dict[str, Any]:
    """Serialize a catalogue entry."""
    return {
        "id": row.id, "unit": row.unit, "category": row.category, "keywords": list(row.keywords), "region": row.region,
        "basis": row.basis, "valid_from": row.valid_from and row.valid_from.isoformat(),
        "valid_to": row.valid_to and row.valid_to.isoformat(),
    }  # fmt: skip


async def rows(ask: Ask) -> Answer:
    """List the catalogue."""
    return paged(ask, [row_json(row) for row in await room_of(ask.rooms.aid).list_rows()], rising=True)


async def put_row(ask: Ask) -> Answer:
    """Add an entry by hand."""
    want = ask.body.model_dump()
    if isinstance(want["keywords"], list):
        want["keywords"] = " ".join(want["keywords"])
    return Answer(row_json(await room_of(ask.rooms.aid).add_row(want, ask.actor)), 201)


async def remove_row(ask: Ask) -> Answer:
    """Remove an entry."""
    await room_of(ask.rooms.aid).remove_row(number_of(ask), ask.actor)
    return Answer({"removed": number_of(ask)})


# -- figures


async def misses(ask: Ask) -> Answer:
    """Return 派单准确性: (accepted returns + reassigns) / dispatches."""
    start, end = span_of(ask.query, ask.rooms.clock.now().date())
    by = ask.query.get("by") or "unit"
    found = await room_of(ask.rooms.aid).count_dispatch_errors(start, end, by)
    items = [{"name": m.name, "dispatches": m.dispatches, "returned": m.returned, "reassigned": m.reassigned,
              "rate": m.rate} for m in found]  # fmt: skip
    return Answer({"from": start.isoformat(), "to": end.isoformat(), "by": by, "items": items, "next": None})


async def repeats(ask: Ask) -> Answer:
    """Return repeats by unit and month (A18)."""
    start, end = span_of(ask.query, ask.rooms.clock.now().date())
    items = [{"unit": r.unit, "month": r.month, "tickets": r.tickets, "repeats": r.repeats,
              "rate": f"{100 * r.repeats / r.tickets:.2f}"} for r in await room_of(ask.rooms.aid).count_repeats(start, end)]  # fmt: skip
    return Answer({"from": start.isoformat(), "to": end.isoformat(), "items": items, "next": None})


async def hot(ask: Ask) -> Answer:
    """Return 热点: the most frequent topics, compared with as many days before."""
    start, end = span_of(ask.query, ask.rooms.clock.now().date())
    found = await room_of(ask.rooms.hot).build(start, end, ask.query.get("region", ""))
    return Answer(hot_json(found))


def hot_json(found: HotList) -> dict[str, Any]:
    """Serialize a hot list."""
    return {
        "from": found.start.isoformat(), "to": found.end.isoformat(), "before": found.previous_start.isoformat(),
        "total": found.total, "total_before": found.previous_total, "categories": _hot(found.categories),
        "topics": _hot(found.topics), "places": _hot(found.places), "groups": [group_json(g) for g in found.groups],
        "cut": found.is_truncated,
    }  # fmt: skip


def _hot(some: Sequence[HotTopic]) -> list[dict[str, Any]]:
    return [{"name": h.name, "count": h.count, "before": h.before, "growth": h.growth, "tickets": list(h.tickets)}
            for h in some]  # fmt: skip


def group_json(group: TicketGroup) -> dict[str, Any]:
    """Serialize a group of similar tickets."""
    units = sorted({one.unit for one in group.members if one.unit})
    return {"about": list(group.common_terms), "count": len(group.members), "units": units,
            "tickets": [one.no for one in group.members]}  # fmt: skip


async def clusters(ask: Ask) -> Answer:
    """List groups of similar tickets between two days, largest first, with their members."""
    start, end = span_of(ask.query, ask.rooms.clock.now().date())
    groups, known = await room_of(ask.rooms.likeness).group_period(*room_of(ask.rooms.aid).get_day_bounds(start, end))
    shaper = await Shaper.of(ask.rooms)
    return Answer({"read": len(known), "groups": [clusters_json(g, shaper) for g in groups]})


def clusters_json(group: TicketGroup, shaper: Shaper) -> dict[str, Any]:
    """Serialize a group with its members' titles."""
    members = [{"ticket_no": one.no, "title": shaper.masked(one.title, None)} for one in group.members]
    return {"about": list(group.common_terms), "members": members}


async def rebuild(ask: Ask) -> Answer:
    """Rebuild the similarity index, after its word lists were changed."""
    return Answer({"tickets": await room_of(ask.rooms.likeness).rebuild()})


SPAN = ("from", "to")
PAGED = ("limit", "cursor")
# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",    "/tickets/{no}/like",        like,           "Like tickets", OFFICE),
    Route("GET",    "/tickets/{no}/suggestions", suggestions,    "Units to dispatch it to", OFFICE),
    Route("GET",    "/catalogue",                rows,           "The dispatch catalogue", OFFICE, filters=PAGED),
    Route("POST",   "/catalogue",                put_row,        "A row of the catalogue", KEEPERS, RowWant, answers=201),
    Route("POST",   "/catalogue/{id}/remove",    remove_row,     "Remove a row", KEEPERS, Nothing),
    Route("GET",    "/dispatch-quality",         misses,         "Wrong dispatches", OFFICE, filters=(*SPAN, "by")),
    Route("GET",    "/repeats",                  repeats,        "Repeats by unit and month", OFFICE, filters=SPAN),
    Route("GET",    "/clusters",                 clusters,       "Groups of like demands", OFFICE, filters=SPAN),
    Route("POST",   "/likeness/rebuild",         rebuild,        "Make the index again", frozenset(), Nothing),
    Route("GET",    "/hot",                      hot,            "What is hot", OFFICE, filters=(*SPAN, "region")),
)
# fmt: on
