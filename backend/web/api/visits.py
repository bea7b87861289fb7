"""Manual visits: work list, task, call to the requester, do-not-call list, recordings, statistics."""

from typing import Annotated, Any

from pydantic import Field

from backend.domain.refusals import Refused
from backend.ports.visits import DoNotCallEntry, VisitRecord
from backend.visits.manual import TaskSheet
from backend.visits.service import VisitService
from backend.visits.statistics import VisitFigures
from backend.web.asked import Answer, Ask
from backend.web.gate import Route
from backend.web.shapes import Json, Shaper
from backend.web.wants import Nothing, Short, Want


class PeaceWant(Want):
    """A number not to be called for visits, and why."""

    phone: Annotated[str, Field(max_length=40, strict=True)]
    reason: Short = ""


class NoPeaceWant(Want):
    """Which entry to remove from the list (its `ref`, or the number), and why."""

    ref: Annotated[str, Field(max_length=40, strict=True)] = ""
    phone: Annotated[str, Field(max_length=40, strict=True)] = ""
    reason: Short = ""


def room(ask: Ask) -> VisitService:
    """Return the visits service. Refused `unavailable`."""
    if ask.rooms.visiting is None:
        raise Refused("unavailable")
    return ask.rooms.visiting


async def tasks(ask: Ask) -> Answer:
    """List visits that wait for a person, and closed tickets without a result from 12351 yet."""
    shaper = await Shaper.of(ask.rooms)
    sheets = await room(ask).manual.list_tasks(ask.actor)
    awaited = list(await room(ask).manual.list_awaited())
    return Answer({"items": [shaped(s, shaper) for s in sheets], "awaited": awaited, "next": None})


async def task(ask: Ask) -> Answer:
    """Return one task with its script."""
    sheet = await room(ask).manual.get_task(ask.path["no"], ask.actor)
    return Answer({**shaped(sheet, await Shaper.of(ask.rooms)), "script": list(sheet.script)})


async def call(ask: Ask) -> Answer:
    """Call the agent, then the requester; neither sees the other's number (P3)."""
    await room(ask).manual.get_callable_task(ask.path["no"], ask.actor)
    if ask.rooms.calls is None:
        raise Refused("unavailable")
    ringing = await ask.rooms.calls.start_bridge(ask.actor, ticket_no=ask.path["no"])
    return Answer({"call": ringing.call_id, "person": ringing.person, "to": ringing.to}, status=201)


async def peace(ask: Ask) -> Answer:
    """List the do-not-call list."""
    shaper = await Shaper.of(ask.rooms)
    return Answer(
        {"items": [_blocked(b, shaper) for b in await room(ask).do_not_call.list_numbers(ask.actor)], "next": None}
    )


async def add_peace(ask: Ask) -> Answer:
    """Add a number to the do-not-call list."""
    added = await room(ask).do_not_call.add(ask.body.phone, ask.body.reason, ask.actor)
    return Answer({"added": added}, status=201)


async def end_peace(ask: Ask) -> Answer:
    """Remove an entry from the list."""
    shown = await room(ask).do_not_call.remove(ask.actor, ask.body.reason, ref=ask.body.ref, phone=ask.body.phone)
    return Answer({"removed": shown})


async def recording(ask: Ask) -> Answer:
    """Return a recording's URL; the access is audited."""
    if not ask.path["dial"].isascii() or not ask.path["dial"].isdigit() or len(ask.path["dial"]) > 18:
        raise Refused("not_found")
    kept = await room(ask).open_recording(int(ask.path["dial"]), ask.actor)
    return Answer({"ticket": kept.ticket_no, "purpose": kept.purpose, "url": kept.url})


async def figures(ask: Ask) -> Answer:
    """Return a month's visits by unit and agent; a unit sees its own."""
    month = await room(ask).statistics.compute_month(
        ask.query.get("month", ""), ask.actor.unit if ask.actor.is_unit_member else None
    )
    return Answer({
        "month": month.month, "total": counted(month.total),
        "units": [{"unit": unit, **counted(f)} for unit, f in month.units.items()],
        "agents": [{"person": person, **counted(f)} for person, f in month.agents.items()],
    })  # fmt: skip


def shaped(sheet: TaskSheet, shaper: Shaper) -> Json:
    """Serialize a task, without the requester's name and number."""
    t = sheet.task
    return {
        "ticket_no": t.ticket_no, "tail": t.ticket_no[-4:], "round": t.round, "category": t.category, "grade": t.grade,
        "unit": t.unit, "flags": sorted(t.flags), "why": sheet.reason, "urgent": t.urgent, "due_at": shaper.at(t.due_at),
        "late": sheet.is_late, "closed_at": shaper.at(t.closed_at), "phone_tail": t.phone_tail, "no_visit": t.no_visit,
        "heard": _heard(t.heard, t.requester, shaper), "recordings": list(t.recordings),
        "attempts": [_attempt(a, t.requester, shaper) for a in t.visits], "bands": list(sheet.bands),
        "lacking": sheet.missing,
    }  # fmt: skip


def _heard(heard: Any, name: str | None, shaper: Shaper) -> Json:
    """Serialize what the automatic visit heard: texts masked, without the recording's URL."""
    asked = dict.fromkeys(("contacted", "resolved", "satisfaction", "speech"))
    said = asked | {k: v for k, v in heard.items() if k != "recording"}
    return {k: shaper.masked(v, name) if isinstance(v, str) else v for k, v in said.items()}


def _attempt(a: VisitRecord, name: str | None, shaper: Shaper) -> Json:
    return {
        "kind": a.kind, "at": shaper.at(a.at), "by": a.by, "answer": a.answer, "contacted": a.contacted,
        "resolved": a.resolved, "note": shaper.masked(a.note, name),
    }  # fmt: skip


def _blocked(b: DoNotCallEntry, shaper: Shaper) -> Json:
    return {"ref": b.ref, "number": b.masked, "at": shaper.at(b.at), "by": b.by, "reason": b.reason}


def counted(f: VisitFigures) -> Json:
    """Serialize counts as numbers, money as decimal strings."""
    return {
        "visited": f.visited, "reached": f.reached, "final": f.final, "deemed": f.deemed, "answers": f.answers,
        "calls": f.calls, "attempts": f.dials, "completed": f.completed, "outcomes": f.outcomes,
        "cost": {c: str(v) for c, v in f.cost.items()}, "cost_per_visit": f.cost_per_visit,
    }  # fmt: skip


# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET",  "/visits/tasks",               tasks,     "Visits that wait for a person"),
    Route("GET",  "/visits/tasks/{no}",          task,      "One of them, with its script"),
    Route("POST", "/visits/tasks/{no}/call",     call,      "Ring the agent, then the requester", body=Nothing, answers=201),
    Route("GET",  "/visits/do-not-visit",        peace,     "Who is left in peace"),
    Route("POST", "/visits/do-not-visit",        add_peace, "Leave a number in peace", body=PeaceWant, answers=201),
    Route("POST", "/visits/do-not-visit/remove", end_peace, "Take a line off that list", body=NoPeaceWant),
    Route("GET",  "/visits/figures",             figures,   "A month's visits", filters=("month",)),
    Route("GET",  "/recordings/{dial}",          recording, "Where a recording lies; on the record"),
)
# fmt: on
