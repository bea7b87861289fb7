"""A workbook is a workbook from its first byte to its last; a table of text does not end as an archive (XS13)."""

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import openpyxl
import pytest

from backend.domain.refusals import Refused
from backend.importing.files.reader import open_import
from tests.domain.file_structure.samples import JPEG, PAGE, archive

NOW = datetime(2026, 11, 10, tzinfo=UTC)
Pack = Callable[[zipfile.ZipFile, zipfile.ZipFile], None]


def judge(content: bytes) -> str:
    """The rows of a file, or the code it is refused with."""
    try:
        return str(len(list(open_import("tickets", content, now=NOW))))
    except Refused as refused:
        return refused.code


def pack(packing: Pack | None = None) -> bytes:
    """A workbook of one row, packed again by `packing`."""
    book, made, packed = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    assert book.active is not None
    book.active.append(["ticket_no", "text"])  # type: ignore[union-attr]
    book.active.append(["T1", "路灯不亮"])  # type: ignore[union-attr]
    book.save(made)
    if packing is None:
        return made.getvalue()
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        packing(source, target)
    return packed.getvalue()


def copy(source: zipfile.ZipFile, target: zipfile.ZipFile) -> None:
    for name in source.namelist():
        target.writestr(name, source.read(name))


def with_comment(source: zipfile.ZipFile, target: zipfile.ZipFile) -> None:
    copy(source, target)
    target.comment = PAGE


def twice(source: zipfile.ZipFile, target: zipfile.ZipFile) -> None:
    copy(source, target)
    with warnings.catch_warnings(action="ignore"):
        target.writestr("xl/worksheets/sheet1.xml", source.read("xl/worksheets/sheet1.xml"))


def unpacked(source: zipfile.ZipFile, target: zipfile.ZipFile) -> None:
    for name in source.namelist():
        target.writestr(name, source.read(name), zipfile.ZIP_STORED)


def large(source: zipfile.ZipFile, target: zipfile.ZipFile) -> None:
    """As programs write that do not know the sizes before."""
    for name in source.namelist():
        with target.open(name, "w", force_zip64=True) as part:
            part.write(source.read(name))


class Pipe(io.BytesIO):
    """What cannot be sought: sizes are written behind each part."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise io.UnsupportedOperation

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation


def through_a_pipe() -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(io.BytesIO(pack())) as source, zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as target:
        copy(source, target)
    return pipe.getvalue()


WHOLE = {
    "as openpyxl writes it": pack(), "packed anew": pack(copy), "not packed": pack(unpacked), "with long sizes": pack(large),
    "with sizes behind the parts": through_a_pipe(),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_workbook_is_read_however_it_was_packed_XS13(name: str) -> None:
    assert judge(WHOLE[name]) == "1"


def insert(content: bytes, junk: bytes) -> bytes:
    """A workbook with junk between its last part and its directory, which still finds all."""
    at = content.rfind(b"PK\x05\x06")
    size, start = struct.unpack_from("<II", content, at + 12)
    moved = content[at : at + 16] + struct.pack("<I", start + len(junk)) + content[at + 20 :]
    return content[:start] + junk + content[start : start + size] + moved


BOOK = pack()
DISGUISED = {
    "before it": BOOK[:4] + BOOK,
    "another archive before it": archive() + BOOK,
    "behind it": BOOK + PAGE,
    "one byte behind it": BOOK + b"\0",
    "in its comment": pack(with_comment),
    "amid its parts": insert(BOOK, PAGE),
    "a part twice": pack(twice),
    "a table that ends as an archive": "ticket_no,text\nT1,路灯\n".encode() + archive(),
    "a line of JSON that ends as an archive": b'{"ticket_no": "T1", "text": "x"}\n' + archive(),
}


@pytest.mark.parametrize("name", DISGUISED)
def test_nothing_lies_before_amid_or_behind_the_parts_XS13(name: str) -> None:
    assert judge(DISGUISED[name]) == "file_disguised"
    if name != "amid its parts":
        assert zipfile.is_zipfile(io.BytesIO(DISGUISED[name])), "or it is a straw man"


def test_a_picture_that_ends_as_a_workbook_is_a_picture_FF5() -> None:
    assert judge(JPEG + BOOK) == "file_wrong_kind"
