"""Render documents and pictures in a child process, so that the server keeps answering meanwhile (P10).

Importing this file is cheap: only the child process imports the heavy libraries.
"""

import asyncio
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from multiprocessing import get_context
from typing import TypeVar

from backend.domain.refusals import Refused
from backend.reporting.document import Document, Glance, RankGlance

T = TypeVar("T")
PACKAGES = {"docx": "python-docx", "xlsxwriter": "XlsxWriter", "typst": "typst", "matplotlib": "matplotlib",
         "noto_cjk_sans_otc": "noto-cjk-sans-otc"}  # fmt: skip


def list_missing_packages(packages: Mapping[str, str] = PACKAGES) -> list[str]:
    """Return the packages of the `reports` extra that are not installed; `packages`: module → package."""
    return [package for module, package in packages.items() if find_spec(module) is None]


async def render_document(document: Document) -> list[tuple[str, bytes]]:
    """Render a document as DOCX, XLSX and PDF: (file name, content). Refused `reports_missing`, `press_failed`."""
    return await run_in_process(_render_all, document)


async def render_picture(picture: Glance | RankGlance) -> bytes:
    """Render a picture as PNG. Refused `reports_missing`, `press_failed`."""
    return await run_in_process(_render_picture, picture)


async def run_in_process(work: Callable[..., T], what: object) -> T:
    """Run `work(what)` in a new process. Refused `reports_missing`, `press_failed`."""
    absent = list_missing_packages()
    if absent:
        raise Refused("reports_missing", packages=", ".join(absent))
    pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_ignore_interrupt)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work, what)
    except BrokenProcessPool:
        raise Refused("press_failed") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ignore_interrupt() -> None:
    """Ignore Ctrl-C: the parent handles it and ends this process in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _render_all(document: Document) -> list[tuple[str, bytes]]:
    from backend.reporting.charts import draw_charts
    from backend.reporting.docx import render_docx
    from backend.reporting.pdf import render_pdf
    from backend.reporting.xlsx import render_xlsx

    pictures = draw_charts(document.charts)
    return [
        (f"{document.stem}.docx", render_docx(document, pictures)),
        (f"{document.stem}.xlsx", render_xlsx(document)),
        (f"{document.stem}.pdf", render_pdf(document, pictures)),
    ]


def _render_picture(picture: Glance | RankGlance) -> bytes:
    from backend.reporting.charts import draw_glance, draw_ranking

    return draw_glance(picture) if isinstance(picture, Glance) else draw_ranking(picture)
