"""Judges an uploaded file as a whole: it is what its first bytes say from the first to the last, and nothing besides (XS13)."""

from collections.abc import Callable

from backend.domain.file_structure.jpeg import cut_jpeg
from backend.domain.file_structure.pdf import check_pdf
from backend.domain.file_structure.png import check_png
from backend.domain.file_structure.stowaways import refuse_archive, refuse_document
from backend.domain.refusals import Refused


def _keep(check: Callable[[bytes], None]) -> Callable[[bytes], bytes]:
    def run(content: bytes) -> bytes:
        check(content)
        return content

    return run


#: first bytes → kind, and what reads it to its end
_KINDS: tuple[tuple[bytes, str, Callable[[bytes], bytes]], ...] = (
    (b"%PDF-", "pdf", _keep(check_pdf)),
    (b"\xff\xd8\xff", "jpeg", cut_jpeg),
    (b"\x89PNG\r\n\x1a\n", "png", _keep(check_png)),
)


def read_file(content: bytes) -> tuple[str, bytes]:
    """Return pdf, jpeg or png with the content to store: without what a camera appends behind its picture.

    Refused `file_type` for any other first bytes (FF5), `file_broken` for a file that is not whole, `file_disguised` for one
    that is something else as well, `file_active` for a paper that acts, `file_bomb` for a picture that would fill the memory. It takes long: up to a second.
    """
    for start, kind, read in _KINDS:
        if content.startswith(start):
            kept = read(content)
            refuse_archive(kept)
            if kind != "pdf":
                refuse_document(kept)
            return kind, kept
    raise Refused("file_type")
