"""Manual visits: work list, task, call to the requester, do-not-call list, recordings, statistics."""

from typing import Annotated, Any

from pydantic import Field

from backend.ports.visits import DoNotCallEntry, VisitRecord
from backend.visits.manual import TaskSheet
from backend.visits.statistics import VisitFigures
from backend.web.endpoint import Route
from backend.web.query import parse_id
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import EmptyBody, RequestBody, ShortText
from backend.web.serializers import Json, Serializer


class DoNotCallBody(RequestBody):
    """A number not to be called for visits, and why."""

    phone: Annotated[str, Field(max_length=40, strict=True)]
    reason: ShortText = ""


class DoNotCallRemovalBody(RequestBody):
    """Which entry to remove from the list (its `ref`, or the number), and why."""

    ref: Annotated[str, Field(max_length=40, strict=True)] = ""
    phone: Annotated[str, Field(max_length=40, strict=True)] = ""
    reason: ShortText = ""


async def list_tasks(request: ApiRequest) -> ApiResponse:
    """List visits that wait for a person, and closed tickets without a result from 12351 yet."""
    serializer = await Serializer.create(request.services)
    sheets = await request.services.visits.manual.list_tasks(request.actor)
    awaiting_result = list(await request.services.visits.manual.list_awaited())
    return ApiResponse({"items": [dump_task(s, serializer) for s in sheets], "awaited": awaiting_result, "next": None})


async def get_task(request: ApiRequest) -> ApiResponse:
    """Return one task with its script."""
    sheet = await request.services.visits.manual.get_task(request.path["no"], request.actor)
    return ApiResponse({**dump_task(sheet, await Serializer.create(request.services)), "script": list(sheet.script)})


async def call_requester(request: ApiRequest) -> ApiResponse:
    """Call the agent, then the requester; neither sees the other's number (P3)."""
    await request.services.visits.manual.get_callable_task(request.path["no"], request.actor)
    call = await request.services.require_calls().start_bridge(request.actor, ticket_no=request.path["no"])
    return ApiResponse({"call": call.call_id, "person": call.person, "to": call.to}, status=201)


async def give_rating_page(request: ApiRequest) -> ApiResponse:
    """Give a one-time page on which the requester rates; audited (XM30)."""
    page = await request.services.visits.pages.hand_over(request.path["no"], request.actor)
    until = (await Serializer.create(request.services)).format_time(page.until)
    return ApiResponse({"address": page.address, "until": until}, status=201)


async def list_do_not_call(request: ApiRequest) -> ApiResponse:
    """List the do-not-call list."""
    serializer = await Serializer.create(request.services)
    return ApiResponse(
        {
            "items": [
                _dump_do_not_call(b, serializer)
                for b in await request.services.visits.do_not_call.list_numbers(request.actor)
            ],
            "next": None,
        }
    )


async def add_do_not_call(request: ApiRequest) -> ApiResponse:
    """Add a number to the do-not-call list."""
    added = await request.services.visits.do_not_call.add(request.body.phone, request.body.reason, request.actor)
    return ApiResponse({"added": added}, status=201)


async def remove_do_not_call(request: ApiRequest) -> ApiResponse:
    """Remove an entry from the list."""
    shown = await request.services.visits.do_not_call.remove(
        request.actor, request.body.reason, ref=request.body.ref, phone=request.body.phone
    )
    return ApiResponse({"removed": shown})


async def get_recording(request: ApiRequest) -> ApiResponse:
    """Return a recording's URL; the access is audited."""
    recording = await request.services.visits.open_recording(parse_id(request.path["dial"]), request.actor)
    return ApiResponse({"ticket": recording.ticket_no, "purpose": recording.purpose, "url": recording.url})


async def get_statistics(request: ApiRequest) -> ApiResponse:
    """Return a month's visits by unit and agent; a unit sees its own."""
    month = await request.services.visits.statistics.compute_month(
        request.query.get("month", ""), request.actor.only_unit
    )
    return ApiResponse({
        "month": month.month, "total": dump_statistics(month.total),
        "units": [{"unit": unit, **dump_statistics(f)} for unit, f in month.units.items()],
        "agents": [{"person": person, **dump_statistics(f)} for person, f in month.agents.items()],
    })  # fmt: skip


def dump_task(sheet: TaskSheet, serializer: Serializer) -> Json:
    """Serialize a task, without the requester's name and number."""
    t = sheet.task
    return {
        "ticket_no": t.ticket_no, "tail": t.ticket_no[-4:], "round": t.round, "category": t.category, "grade": t.grade,
        "unit": t.unit, "flags": sorted(t.flags), "why": sheet.reason, "urgent": t.urgent, "due_at": serializer.format_time(t.due_at),
        "late": sheet.is_late, "closed_at": serializer.format_time(t.closed_at), "phone_tail": t.phone_tail, "no_visit": t.no_visit,
        "heard": _dump_heard(t.heard, t.requester, serializer), "recordings": list(t.recordings),
        "attempts": [_dump_attempt(a, t.requester, serializer) for a in t.visits], "bands": list(sheet.bands),
        "lacking": sheet.missing,
    }  # fmt: skip


def _dump_heard(heard: Any, name: str | None, serializer: Serializer) -> Json:
    """Serialize what the automatic visit heard: texts masked, without the recording's URL."""
    questions = dict.fromkeys(("contacted", "resolved", "satisfaction", "speech"))
    answers = questions | {k: v for k, v in heard.items() if k != "recording"}
    return {k: serializer.mask(v, name) if isinstance(v, str) else v for k, v in answers.items()}


def _dump_attempt(a: VisitRecord, name: str | None, serializer: Serializer) -> Json:
    return {
        "kind": a.kind, "at": serializer.format_time(a.at), "by": a.by, "answer": a.answer, "contacted": a.contacted,
        "resolved": a.resolved, "note": serializer.mask(a.note, name),
    }  # fmt: skip


def _dump_do_not_call(b: DoNotCallEntry, serializer: Serializer) -> Json:
    return {"ref": b.ref, "number": b.masked, "at": serializer.format_time(b.at), "by": b.by, "reason": b.reason}


def dump_statistics(f: VisitFigures) -> Json:
    """Serialize counts as numbers, money as decimal strings."""
    return {
        "visited": f.visited, "reached": f.reached, "final": f.final, "deemed": f.deemed, "answers": f.answers,
        "calls": f.calls, "attempts": f.dials, "completed": f.completed, "outcomes": f.outcomes,
        "cost": {c: str(v) for c, v in f.cost.items()}, "cost_per_visit": f.cost_per_visit,
    }  # fmt: skip


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/visits/tasks",               list_tasks,     "Manual visits to make"),
    Route("GET",  "/visits/tasks/{no}",          get_task,      "One manual visit, with its script"),
    Route("POST", "/visits/tasks/{no}/call",     call_requester,      "Call the agent, then the requester", body=EmptyBody, status=201),
    Route("POST", "/tickets/{no}/rating-page",   give_rating_page, "Give a one-time page on which the requester rates", permission="rating_page.give", body=EmptyBody, status=201, shown_once=True),
    Route("GET",  "/visits/do-not-visit",        list_do_not_call,     "The do-not-call list"),
    Route("POST", "/visits/do-not-visit",        add_do_not_call, "Add a number to the do-not-call list", body=DoNotCallBody, status=201),
    Route("POST", "/visits/do-not-visit/remove", remove_do_not_call, "Remove an entry from the do-not-call list", body=DoNotCallRemovalBody),
    Route("GET",  "/visits/figures",             get_statistics,   "A month's visits", filters=("month",)),
    Route("GET",  "/recordings/{dial}",          get_recording, "Where a recording is stored; audited"),
)
# fmt: on
