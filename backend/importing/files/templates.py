"""Empty tables to fill in: the headings of each kind of import, in Chinese, as a spreadsheet opens them (contract §4)."""

import csv
import io

from backend.domain.refusals import Refused
from backend.importing.files.forms import FORMS

BOM = "\ufeff"  # by which spreadsheets know the encoding


def build_template(kind: str) -> str:
    """Return the CSV of a kind's headings. Refused `unknown_kind`; `file_needs_jsonl` for histories."""
    if kind == "history":
        raise Refused("file_needs_jsonl")
    if kind not in FORMS:
        raise Refused("unknown_kind", kind=kind[:40])
    out = io.StringIO()
    csv.writer(out).writerow(column.heading for column in FORMS[kind].fields)
    return BOM + out.getvalue()
