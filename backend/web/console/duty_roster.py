"""Duty roster page: a month of shifts, its holes, stand-ins, handover notes and the actor's quiet hours."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.duty_roster import CoverageGap, Shift
from backend.domain.refusals import Refused
from backend.office.cache import OfficeSnapshot
from backend.office.duty_roster import RosterMonth, may_end_stand_in, may_hand_over, may_plan, parse_shift
from backend.services import Services
from backend.web.body import strip_unstorable
from backend.web.console.forms import run_form
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.query import parse_id, read_query

FILTERS = ("unit", "month")


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /rosters?unit=&month=."""
    query = read_query(request.query, FILTERS)
    return await _render(request, services, actor, query)


async def _render(
    request: web.Request, services: Services, actor: Actor, query: Mapping[str, str], fault: str = "", code: int = 200
) -> web.StreamResponse:
    snapshot, now = await services.office.snapshot(), services.clock.now()
    units = sorted((u for u in snapshot.config.units.values() if actor.may_see(u.code)),
                   key=lambda u: (u.kind != "management", u.code))  # fmt: skip
    if not units:
        raise Refused("not_found")
    unit = query.get("unit") or actor.unit or snapshot.find_institution() or units[0].code
    month = query.get("month") or f"{now:%Y-%m}"
    found = await services.duty_roster.get_month(unit, month, actor)
    mine = {p.code for p in snapshot.config.people if p.unit == unit}
    people = [p for p in snapshot.config.people if p.unit == unit]
    stand_ins = [s for s in await services.duty_roster.list_stand_ins(actor) if s.absent in mine]
    empty = not any(s.from_at >= found.begin for s in found.shifts)
    return render_page(request, "rosters.html", {
        "units": units, "unit": unit, "month": month, "before": f"{found.begin - timedelta(days=1):%Y-%m}",
        "after": f"{found.end:%Y-%m}", "days": _build_days(found, snapshot) if not empty else [], "holes": [_format_hole(h) for h in found.gaps],
        "empty": empty, "people": people, "names": snapshot.person_names,
        "stand_ins": [(s, may_end_stand_in(actor, s, unit)) for s in stand_ins],
        "notes": found.notes, "may_plan": may_plan(actor, unit), "now_on": snapshot.on_duty(unit, now),
        "may_note": may_hand_over(actor, unit), "fault": fault, "today": f"{now:%Y-%m-%d}",
        "quiet": snapshot.config.quiet_hours.get(actor.code, ""), "is_person": actor.code in snapshot.by_code,
    }, code)  # fmt: skip


def _build_days(month: RosterMonth, snapshot: OfficeSnapshot) -> list[dict[str, Any]]:
    """Return the days on which a shift begins or nobody is on duty; consecutive days without a shift are one row."""
    days: list[dict[str, Any]] = []
    day, calendar = month.begin.date(), snapshot.calendar
    while day < month.end.date():
        worked = calendar.is_workday(day) if calendar.covers(day) else day.weekday() < 5
        shifts = [s for s in month.shifts if _local_start(s, month).date() == day]
        hole = any(_overlaps_day(h, day) for h in month.gaps)
        if hole and not shifts and days and not days[-1]["shifts"] and days[-1]["last"] == day - timedelta(days=1):
            days[-1]["last"] = day
        elif shifts or hole:
            days.append({"day": day, "last": day, "weekday": day.weekday(), "worked": worked,
                         "shifts": _build_rows(shifts, month), "hole": hole})  # fmt: skip
        day += timedelta(days=1)
    return days


def _local_start(shift: Shift, month: RosterMonth) -> datetime:
    return shift.from_at.astimezone(month.begin.tzinfo)


def _build_rows(shifts: Sequence[Shift], month: RosterMonth) -> list[dict[str, Any]]:
    rows = []
    for s in shifts:
        begin, end = _local_start(s, month), s.to_at.astimezone(month.begin.tzinfo)
        last = f"{end:%H:%M}" if end.date() == begin.date() else f"{end:%m-%d %H:%M}"
        rows.append({"id": s.id, "hours": f"{begin:%H:%M}–{last}", "person": s.person, "deputy": s.deputy})
    return rows


def _overlaps_day(hole: CoverageGap, day: date) -> bool:
    return hole.from_at.date() <= day and hole.to_at > datetime.combine(day, datetime.min.time(), hole.from_at.tzinfo)


def _format_hole(hole: CoverageGap) -> dict[str, Any]:
    zone = hole.to_at.tzinfo
    return {"from": f"{hole.from_at.astimezone(zone):%m-%d %H:%M}", "to": f"{hole.to_at.astimezone(zone):%m-%d %H:%M}"}


async def change_roster(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /rosters/WHAT: add or delete a shift, add or end a stand-in, leave a note, set quiet hours."""
    field = {name: strip_unstorable(value).strip() for name, value in form.fields.items()}
    query = {name: field[name] for name in FILTERS if field.get(name)}
    what = request.match_info["what"]
    work = CHANGES.get(what)
    if work is None:
        raise Refused("not_found")
    onward = str(request.rel_url.with_path("/rosters").with_query(query))
    again = partial(_render, request, services, actor, query)
    return await run_form(request, work(services, actor, field), again, onward, f"roster.{what}")


async def _store_shift(services: Services, actor: Actor, field: Mapping[str, str]) -> None:
    try:
        day = date.fromisoformat(field.get("day", ""))
    except ValueError:
        raise Refused("bad_field", field="day") from None
    hours = f"{field.get('begin', '')}-{field.get('end', '')}"
    shift = parse_shift(
        field.get("unit", ""), day, hours, field.get("person", ""), field.get("deputy") or None, services.clock.zone
    )
    (answer,) = await services.duty_roster.save_shifts([shift], actor)
    if isinstance(answer, Refused):
        raise answer


async def _remove_shift(services: Services, actor: Actor, field: Mapping[str, str]) -> None:
    await services.duty_roster.delete_shift(parse_id(field.get("id", "")), actor)


async def _add_stand_in(services: Services, actor: Actor, field: Mapping[str, str]) -> None:
    begin, end = (_parse_time(services, field.get(name, "")) for name in ("from", "to"))
    await services.duty_roster.add_stand_in(field.get("absent", ""), field.get("person", ""), begin, end, actor)


async def _end_stand_in(services: Services, actor: Actor, field: Mapping[str, str]) -> None:
    await services.duty_roster.end_stand_in(parse_id(field.get("id", "")), actor)


async def _add_handover(services: Services, actor: Actor, field: Mapping[str, str]) -> None:
    await services.duty_roster.add_handover(field.get("unit", ""), field.get("text", ""), actor)


async def _set_quiet_hours(services: Services, actor: Actor, field: Mapping[str, str]) -> None:
    await services.duty_roster.set_quiet(actor.code, field.get("begin") or None, field.get("end") or None)


CHANGES = {
    "keep": _store_shift, "strike": _remove_shift, "stand-in": _add_stand_in, "back": _end_stand_in, "note": _add_handover, "quiet": _set_quiet_hours,
}  # fmt: skip


def _parse_time(services: Services, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("bad_field", field="from") from None
    return at if at.tzinfo else at.replace(tzinfo=services.clock.zone)


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/rosters", require_session(show))
    app.router.add_post("/rosters/{what}", require_form(change_roster))
