"""Upload and download of files, and imports of files of tickets, people and the like."""

from urllib.parse import quote

from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.office.duty_roster import PLANNER_ROLES
from backend.tickets.files import MIME
from backend.web.asked import Answer, Ask, Part
from backend.web.shapes import Shaper

#: What may be imported, and by which roles besides admin.
KINDS: dict[str, frozenset[Role]] = {
    "units": frozenset(), "people": frozenset(), "calendar": frozenset(), "history": frozenset(),
    "tickets": frozenset({Role.DISPATCHER}), "ledger": frozenset({Role.SCORE_CLERK}),
    "visits": frozenset({Role.REVISIT_AGENT}), "catalogue": frozenset({Role.DISPATCHER}),
    "roster": PLANNER_ROLES,
}  # fmt: skip
LARGEST_IMPORT = 64 * 1024 * 1024  # bytes


def the_file(ask: Ask) -> Part:
    """Return the one part that is a file. Refused `missing`."""
    files = [p for p in ask.parts if p.filename is not None]
    if len(files) != 1:
        raise Refused("missing", field="file")
    return files[0]


async def hand_in(ask: Ask) -> Answer:
    """Store a PDF, JPEG or PNG."""
    part = the_file(ask)
    paper = await ask.rooms.filing.store(part.filename or "", part.content, ask.actor)
    return Answer((await Shaper.of(ask.rooms)).paper(paper), 201)


async def take_out(ask: Ask) -> Answer:
    """Return a stored file's content, always as a download."""
    paper, content = await ask.rooms.filing.open(ask.path["id"], ask.actor)
    headers = {
        "Content-Type": MIME[paper.kind], "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(paper.name, safe='')}",
    }  # fmt: skip
    return Answer(None, raw=content, headers=headers)


async def bring(ask: Ask) -> Answer:
    """Import a file; the report names each refused row (contract §3).

    Refused `not_found` for an unknown kind, `forbidden`, `missing`, `unknown_field`.
    """
    kind = ask.path["kind"]
    if kind not in KINDS:
        raise Refused("not_found", kind=kind)
    if ask.actor.role is not Role.ADMIN and ask.actor.role not in KINDS[kind]:
        raise Refused("forbidden")
    if ask.rooms.imports is None:
        raise Refused("unavailable")
    part = the_file(ask)
    dry, preset = False, {}
    for field in ask.parts:
        if field is part:
            continue
        value = _text(field)
        if field.name == "dry_run":
            dry = value in ("1", "true")
        elif field.name == "set" and "=" in value:
            name, _, to = value.partition("=")
            preset[name.strip()] = to.strip()
        else:
            raise Refused("unknown_field", field=field.name[:200])
    report = await ask.rooms.imports.import_file(
        kind, part.filename or "", part.content, ask.actor, dry_run=dry, preset=preset
    )
    ask.rooms.office.invalidate()
    await ask.rooms.audit.record(ask.rooms.clock.now(), ask.actor.code, "import", kind, dry_run=dry)
    return Answer(dict(report))


def _text(part: Part) -> str:
    try:
        return part.content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("bad_field", field=part.name[:200]) from None
