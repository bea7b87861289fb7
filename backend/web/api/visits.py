"""Manual visits: work list, task, call to the requester, do-not-call list, recordings, statistics."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from backend.domain.json_shapes import Amount, Instant, Month, one_of
from backend.domain.ticket_enums import Answer, Contacted, Resolved
from backend.domain.verb_fields import VISIT_KINDS, VISIT_REASONS
from backend.ports.visits import DoNotCallEntry, VisitRecord
from backend.visits.manual import TaskSheet
from backend.visits.statistics import VisitFigures
from backend.web.api.calls import StartedCall
from backend.web.endpoint import Route
from backend.web.query import month_filter, parse_id
from backend.web.request import ApiRequest, ApiResponse
from backend.web.schemas import EmptyBody, RequestBody, ShortText
from backend.web.serializers import Serializer
from backend.web.shapes import Listed, Page


class DoNotCallBody(RequestBody):
    """A number not to be called for visits, and why."""

    phone: Annotated[str, Field(max_length=40, strict=True)]
    reason: ShortText = ""


class DoNotCallRemovalBody(RequestBody):
    """Which entry to remove from the list (its `ref`, or the number), and why."""

    ref: Annotated[str, Field(max_length=40, strict=True)] = ""
    phone: Annotated[str, Field(max_length=40, strict=True)] = ""
    reason: ShortText = ""


class VisitAttempt(TypedDict):
    """A visit of this round, or an attempt at one."""

    kind: Annotated[str, one_of(VISIT_KINDS)]
    at: Instant
    by: str
    answer: Annotated[str, one_of(Answer)]
    contacted: Annotated[str, one_of(Contacted)] | None
    resolved: Annotated[str, one_of(Resolved)] | None
    note: str


class Task(TypedDict):
    """A ticket that waits for a visit by a person; `heard` is what the automatic visit was told, by question."""

    ticket_no: str
    tail: str
    round: int
    category: str | None
    grade: str
    unit: str | None
    flags: list[str]
    why: Annotated[str, one_of(VISIT_REASONS)]
    urgent: bool
    due_at: Instant | None
    late: bool
    closed_at: Instant | None
    phone_tail: str | None
    no_visit: bool
    heard: dict[str, Any]
    recordings: list[int]
    attempts: list[VisitAttempt]
    bands: list[str]
    lacking: dict[str, int]


class TaskPage(Listed):
    """Tasks, and the tickets whose result 12351 has not reported yet."""

    items: list[Task]
    awaited: list[str]


class TaskWithScript(Task):
    """A task with its script."""

    script: list[str]


class DoNotCall(TypedDict):
    """A number that is not called for visits, masked."""

    ref: str
    number: str
    at: Instant
    by: str
    reason: str


class Added(TypedDict):
    """Whether the number is new in the list."""

    added: bool


class Removed(TypedDict):
    """The number that was removed, masked."""

    removed: str


class RecordingPlace(TypedDict):
    """Where a recording is stored."""

    ticket: str | None
    purpose: str
    url: str


class RatingPlace(TypedDict):
    """Where the requester rates, once, and until when."""

    address: str
    until: Instant


class Figures(TypedDict):
    """Counts of visits; costs by currency."""

    visited: int
    reached: int
    final: int
    deemed: int
    answers: dict[str, int]
    calls: int
    attempts: int
    completed: int
    outcomes: dict[str, int]
    cost: dict[str, Amount]
    cost_per_visit: dict[str, Amount]


class UnitFigures(Figures):
    """Counts of one unit."""

    unit: str


class AgentFigures(Figures):
    """Counts of one agent."""

    person: str


class FiguresMonth(TypedDict):
    """A month's visits by unit and by agent."""

    month: Month
    total: Figures
    units: list[UnitFigures]
    agents: list[AgentFigures]


async def list_tasks(request: ApiRequest) -> ApiResponse[TaskPage]:
    """List visits that wait for a person, and closed tickets without a result from 12351 yet."""
    serializer = await Serializer.create(request.services)
    sheets = await request.services.visits.manual.list_tasks(request.actor)
    awaiting_result = list(await request.services.visits.manual.list_awaited())
    return ApiResponse({"items": [dump_task(s, serializer) for s in sheets], "awaited": awaiting_result, "next": None})


async def get_task(request: ApiRequest) -> ApiResponse[TaskWithScript]:
    """Return one task with its script."""
    sheet = await request.services.visits.manual.get_task(request.path["no"], request.actor)
    return ApiResponse({**dump_task(sheet, await Serializer.create(request.services)), "script": list(sheet.script)})


async def call_requester(request: ApiRequest) -> ApiResponse[StartedCall]:
    """Call the agent, then the requester; neither sees the other's number (P3)."""
    await request.services.visits.manual.get_callable_task(request.path["no"], request.actor)
    call = await request.services.calls.start_bridge(request.actor, ticket_no=request.path["no"])
    return ApiResponse({"call": call.call_id, "person": call.person, "to": call.to}, status=201)


async def give_rating_page(request: ApiRequest) -> ApiResponse[RatingPlace]:
    """Give a one-time page on which the requester rates; audited (XM30)."""
    page = await request.services.visits.pages.hand_over(request.path["no"], request.actor)
    until = (await Serializer.create(request.services)).format_time(page.until)
    return ApiResponse({"address": page.address, "until": until}, status=201)


async def list_do_not_call(request: ApiRequest) -> ApiResponse[Page[DoNotCall]]:
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


async def add_do_not_call(request: ApiRequest) -> ApiResponse[Added]:
    """Add a number to the do-not-call list."""
    added = await request.services.visits.do_not_call.add(request.body.phone, request.body.reason, request.actor)
    return ApiResponse({"added": added}, status=201)


async def remove_do_not_call(request: ApiRequest) -> ApiResponse[Removed]:
    """Remove an entry from the list."""
    shown = await request.services.visits.do_not_call.remove(
        request.actor, request.body.reason, ref=request.body.ref, phone=request.body.phone
    )
    return ApiResponse({"removed": shown})


async def get_recording(request: ApiRequest) -> ApiResponse[RecordingPlace]:
    """Return a recording's URL; the access is audited."""
    recording = await request.services.visits.open_recording(parse_id(request.path["dial"]), request.actor)
    return ApiResponse({"ticket": recording.ticket_no, "purpose": recording.purpose, "url": recording.url})


async def get_statistics(request: ApiRequest) -> ApiResponse[FiguresMonth]:
    """Return a month's visits by unit and agent; a unit sees its own."""
    month = await request.services.visits.statistics.compute_month(
        request.query.get("month", ""), request.actor.only_unit
    )
    return ApiResponse({
        "month": month.month, "total": dump_statistics(month.total),
        "units": [{"unit": unit, **dump_statistics(f)} for unit, f in month.units.items()],
        "agents": [{"person": person, **dump_statistics(f)} for person, f in month.agents.items()],
    })  # fmt: skip


def dump_task(sheet: TaskSheet, serializer: Serializer) -> Task:
    """Serialize a task, without the requester's name and number."""
    t = sheet.task
    return {
        "ticket_no": t.ticket_no, "tail": t.ticket_no[-4:], "round": t.round, "category": t.category, "grade": t.grade,
        "unit": t.unit, "flags": sorted(t.flags), "why": sheet.reason, "urgent": t.urgent, "due_at": serializer.format_time(t.due_at),
        "late": sheet.is_late, "closed_at": serializer.format_time(t.closed_at), "phone_tail": t.phone_tail, "no_visit": t.do_not_call,
        "heard": _dump_heard(t.answers, t.requester, serializer), "recordings": list(t.recordings),
        "attempts": [_dump_attempt(a, t.requester, serializer) for a in t.visits], "bands": list(sheet.bands),
        "lacking": sheet.missing,
    }  # fmt: skip


def _dump_heard(heard: Any, name: str | None, serializer: Serializer) -> dict[str, Any]:
    """Serialize what the automatic visit heard: texts masked, without the recording's URL."""
    questions = dict.fromkeys(("contacted", "resolved", "satisfaction", "speech"))
    answers = questions | {k: v for k, v in heard.items() if k != "recording"}
    return {k: serializer.mask(v, name) if isinstance(v, str) else v for k, v in answers.items()}


def _dump_attempt(a: VisitRecord, name: str | None, serializer: Serializer) -> VisitAttempt:
    return {
        "kind": a.kind, "at": serializer.format_time(a.at), "by": a.by, "answer": a.answer, "contacted": a.contacted,
        "resolved": a.resolved, "note": serializer.mask(a.note, name),
    }  # fmt: skip


def _dump_do_not_call(b: DoNotCallEntry, serializer: Serializer) -> DoNotCall:
    return {"ref": b.ref, "number": b.masked, "at": serializer.format_time(b.at), "by": b.by, "reason": b.reason}


def dump_statistics(f: VisitFigures) -> Figures:
    """Serialize counts as numbers, money as decimal strings."""
    return {
        "visited": f.visited, "reached": f.reached, "final": f.final, "deemed": f.deemed, "answers": f.answers,
        "calls": f.calls, "attempts": f.dials, "completed": f.completed, "outcomes": f.outcomes,
        "cost": {c: str(v) for c, v in f.cost.items()}, "cost_per_visit": f.cost_per_visit,
    }  # fmt: skip


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/visits/tasks",               list_tasks,
          refuses=("forbidden",)),
    Route("GET",  "/visits/tasks/{no}",          get_task,
          refuses=("forbidden",)),
    Route("POST", "/visits/tasks/{no}/call",     call_requester, body=EmptyBody, status=201,
          refuses=("forbidden", "not_now", "left_in_peace", "no_phone", "number_dead", "calls_stopped")),
    Route("POST", "/tickets/{no}/rating-page",   give_rating_page, "rating_page.give", EmptyBody, status=201, shown_once=True,
          refuses=("involved", "not_now", "visited_elsewhere", "visit_overdue")),
    Route("GET",  "/visits/do-not-visit",        list_do_not_call,
          refuses=("forbidden",)),
    Route("POST", "/visits/do-not-visit",        add_do_not_call, body=DoNotCallBody, status=201,
          refuses=("forbidden", "bad_phone", "number_missing", "reason_missing")),
    Route("POST", "/visits/do-not-visit/remove", remove_do_not_call, body=DoNotCallRemovalBody,
          refuses=("forbidden", "bad_phone", "number_missing", "reason_missing", "not_found")),
    Route("GET",  "/visits/figures",             get_statistics, filters=(month_filter(),)),
    Route("GET",  "/recordings/{dial}",          get_recording,
          refuses=("forbidden",)),
)
# fmt: on
