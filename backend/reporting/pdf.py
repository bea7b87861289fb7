"""Render a document as PDF (or its pages as PNG) with typst, in the form of an official paper; text is data there."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

import typst

from backend.domain.masking import clean
from backend.reporting.document import Annex, Chart, Document, Heading, Paragraph, Table, format_cell

FORM = "bulletin.typ"


def render_pdf(document: Document, pictures: Sequence[bytes]) -> bytes:
    """Render the PDF; `pictures` are the charts as PNG, in order."""
    found = _compile(document, pictures, "pdf")
    assert isinstance(found, bytes)
    return found


def _compile(
    document: Document, pictures: Sequence[bytes], form: Literal["pdf", "png"], ppi: float | None = None
) -> object:
    from noto_cjk_sans_otc import FONT_PATH

    with tempfile.TemporaryDirectory() as folder, as_file(files("backend") / "data" / "forms" / FORM) as template:
        place = Path(folder)
        (place / FORM).write_bytes(template.read_bytes())
        (place / "bulletin.json").write_text(json.dumps(_build_data(document), ensure_ascii=False), "utf-8")
        for n, picture in enumerate(pictures):
            (place / f"chart{n}.png").write_bytes(picture)
        return typst.compile(place / FORM, font_paths=[Path(FONT_PATH).parent], format=form, ppi=ppi)


def _build_data(document: Document) -> dict[str, object]:
    blocks: list[dict[str, object]] = []
    charts = 0
    for block in document.blocks:
        match block:
            case Heading():
                blocks.append({"kind": "heading", "text": clean(block.text), "level": block.level})
            case Paragraph():
                blocks.append({"kind": "paragraph", "text": clean(block.text)})
            case Annex():
                blocks.append({"kind": "annex", "text": clean(block.text)})
            case Table() if not block.annex:
                blocks.append(_build_table(block))
            case Chart():
                blocks.append({"kind": "chart", "file": f"chart{charts}.png", "caption": clean(block.caption),
                               "alt": clean(block.alt)})  # fmt: skip
                charts += 1
            case _:
                pass
    head = {
        "masthead": document.masthead,
        "issue_line": document.issue_line,
        "issuer": document.issuer,
        "date": document.date,
        "title": document.title,
        "send_to": document.send_to,
        "copy_to": document.copy_to,
    }
    return {**{name: clean(text) for name, text in head.items()}, "labels": asdict(document.labels), "blocks": blocks}


def _build_table(table: Table) -> dict[str, object]:
    sides = ["left" if c.left else "center" for c in table.columns]
    return {
        "kind": "table", "caption": clean(table.caption), "heads": [clean(c.title) for c in table.columns],
        "weights": [c.weight for c in table.columns], "sides": sides,
        "rows": [[clean(format_cell(cell)) for cell in row] for row in table.printed_rows],
        "total": bool(table.total),
    }  # fmt: skip
