"""Upload and download of files, and imports of files of tickets, people and the like."""

from dataclasses import replace
from urllib.parse import quote

from backend.domain.acts import list_files
from backend.domain.permissions import PERMISSIONS, require
from backend.domain.refusals import Refused
from backend.importing.files.templates import build_template
from backend.importing.service import ImportDocument
from backend.tickets.files import MIME
from backend.web.api.tickets import load_view
from backend.web.query import FLAG, Schema
from backend.web.request import ApiRequest, ApiResponse, FormPart
from backend.web.serializers import Serializer
from backend.web.shapes import File

MAX_IMPORT_BYTES = 64 * 1024 * 1024  # bytes
#: What can be imported.
KINDS = tuple(sorted(name.removeprefix("import.") for name in PERMISSIONS if name.startswith("import.")))

#: What a whole file is refused for; rows are refused in the report.
FILE_REFUSALS = (
    "file_empty", "file_blank_rows", "file_broken", "file_bomb", "file_encoding", "file_mixed_encoding", "file_has_links",
    "file_has_macros", "file_needs_jsonl", "file_no_sheet", "file_old_excel", "file_wrong_kind", "file_xml_unsafe",
    "file_disguised", "file_infected", "scanner_away",
    "heading_twice", "headings_missing", "unknown_field", "bad_field", "bad_set_value",
)  # fmt: skip
FILE_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
#: Fields of an import beside the file: whether to keep nothing, and what fills columns the file does not have.
IMPORT_FORM: Schema = {
    "dry_run": FLAG,
    "set": {"type": "array", "items": {"type": "string", "pattern": "^[^=]+=.*$"}},
}


def find_file_part(request: ApiRequest) -> FormPart:
    """Return the one part that is a file. Refused `missing`."""
    files = [p for p in request.parts if p.filename is not None]
    if len(files) != 1:
        raise Refused("missing", field="file")
    return files[0]


async def upload(request: ApiRequest) -> ApiResponse[File]:
    """Store a PDF, JPEG or PNG."""
    part = find_file_part(request)
    file = await request.services.files.store(part.filename or "", part.content, request.actor)
    return ApiResponse((await Serializer.create(request.services)).dump_file(file), 201)


async def download(request: ApiRequest) -> ApiResponse[None]:
    """Return a stored file's content, always as a download; with `ticket`, as one of its files, on record (XM25).

    Refused `not_found`.
    """
    file_id, services, number = request.path["id"], request.services, request.query.get("ticket")
    if number is None:
        file, content = await services.files.open(file_id, request.actor)
    else:
        view = await load_view(request, number)
        visible = list_files(view.ticket, view.assignments, request.actor)
        file, content = await services.files.open_on_ticket(file_id, visible)
        file = replace(file, name=(await Serializer.create(services)).mask(file.name, view.requester))
        await services.audit.record(
            services.clock.now(), request.actor.code, "file_opened", view.ticket.ticket_no, file=file_id
        )
    return ApiResponse(None, raw=content, headers=build_headers(file.name, MIME[file.kind]))


def build_headers(name: str, content_type: str) -> dict[str, str]:
    """Return the headers of a download that is never cached and never shown in the browser."""
    return {
        "Content-Type": content_type,
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
    }


async def import_file(request: ApiRequest) -> ApiResponse[ImportDocument]:
    """Import a file; the report names each refused row (contract §3).

    Refused `not_found` for an unknown kind, `forbidden`, `missing`, `unknown_field`.
    """
    kind = request.path["kind"]
    if f"import.{kind}" not in PERMISSIONS:
        raise Refused("not_found", kind=kind)
    require(request.actor, f"import.{kind}")
    part = find_file_part(request)
    dry_run, preset = False, {}
    for field in request.parts:
        if field is part:
            continue
        value = _decode_text(field)
        if field.name == "dry_run":
            dry_run = value in ("1", "true")
        elif field.name == "set" and "=" in value:
            name, _, to = value.partition("=")
            preset[name.strip()] = to.strip()
        else:
            raise Refused("unknown_field", field=field.name[:200])
    report = await request.services.imports.import_file(
        kind, part.filename or "", part.content, request.actor, dry_run=dry_run, preset=preset
    )
    request.services.office.invalidate()
    await request.services.audit.record(
        request.services.clock.now(), request.actor.code, "import", kind, dry_run=dry_run
    )
    return ApiResponse(report)


async def download_template(request: ApiRequest) -> ApiResponse[None]:
    """Return an empty table with the headings of a kind of import. Refused `not_found`, `forbidden`, `file_needs_jsonl`."""
    kind = request.path["kind"]
    if f"import.{kind}" not in PERMISSIONS:
        raise Refused("not_found", kind=kind)
    require(request.actor, f"import.{kind}")
    title = request.services.texts.get_word_or_value("import_kind", kind)
    return ApiResponse(
        None, raw=build_template(kind).encode(), headers=build_headers(f"{title}.csv", "text/csv; charset=utf-8")
    )


def _decode_text(part: FormPart) -> str:
    try:
        return part.content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("bad_field", field=part.name[:200]) from None
