"""A file is what its first bytes say, from the first to the last, and nothing else besides; or it is refused (XS13)."""

import io
import struct
import time
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.file_structure import png as png_reader
from backend.domain.file_structure import read_file
from backend.domain.refusals import Refused
from tests.domain.file_structure.samples import (
    JPEG,
    PAGE,
    PDF,
    PNG,
    WHOLE,
    archive,
    chunk,
    jpeg,
    pdf,
    png,
    segment,
    stream,
)

RAR, SEVEN, PROGRAM = b"Rar!\x1a\x07\x00" + bytes(20), b"7z\xbc\xaf\x27\x1c" + bytes(26), b"MZ\x90\x00" + bytes(60)
SCRIPT, JUNK = b"=1;alert(1)//", b"nothing in particular"


def judge(content: bytes) -> str:
    """The kind of a file that is taken, or the code it is refused with."""
    try:
        return read_file(content)[0]
    except Refused as refused:
        return refused.code


TAKEN = {
    "a picture": (PNG, "png"),
    "of every colour": (png(colour=6, depth=16), "png"),
    "of one bit": (png(width=9, colour=0, depth=1), "png"),
    "interlaced, of one pixel": (png(1, 1, interlaced=1), "png"),
    "with remarks": (png(before=chunk(b"tEXt", b"Software\0WPS")), "png"),
    "a photo": (JPEG, "jpeg"),
    "a photo with remarks": (jpeg(segment(0xE1, b"Exif\0\0" + bytes(90)), segment(0xFE, b"holiday")), "jpeg"),
    "a photo with its map of brightness": (JPEG + JPEG, "jpeg"),
    "a paper": (PDF, "pdf"),
    "a paper amended": (PDF + b"3 0 obj<<>>endobj\ntrailer<</Prev 110>>\nstartxref\n400\n%%EOF\r\n\r\n", "pdf"),
    "a paper with a page stored in it": (pdf(stream(PAGE)), "pdf"),
    "a paper whose stream says its own end": (pdf(stream(b"x\nendstream\nendobj\ny")), "pdf"),
    "a paper whose stream's length stands elsewhere": (pdf(stream(b"endobj stream\n", "8 0 R")), "pdf"),
    "a paper whose length is wrong": (pdf(stream(b"abc", "999999")), "pdf"),
    "a paper whose writer left a remark before its end": (PDF.replace(b"startxref", b"%iText-7.1.2\nstartxref"), "pdf"),
    "a paper without blanks": (b"%PDF-1.4\r1 0 obj<<>>endobj2 0 obj 7endobj\rstartxref 9\r%%EOF", "pdf"),
    "a paper without a table": (b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "pdf"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_whole_files_are_taken_as_they_are_XS13(name: str) -> None:
    content, kind = TAKEN[name]
    assert read_file(content) == (kind, content)


def objects(text: bytes, head: bytes = b"/Filter/FlateDecode", *, packed: bytes | None = None) -> bytes:
    """An object stream."""
    data = zlib.compress(text) if packed is None else packed
    return (
        b"8 0 obj\n<</Type/ObjStm/N 1/First 4"
        + head
        + b"/Length %d>>\nstream\n" % len(data)
        + data
        + b"\nendstream\nendobj\n"
    )


RUNS = b"7 0 <</S/JavaScript/JS(app.alert\\(1\\))>>"
ACTS = {
    "a script": pdf(b"7 0 obj<</S/JavaScript/JS(x)>>endobj\n"),
    "a script elsewhere": pdf(b"7 0 obj<</Names[(a)<</S /JavaScript /JS 9 0 R>>]>>endobj\n"),
    "a script in other letters": pdf(b"7 0 obj<</S/Java#53cript/#4a#53(x)>>endobj\n"),
    "a program to start": pdf(b"7 0 obj<</S/Launch/Win<</F(cmd.exe)>>>>endobj\n"),
    "a file": pdf(b"7 0 obj<</Type/EmbeddedFile/Length 3>>\nstream\nabc\nendstream\nendobj\n"),
    "a list of files": pdf(b"7 0 obj<</Names<</EmbeddedFiles 9 0 R>>>>endobj\n"),
    "a film": pdf(b"7 0 obj<</Subtype/RichMedia>>endobj\n"),
    "a form with scripts": pdf(b"7 0 obj<</AcroForm<</XFA 9 0 R>>>>endobj\n"),
    "behind a string that does not end": pdf(b"7 0 obj<</T(a /S/JavaScript>>endobj\n"),
    "behind a string with brackets": pdf(b"7 0 obj<</T(a\\)(b)c)/S/JavaScript>>endobj\n"),
    "in a trailer": PDF.replace(b"/Root 1 0 R", b"/Root<</OpenAction<</S/Launch>>>>"),
    "in packed objects": pdf(objects(RUNS)),
    "in packed objects, in other letters": pdf(objects(RUNS.replace(b"JavaScript", b"J#61vaScript").replace(b"/JS", b"/x"))),
    "in objects that are only stored": pdf(objects(b"", b"", packed=RUNS)),
    "in objects packed otherwise": pdf(objects(b"", b"/Filter[/ASCIIHexDecode/FlateDecode]", packed=RUNS.hex().encode())),
    "in objects packed in shorter words": pdf(objects(RUNS, b"/Filter/Fl")),
    "in objects whose packing stands elsewhere": pdf(objects(RUNS, b"/Filter 6 0 R")),
    "in objects that are encrypted": pdf(objects(b"", packed=b"\x93" * 40)),
    "in objects that are predicted": pdf(objects(RUNS, b"/Filter/FlateDecode/DecodeParms<</Predictor 12>>")),
}  # fmt: skip
QUIET = {
    "packed objects": pdf(objects(b"7 0 <</Type/Page>>")),
    "words in a text": pdf(b"7 0 obj<</Title(about /JavaScript and (/Launch\\) too))>>endobj\n"),
    "words in a remark": pdf(b"7 0 obj<<\n% /JavaScript\n/Type/Page>>endobj\n"),
    "words in a page": pdf(stream(b"(/JavaScript) Tj")),
    "longer names": pdf(b"7 0 obj<</JSFont 1/Launcher 2/JavaScripts 3>>endobj\n"),
    "a link": pdf(b"7 0 obj<</S/URI/URI(https://a.example/JS/Launch)>>endobj\n"),
}


@pytest.mark.parametrize("where", ACTS)
def test_a_paper_that_acts_is_refused_wherever_it_says_so_XS13(where: str) -> None:
    assert judge(ACTS[where]) == "file_active"


@pytest.mark.parametrize("what", QUIET)
def test_a_paper_that_only_speaks_of_it_is_taken_XS13(what: str) -> None:
    assert judge(QUIET[what]) == "pdf"


def test_packed_objects_are_unpacked_so_far_and_no_further_XS13() -> None:
    began = time.perf_counter()
    assert judge(pdf(objects(bytes(70 * 1024 * 1024)))) == "file_bomb"
    assert judge(pdf(*[objects(bytes(30 * 1024 * 1024))] * 3)) == "file_bomb"
    assert judge(pdf(b"7 0 obj" + b"(/a" * 400_000 + b"endobj\n")) == "pdf"
    assert time.perf_counter() - began < 10


BEHIND = {
    "archive": archive(), "rar": RAR, "7z": SEVEN, "page": PAGE, "script": SCRIPT, "program": PROGRAM, "junk": JUNK,
    "one byte": b"x", "paper": PDF, "picture": PNG,
}  # fmt: skip


@pytest.mark.parametrize("what", BEHIND)
@pytest.mark.parametrize("kind", WHOLE)
def test_nothing_stands_behind_the_end_XS13(kind: str, what: str) -> None:
    if (kind, what) == ("pdf", "paper"):
        assert judge(WHOLE[kind] + BEHIND[what]) == "pdf", "a remark and more objects: a paper amended"
        return
    assert judge(WHOLE[kind] + BEHIND[what]) == "file_disguised"


@pytest.mark.parametrize("what", [*BEHIND, "blank"])
@pytest.mark.parametrize("kind", WHOLE)
def test_nothing_stands_before_the_beginning_XS13_FF5(kind: str, what: str) -> None:
    before = {**BEHIND, "blank": b"\n"}[what]
    if (kind, what) != ("pdf", "paper"):
        assert judge(before + WHOLE[kind]) in ("file_type", "file_disguised")


WITHIN = {
    "png: a zip in a remark, found from the end": PNG[:-12] + chunk(b"zIPs", archive()) + PNG[-12:],
    "png: a page in a remark": png(before=chunk(b"tEXt", b"Comment\0" + PAGE)),
    "png: a script in a remark": png(before=chunk(b"tEXt", b"Comment\0<?php system(1); ?>")),
    "png: a paper in a remark": png(before=chunk(b"tEXt", b"Comment\0" + PDF)),
    "png: an archive in a remark": png(before=chunk(b"raRs", RAR)),
    "png: more behind the packed pixels": png(pixels=zlib.compress(bytes(20)) + JUNK),
    "png: more pixels than the picture has": png(pixels=zlib.compress(bytes(999))),
    "png: words in its end": PNG[:-12] + chunk(b"IEND", JUNK),
    "jpeg: a page in a remark": jpeg(segment(0xFE, PAGE)),
    "jpeg: a page in its Exif": jpeg(segment(0xE1, b"Exif\0\0" + PAGE)),
    "jpeg: an archive in a remark": jpeg(segment(0xFE, archive())),
    "jpeg: a paper in a remark": jpeg(segment(0xFE, PDF)),
    "jpeg: a script": JPEG[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0" + b"/*" + bytes(12_000)) + JPEG[20:],
    "jpeg: an archive behind a second picture": JPEG + JPEG + archive(),
    "jpeg: too many pictures": JPEG * 20,
    "pdf: an archive as an object": pdf(stream(archive())),
    "pdf: a page between objects": pdf(PAGE),
    "pdf: an archive between objects": pdf(archive()),
    "pdf: a page in a remark": pdf(b"%" + PAGE + b"\n"),
    "pdf: very long remarks": pdf(b"%" + b"x" * 20_000 + b"\n"),
    "pdf: a page behind an inner end": PDF + PAGE + PDF[9:],
}  # fmt: skip


@pytest.mark.parametrize("name", WITHIN)
def test_nothing_else_rides_within_XS13(name: str) -> None:
    assert judge(WITHIN[name]) == "file_disguised"


def test_a_zip_that_hides_in_a_picture_would_have_been_opened_XS13() -> None:
    """The samples are no straw men: programs do find these archives."""
    for content in (
        PNG + archive(),
        JPEG + archive(),
        PDF + archive(),
        WITHIN["png: a zip in a remark, found from the end"],
    ):
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            assert opened.namelist() == ["index.html"]


APPENDED = {
    "a moving picture": b"\0\0\0\x18ftypmp42" + bytes(300),
    "Samsung's remarks": b"\0\0\1\x0aImage_UTC_Data1600000000000SEFH" + bytes(20) + b"SEFT",
    "vivo's remarks": b'vivo{"version":1}' + bytes(30),
    "OPPO's remarks": b'{"color":1}' + bytes(8) + b"jxrs",
    "Honor's remarks": bytes(50) + b"v2_f30 \0\0LIVE_3651112  ",
    "filling": bytes(500),
    "an end of line": b"\r\n",
}


@pytest.mark.parametrize("name", APPENDED)
def test_what_telephones_append_to_photos_is_cut_off_and_the_photo_kept_XS13(name: str) -> None:
    assert read_file(JPEG + APPENDED[name]) == ("jpeg", JPEG)
    assert read_file(JPEG + JPEG + APPENDED[name] + archive() * ("SEFT" in name)) == ("jpeg", JPEG + JPEG)


BROKEN = {
    "png without pixels": PNG[:33] + PNG[-12:],
    "png with a wrong sum": PNG[:40] + b"\xff" + PNG[41:],
    "png of no size": png(0, 5),
    "png of no colour": PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 5, 0, 0, 0)) + PNG[33:],
    "png with an unknown chunk that matters": png(before=chunk(b"JUNK", b"x")),
    "png with something amid its pixels": png(between=chunk(b"tEXt", b"a\0b")),
    "png whose pixels are none": png(pixels=b"no pixels at all"),
    "jpeg without a scan": JPEG[:20] + b"\xff\xd9",
    "pdf without objects": b"%PDF-1.7\n%%EOF\n",
    "pdf without an end": PDF[:-6],
    "pdf that begins otherwise": b"%PDF-what\n1 0 obj<<>>endobj\n%%EOF",
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_not_whole_is_said_to_be_damaged_XS13(name: str) -> None:
    assert judge(BROKEN[name]) == "file_broken"


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_anywhere_is_refused_XS13(kind: str) -> None:
    whole = WHOLE[kind]
    end = len(whole.rstrip()) if kind == "pdf" else len(whole)
    assert {judge(whole[:size]) for size in range(8, end)} <= {"file_broken", "file_disguised", "file_type"}


def test_a_picture_that_would_fill_the_memory_is_refused_XS13() -> None:
    side = 30_000
    assert side * side > png_reader.MAX_PIXEL_BYTES
    assert judge(png(side, side, colour=0, pixels=b"x" * 99)) == "file_bomb"


MEGABYTES = 2
SLOW = {
    "objects": b"%PDF-1.7\n" + b"1 0 obj 1endobj\n" * (MEGABYTES * 60_000 * 3),
    "ends": b"%PDF-1.7\n1 0 obj 1endobj\n" + b"%%EOF\n" * (MEGABYTES * 170_000),
    "streams in one object": b"%PDF-1.7\n1 0 obj\n" + b"stream\nendstream\n" * (MEGABYTES * 60_000) + b"%%EOF",
    "lengths in one object": b"%PDF-1.7\n1 0 obj\n" + b"/Length 1\n" * (MEGABYTES * 100_000) + b"stream\nx",
    "a trailer of remarks": b"%PDF-1.7\n" + (b"trailer <<" + b"%>>\n" * 15_000 + b"startxref 1\n") * (MEGABYTES * 16),
    "a table of blanks": b"%PDF-1.7\nxref 1" + b" " * (MEGABYTES * 1_000_000) + b"x",
    "segments": JPEG[:2] + b"\xff\xfe\0\x02" * (MEGABYTES * 250_000),
    "filling": JPEG[:2] + b"\xff" * (MEGABYTES * 1_000_000),
    "brackets": jpeg(*[segment(0xFE, b"<" + b" " * 60_000)] * (MEGABYTES * 16)),
    "chunks": png(before=chunk(b"tEXt", b"") * (MEGABYTES * 80_000)),
    "pixels": png(15_000, 15_000, colour=0, pixels=zlib.compress(bytes(15_000 * 15_001), 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
def test_no_file_takes_long_to_judge_XS13(name: str) -> None:
    """2 MB each, which is a tenth of what is taken: 3 s in all, most of them for the pixels."""
    started = time.process_time()
    judge(SLOW[name])
    assert time.process_time() - started < 3, name


@given(st.binary(max_size=300), st.sampled_from(sorted(WHOLE)), st.integers(0, 400))
def test_no_bytes_whatever_make_it_fail_XS13(noise: bytes, kind: str, at: int) -> None:
    whole = WHOLE[kind]
    assert judge(noise) in ("file_type", "file_broken", "file_disguised", "png", "jpeg", "pdf")
    assert judge(whole[:at] + noise + whole[at:]) in (
        kind,
        "file_type",
        "file_broken",
        "file_disguised",
        "file_active",
        "file_bomb",
    )
    assert judge(whole[: max(at, 8)] + noise) in (kind, "file_broken", "file_disguised", "file_active", "file_bomb")
