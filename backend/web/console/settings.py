"""Page of settings and calendar days; shows which duties a change would move before making it."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from backend.deadlines.recompute import parse_days
from backend.domain.acts import Actor
from backend.domain.recompute import DueChange, RuleChange, affects_due_times
from backend.domain.refusals import Refused
from backend.domain.settings import load_catalogue
from backend.domain.ticket import Role
from backend.rooms import Rooms
from backend.web.api.duties import duties_of
from backend.web.api.office import set_setting
from backend.web.asked import REQUEST_ID
from backend.web.bodies import keepable
from backend.web.console.overview import unit_names
from backend.web.console.rendering import page
from backend.web.console.seats import Filled, posted, seated
from backend.web.console.setting_groups import groups
from backend.web.queries import read_query
from backend.web.refusing import message, status

FILTERS = ("q", "open")
SHOWN = 200  # moved duties listed; the rest is only counted
#: The preview's buttons: move open duties too, or change only future ones.
WITH_OPEN, FROM_NOW_ON = "open", "later"


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /settings?q=&open=: all settings by group, or those whose names contain the words of `q`."""
    return await _shown(request, rooms, actor, read_query(request.query, FILTERS))


async def _shown(
    request: web.Request, rooms: Rooms, actor: Actor, query: Mapping[str, str], fault: str = "", code: int = 200
) -> web.StreamResponse:
    snapshot = await rooms.office.snapshot()
    today, asked = rooms.clock.now().date(), query.get("q", "")
    found = groups(snapshot.settings, rooms.catalogue, asked, query.get("open", ""))
    return page(request, "settings.html", {
        "groups": found, "asked": asked, "unit_names": await unit_names(rooms), "fault": fault,
        "may_set": actor.role is Role.ADMIN, "today": today,
        "days": sorted((day, worked) for day, worked in snapshot.config.calendar.items() if day >= today),
    }, code)  # fmt: skip


async def change(request: web.Request, rooms: Rooms, actor: Actor, form: Filled) -> web.StreamResponse:
    """POST /settings: change one value or one day; if open duties would move, show a preview with both choices first."""
    if actor.role is not Role.ADMIN:
        raise Refused("forbidden")
    field = {name: keepable(form.fields.get(name, "")).strip()[:2_000] for name in ("key", "value", "day", "how")}
    key, value, day, how = field.values()
    try:
        wanted = (
            RuleChange(days=parse_days({day: value == "worked"})) if day else RuleChange(settings={key[:100]: value})
        )
        if not how and (moved := await _moved(rooms, wanted)):
            return page(request, "settings_change.html", await _preview(rooms, wanted, field, moved))
        if how == WITH_OPEN or day:
            await duties_of(rooms).apply(wanted, actor)
        else:
            await set_setting(rooms, key, None, value, actor)
    except Refused as refused:
        words = message(rooms.catalogue, refused.code, {**refused.facts, "request_id": request[REQUEST_ID]})
        return await _shown(request, rooms, actor, {"open": _group(key)}, words, status(refused.code))
    raise web.HTTPSeeOther("/settings#days" if day else f"/settings?open={_group(key)}#{key}")


def _group(key: str) -> str:
    row = load_catalogue().get(key.partition("@")[0])
    return row.group if row else ""


async def _moved(rooms: Rooms, wanted: RuleChange) -> list[DueChange]:
    if rooms.duties is None or not (wanted.days or any(affects_due_times(key) for key in wanted.settings)):
        return []
    return await duties_of(rooms).preview(wanted)


async def _preview(rooms: Rooms, wanted: RuleChange, field: dict[str, str], moved: list[DueChange]) -> dict[str, Any]:
    values = (await rooms.office.snapshot()).settings.to_dict()
    key = next(iter(wanted.settings), "")
    row = load_catalogue().get(key.partition("@")[0])
    return {
        "moved": moved[:SHOWN], "count": len(moved), "tickets": len({s.ticket_no for s in moved}), "field": field,
        "label": row.label if row else "", "old": values.get(key, ""), "unit_names": await unit_names(rooms),
        "may_wait": not wanted.days,
    }  # fmt: skip


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/settings", seated(show))
    app.router.add_post("/settings", posted(change))
