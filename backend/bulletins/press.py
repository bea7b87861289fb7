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

from backend.bulletins.document import Document, Glance, RankGlance
from backend.domain.refusals import Refused

T = TypeVar("T")
NEEDS = {"docx": "python-docx", "xlsxwriter": "XlsxWriter", "typst": "typst", "matplotlib": "matplotlib",
         "noto_cjk_sans_otc": "noto-cjk-sans-otc"}  # fmt: skip


def lacking(needs: Mapping[str, str] = NEEDS) -> list[str]:
    """Return the packages of the `reports` extra that are not installed; `needs`: module → package."""
    return [package for module, package in needs.items() if find_spec(module) is None]


async def printed(document: Document) -> list[tuple[str, bytes]]:
    """Render a document as DOCX, XLSX and PDF: (file name, content). Refused `reports_missing`, `press_failed`."""
    return await apart(_all, document)


async def pictured(picture: Glance | RankGlance) -> bytes:
    """Render a picture as PNG. Refused `reports_missing`, `press_failed`."""
    return await apart(_picture, picture)


async def apart(work: Callable[..., T], what: object) -> T:
    """Run `work(what)` in a new process. Refused `reports_missing`, `press_failed`."""
    absent = lacking()
    if absent:
        raise Refused("reports_missing", packages=", ".join(absent))
    pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_alone)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work, what)
    except BrokenProcessPool:
        raise Refused("press_failed") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _alone() -> None:
    """Ignore Ctrl-C: the parent handles it and ends this process in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _all(document: Document) -> list[tuple[str, bytes]]:
    from backend.bulletins.charts import drawn
    from backend.bulletins.pdf import pdf
    from backend.bulletins.wordfile import wordfile
    from backend.bulletins.workbook import workbook

    pictures = drawn(document.charts)
    return [
        (f"{document.stem}.docx", wordfile(document, pictures)), (f"{document.stem}.xlsx", workbook(document)),
        (f"{document.stem}.pdf", pdf(document, pictures)),
    ]  # fmt: skip


def _picture(picture: Glance | RankGlance) -> bytes:
    from backend.bulletins.charts import glance, ranking

    return glance(picture) if isinstance(picture, Glance) else ranking(picture)
