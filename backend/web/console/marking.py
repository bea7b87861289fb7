"""Shared by the scoring pages: run a form or show it again with the refusal, and parse its fields."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.rooms import Rooms
from backend.web.asked import REQUEST_ID
from backend.web.bodies import keepable
from backend.web.console.seats import Filled
from backend.web.refusing import message, status

CLERKS = (Role.SCORE_CLERK, Role.ADMIN)
Again = Callable[[str, int], Awaitable[web.StreamResponse]]


async def tried(
    request: web.Request, rooms: Rooms, work: Awaitable[Any], again: Again, onward: str
) -> web.StreamResponse:
    """Do a form's work, then redirect to `onward`; after a refusal show the page again with its sentence."""
    try:
        await work
    except Refused as refused:
        if refused.code == "not_found":
            raise
        facts = {**refused.facts, "request_id": request[REQUEST_ID]}
        return await again(message(rooms.catalogue, refused.code, facts), status(refused.code))
    raise web.HTTPSeeOther(onward)


def words_in(form: Filled, *names: str) -> dict[str, Any]:
    """Return the fields that were filled in."""
    found = {name: keepable(form.fields.get(name, "")).strip() for name in names}
    return {name: value for name, value in found.items() if value}


def wholes(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the fields with the named ones as whole numbers. Refused `bad_field`."""
    found = dict(said)
    for name in names:
        if name in found:
            written = str(found[name])
            if not (written.isascii() and written.isdigit() and len(written) <= 9):
                raise Refused("bad_field", field=name)
            found[name] = int(written)
    return found


def listed(written: str) -> list[str]:
    """Split ticket numbers a person typed, at blanks, commas or semicolons, Chinese or Western."""
    for mark in ("\uff0c", "\u3001", ",", ";", "\uff1b"):
        written = written.replace(mark, " ")
    return written.split()


async def papers(rooms: Rooms, form: Filled, actor: Actor) -> list[str]:
    """Store the form's files and return their ids. Refused `too_large`, `file_type`."""
    return [(await rooms.filing.store(f.filename or "", f.content, actor)).id for f in form.files]
