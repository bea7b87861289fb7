"""Page of a month's score sheets: each line with its counts and tickets."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.scoring.explain import explain
from backend.domain.scoring.scheme_file import load_scheme
from backend.domain.scoring.sheet import NO_DATA
from backend.domain.settings import load_catalogue
from backend.domain.texts import Texts
from backend.scoring.documents import list_schemes
from backend.services import Services
from backend.web.api.scores import list_sheets
from backend.web.console.overview import load_unit_names
from backend.web.console.rendering import render_page
from backend.web.errors import word_refusal
from backend.web.query import read_query
from backend.web.request import ApiRequest


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /scores."""
    query = {k: v for k, v in read_query(request.query, ("month", "scheme", "unit")).items() if v}
    query.setdefault("month", f"{services.clock.now():%Y-%m}")
    found: Mapping[str, Any] = {}
    fault = ""
    try:
        found = (await list_sheets(ApiRequest(services, actor, query=query))).payload
    except Refused as refused:
        closed = refused.code == "unavailable"
        fault = services.texts.render("console.scores_closed") if closed else word_refusal(request, refused)
    sheets = found.get("units", [found] if found.get("lines") else [])
    return render_page(request, "scores.html", {
        "query": query, "units": [_say_why_empty(sheet, services.texts) for sheet in sheets], "fault": fault,
        "regions": found.get("regions", []), "schemes": list_schemes((await services.office.snapshot()).settings),
        "unit_names": await load_unit_names(services), "labels": {key: row.label for key, row in load_catalogue().items()},
    })  # fmt: skip


def _say_why_empty(sheet: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """Return the sheet; each line without data says why: counts not reported, or nothing to count."""
    scheme = load_scheme(sheet["scheme"])

    def word(line: Mapping[str, Any]) -> str:
        unreported = str(explain(scheme, line, sheet.get("readings", {}))["formula"]).startswith("unreported")
        return texts.render(f"console.scoring.{'why_unreported' if unreported else 'why_empty'}")

    lines = [
        {**line, "formula": word(line)} if line.get("note") == NO_DATA else line for line in sheet.get("lines", [])
    ]
    return {**sheet, "lines": lines}
