"""Page of one person: the chats that tell them, in the order of use."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may
from backend.services import Services
from backend.web.api.chats import end_chat, load_person, prefer_chat
from backend.web.body import strip_unstorable
from backend.web.console.rendering import render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /office/people/CODE."""
    person = await load_person(services, actor, _read(request, "code"))
    unit = (await services.office.snapshot()).find_unit(person.unit)
    return render_page(request, "person.html", {
        "person": person, "unit_name": unit.name if unit else person.unit,
        "may_end": may(actor, "office.edit"), "may_prefer": actor.code == person.code or may(actor, "office.edit"),
    })  # fmt: skip


async def prefer(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /office/people/CODE/chat-preference: tell them by this network first; by the office's order without one."""
    network = strip_unstorable(form.fields.get("network", "")) or None
    person = await prefer_chat(services, actor, _read(request, "code"), network)
    note_result(request, "chat_chosen", name=person.name, network=_name(services, person.chat))
    raise web.HTTPSeeOther(_page(request))


async def end(request: web.Request, services: Services, actor: Actor, _form: SubmittedForm) -> web.StreamResponse:
    """POST /office/people/CODE/chats/NETWORK/end."""
    network = _read(request, "network")
    person = await end_chat(services, actor, _read(request, "code"), network)
    note_result(request, "chat_ended", name=person.name, network=_name(services, network))
    raise web.HTTPSeeOther(_page(request))


def _read(request: web.Request, part: str) -> str:
    return strip_unstorable(request.match_info[part])


def _page(request: web.Request) -> str:
    return str(request.rel_url.with_path(f"/office/people/{request.match_info['code']}").with_query(None))


def _name(services: Services, network: str | None) -> str:
    return services.texts.get_word_or_value("source", network or "")


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/office/people/{code}", require_session(show))
    app.router.add_post("/office/people/{code}/chat-preference", require_form(prefer))
    app.router.add_post("/office/people/{code}/chats/{network}/end", require_form(end))
