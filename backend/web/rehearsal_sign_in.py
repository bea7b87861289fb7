"""In a rehearsal on this machine one press signs in as any persona of the sample office."""

from aiohttp import web

from backend.domain.acts import Account, AccountKind
from backend.domain.refusals import Refused
from backend.services import Services
from backend.web.body import MAX_BODY_BYTES
from backend.web.console.sessions import read_form
from backend.web.console.sign_in import PERSONAS, Personas, open_session, read_attempt, send_on
from backend.web.identity import is_loopback, is_same_origin
from backend.web.request import SERVICES


def add_rehearsal_sign_in(app: web.Application) -> None:
    """Show the personas on the page of signing in, and take the press."""
    services: Services = app[SERVICES]

    async def list_personas() -> list[tuple[str, str, str, str]]:
        snapshot = await services.office.snapshot()
        units, active = snapshot.config.units, [p for p in snapshot.config.people if p.active]
        return [(p.code, p.name, p.role, units[p.unit].name if p.unit in units else p.unit) for p in active]

    async def enter(request: web.Request) -> web.StreamResponse:
        """POST /sign-in/rehearsal {person}."""
        if not is_same_origin(request) or not is_loopback(request.remote):
            raise Refused("forbidden")
        code = (await read_form(request, MAX_BODY_BYTES)).fields.get("person", "")
        person = (await services.office.snapshot()).by_code.get(code)
        if person is None or not person.active:
            raise Refused("unknown_person", person=code)
        attempt = read_attempt(request, "rehearsal")
        opened = await open_session(services, Account(AccountKind.PERSON, code), code, attempt)
        raise send_on(services, opened)

    app[PERSONAS] = Personas(list_personas)
    app.router.add_post("/sign-in/rehearsal", enter)
