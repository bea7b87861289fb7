"""Shared by the pages: run a form or show it again with the refusal, and parse its fields."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.setting_words import read_value
from backend.domain.settings_catalogue import find_setting, load_catalogue, parse_value
from backend.domain.texts import Texts
from backend.services import Services
from backend.web.body import strip_unstorable
from backend.web.console.came_from import keep_filters
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm
from backend.web.errors import get_status, word_refusal

#: Settings a trial may change by a choice of its own; others are typed.
WHAT_IF_SETTINGS = ("scoring.slope_mode", "scoring.zero_denominator", "scoring.closure_basis", "scoring.return_basis",
           "scoring.unreasonable_mode", "scoring.second_visit_unreached", "scoring.tolerance_count")  # fmt: skip
RenderAgain = Callable[[str, int], Awaitable[web.StreamResponse]]


async def run_form(
    request: web.Request, work: Awaitable[Any], again: RenderAgain, onward: str, done: str, **facts: Any
) -> web.StreamResponse:
    """Do a form's work, then redirect to `onward`, filtered as the page was; after a refusal show the page again with its sentence.

    `done`, `facts`: what is said there, as `note_result` takes it.
    """
    try:
        await work
    except Refused as refused:
        if refused.code == "not_found":
            raise
        return await again(word_refusal(request, refused), get_status(refused.code))
    note_result(request, done, **facts)
    raise web.HTTPSeeOther(keep_filters(request, onward))


def read_fields(form: SubmittedForm, *names: str) -> dict[str, Any]:
    """Return the fields that were filled in."""
    found = {name: strip_unstorable(form.fields.get(name, "")).strip() for name in names}
    return {name: value for name, value in found.items() if value}


def parse_settings(form: SubmittedForm, texts: Texts) -> dict[str, str]:
    """Return the settings a form changes for a trial: those it names, and `other` as NAME=VALUE, as the settings page has both.

    Refused `unknown_setting`, `bad_setting` and their like; `bad_field` if `other` has no `=`.
    """
    fields = read_fields(form, *WHAT_IF_SETTINGS, "other")
    key, equals, value = fields.pop("other", "").partition("=")
    if key and not equals:
        raise Refused("bad_field", field="other")
    key = {row.label: row.key for row in load_catalogue().values()}.get(key.strip(), key.strip())
    value = read_value(texts, find_setting(key), value) if equals else value
    written = {**fields, **({key: value} if equals else {})}
    return {key: parse_value(key, value) for key, value in written.items()}


def parse_integers(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the fields with the named ones as whole numbers. Refused `bad_field`."""
    found = dict(fields)
    for name in names:
        if name in found:
            text = str(found[name])
            if not (text.isascii() and text.isdigit() and len(text) <= 9):
                raise Refused("bad_field", field=name)
            found[name] = int(text)
    return found


async def store_files(services: Services, form: SubmittedForm, actor: Actor) -> list[str]:
    """Store the form's files and return their ids. Refused as `TicketFiles.store`."""
    return [(await services.files.store(f.filename or "", f.content, actor)).id for f in form.files]
