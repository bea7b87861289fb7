"""SQLite files with damaged pages: which pages a table has, and one of them with a bit flipped."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = 512  # bytes: small pages make high trees of few rows
INNER, LEAF = 0x05, 0x0D  # first byte of a page of a table


@dataclass(frozen=True)
class Page:
    """A page of a table, counted from 1."""

    table: str
    part: str  # root, inner, leaf
    number: int


def make_pages_small(file: Path) -> None:
    """Rewrite a closed file with small pages, in WAL mode as before."""
    connection = sqlite3.connect(file)
    for statement in ("PRAGMA journal_mode=DELETE", f"PRAGMA page_size={PAGE}", "VACUUM", "PRAGMA journal_mode=WAL"):
        connection.execute(statement)
    connection.close()


def list_pages(file: Path) -> list[Page]:
    """The pages of all tables of a closed file."""
    connection = sqlite3.connect(file)
    roots = connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
    connection.close()
    content = file.read_bytes()
    return [page for table, root in roots for page in _walk(content, table, root, "root")]


def _walk(content: bytes, table: str, number: int, part: str) -> Iterator[Page]:
    start = (number - 1) * PAGE
    page = content[start : start + PAGE]
    yield Page(table, part, number)
    if page[0] != INNER:
        return
    cells = int.from_bytes(page[3:5], "big")
    places = [int.from_bytes(page[12 + 2 * i : 14 + 2 * i], "big") for i in range(cells)]
    children = [int.from_bytes(page[at : at + 4], "big") for at in places] + [int.from_bytes(page[8:12], "big")]
    for child in children:
        kind = content[(child - 1) * PAGE]
        yield from _walk(content, table, child, "inner" if kind == INNER else "leaf")


def flip(file: Path, page: Page, bit: int) -> None:
    """Flip one bit of a page; those of its first byte, its kind, are 0 to 7."""
    content = bytearray(file.read_bytes())
    content[(page.number - 1) * PAGE + bit // 8] ^= 1 << (bit % 8)
    file.write_bytes(content)


def is_sound(file: Path) -> bool:
    """Whether SQLite itself finds nothing wrong with the pages of a file."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def find_root(file: Path, table: str) -> Page:
    """The root page of a table."""
    return next(page for page in list_pages(file) if (page.table, page.part) == (table, "root"))
