"""What rides in a file of another kind: archives, which are read from their end, documents, pages and scripts (XS13)."""

import re

from backend.domain.refusals import Refused

#: A zip is found by this mark in its last bytes, wherever it begins; then by the one of its directory.
ZIP_END, _ZIP_DIRECTORY = b"PK\x05\x06", b"PK\x01\x02"
ZIP_TAIL = 22 + 65_535  # bytes in which the mark stands: itself and the longest comment
_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c")  # found behind anything by their programs
_PAGE = re.compile(rb"<\s*(?:script|html|!doctype\s+html)\b|<\?php\b", re.IGNORECASE)
_DOCUMENT, _DOCUMENT_WITHIN = b"%PDF-", 1024  # bytes in which viewers look for it


def refuse_archive(content: bytes) -> None:
    """Refused `file_disguised` for what a program that unpacks would open."""
    end = content.rfind(ZIP_END, max(0, len(content) - ZIP_TAIL))
    if (end >= 0 and _ZIP_DIRECTORY in content) or any(mark in content for mark in _ARCHIVES):
        raise Refused("file_disguised")


def refuse_document(picture: bytes) -> None:
    """Refused `file_disguised` for a picture that viewers of documents would open."""
    if _DOCUMENT in picture[:_DOCUMENT_WITHIN]:
        raise Refused("file_disguised")


def refuse_page(remark: bytes) -> None:
    """Refused `file_disguised` for a remark within a file that is a page or a script."""
    if _PAGE.search(remark):
        raise Refused("file_disguised")
