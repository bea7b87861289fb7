"""Page of settings and calendar days; shows which duties a change would move before making it."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from backend.deadlines.recompute import parse_days
from backend.domain.acts import Actor
from backend.domain.permissions import may, require
from backend.domain.recompute import DueChange, RuleChange, affects_due_times
from backend.domain.refusals import Refused
from backend.domain.setting_checks import find_partner
from backend.domain.setting_words import read_value
from backend.domain.settings import load_catalogue
from backend.office.settings import set_setting
from backend.services import Services
from backend.web.body import strip_unstorable
from backend.web.console.came_from import keep_filters
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.console.setting_groups import group_settings
from backend.web.errors import get_status, word_refusal
from backend.web.query import read_query

FILTERS = ("q", "open")
MAX_SHOWN = 200  # moved duties listed; the rest is only counted
#: The preview's buttons: move open duties too, or change only future ones.
WITH_OPEN, FROM_NOW_ON = "open", "later"


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /settings?q=&open=: all settings by group, or those whose names contain the words of `q`."""
    return await _render(request, services, actor, read_query(request.query, FILTERS))


async def _render(
    request: web.Request, services: Services, actor: Actor, query: Mapping[str, str], fault: str = "", code: int = 200
) -> web.StreamResponse:
    snapshot = await services.office.snapshot()
    today, search = services.clock.now().date(), query.get("q", "")
    found = group_settings(snapshot.settings, services.texts, search, query.get("open", ""))
    return render_page(request, "settings.html", {
        "groups": found, "asked": search, "unit_names": await load_unit_names(services), "fault": fault,
        "may_set": may(actor, "office.edit"), "today": today,
        "days": sorted((day, worked) for day, worked in snapshot.config.calendar.items() if day >= today),
    }, code)  # fmt: skip


async def change_setting(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /settings: change one value or one day; if open duties would move, show a preview with both choices first."""
    require(actor, "office.edit")
    field = {
        name: strip_unstorable(form.fields.get(name, "")).strip()[:2_000]
        for name in ("key", "value", "day", "how", "partner")
    }
    if (row := load_catalogue().get(field["key"].partition("@")[0])) is not None:
        field["value"] = read_value(services.texts, row, field["value"])
    key, value, day, how, also = field.values()
    together = {partner: also} if also and (partner := find_partner(key)) else {}
    try:
        change = (
            RuleChange(days=parse_days({day: value == "worked"}))
            if day
            else RuleChange(settings={key[:100]: value, **together})
        )
        if not how and (moved := await _preview_moves(services, change)):
            return render_page(request, "settings_change.html", await _build_preview(services, change, field, moved))
        changed = None
        if how == WITH_OPEN or day:
            changed = len((await services.deadlines.apply(change, actor)).shifted) or None
        else:
            await set_setting(services.office, services.audit, key, None, value, actor.code, together=together)
    except Refused as refused:
        sentence = word_refusal(request, refused)
        return await _render(request, services, actor, {"open": _find_group(key)}, sentence, get_status(refused.code))
    note_result(request, "day_saved" if day else "setting_saved", label=row.label if row else key, n=changed)
    searched = keep_filters(request, "/settings")
    back = searched if "q=" in searched else f"/settings?open={_find_group(key)}"
    raise web.HTTPSeeOther("/settings#days" if day else f"{back}#{key}")


def _find_group(key: str) -> str:
    row = load_catalogue().get(key.partition("@")[0])
    return row.group if row else ""


async def _preview_moves(services: Services, wanted: RuleChange) -> list[DueChange]:
    if not (wanted.days or any(affects_due_times(key) for key in wanted.settings)):
        return []
    return await services.deadlines.preview(wanted)


async def _build_preview(
    services: Services, wanted: RuleChange, field: dict[str, str], moved: list[DueChange]
) -> dict[str, Any]:
    values = (await services.office.snapshot()).settings.to_dict()
    key = next(iter(wanted.settings), "")
    row = load_catalogue().get(key.partition("@")[0])
    return {
        "moved": moved[:MAX_SHOWN], "count": len(moved), "tickets": len({s.ticket_no for s in moved}), "field": field,
        "label": row.label if row else "", "old": values.get(key, ""), "unit_names": await load_unit_names(services),
        "may_wait": not wanted.days,
    }  # fmt: skip


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/settings", require_session(show))
    app.router.add_post("/settings", require_form(change_setting))
