"""A month of random lives with persons in every text, the room of the bulletins over it, and eyes for its documents."""

import io
from typing import Any

import docx
import openpyxl
from sqlalchemy import text

from backend.domain.acts import Actor
from backend.domain.texts import Texts
from backend.domain.ticket import Role
from backend.reporting import Reporting
from storage.engine.database import Database
from storage.integrity.audit import SqlAuditStore
from storage.reporting.bulletins import SqlBulletinStore
from tests.scoring.world import Lives, World

MONTH = "2026-10"
PHONE, CALLER = "13812345678", "王德发"
REVIEWER, ADMIN = Actor("R1", Role.REVIEWER, "M01"), Actor("A1", Role.ADMIN)
PLACES = ("人民大街100号", "人民大街22号", "桂林路3号楼2单元", "")
TITLES = (f"找{CALLER}，电话{PHONE}", '=HYPERLINK("http://x")', "路灯不亮", "供暖不热")


async def world(db: Database, seed: int = 11, count: int = 160) -> tuple[World, list[dict[str, Any]]]:
    """A province with lives in it; each caller is the same man, and he is in the titles too."""
    made = await World(db).open()
    lives = Lives(seed).make(count)
    for n, life in enumerate(lives):
        life["channel"] = ("phone", "web", "wechat")[n % 3]
        life["requester"] = {"name": CALLER, "phone": PHONE}
    await made.load(lives)

    def write(c: Any) -> None:
        for n in range(4):
            c.execute(
                text("UPDATE tickets SET place = :p, title = :t WHERE id % 4 = :n"),
                {"p": PLACES[n], "t": TITLES[n], "n": n},
            )

    await db.write(write)
    return made, lives


def room(made: World, language: str = "zh_CN") -> Reporting:
    """The room over that world."""
    store = SqlBulletinStore(made.db, made.ids, made.vault)
    return Reporting(store, made.marks, SqlAuditStore(made.db, made.ids), Texts(language))


class Book:
    """A workbook as a reader sees it."""

    def __init__(self, content: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        self.formulas = openpyxl.load_workbook(io.BytesIO(content))

    def rows(self, sheet: str) -> list[tuple[Any, ...]]:
        """The rows under a table's head, without the total."""
        rows = [tuple(row) for row in self.book[sheet].iter_rows(min_row=4, values_only=True)]
        return [row for row in rows if row[0] != "合计"]

    def total(self, sheet: str) -> tuple[Any, ...] | None:
        """The total row, if there is one."""
        last = tuple(list(self.book[sheet].iter_rows(min_row=4, values_only=True))[-1])
        return last if last[0] == "合计" else None

    def column(self, sheet: str, place: int = 1) -> dict[str, Any]:
        """First column → another."""
        return {str(row[0]): row[place] for row in self.rows(sheet)}

    def words(self) -> str:
        """Everything that is written in it."""
        return "\n".join(
            str(v) for s in self.book for row in s.iter_rows(values_only=True) for v in row if v is not None
        )


class Paper:
    """A DOCX as a reader sees it."""

    def __init__(self, content: bytes) -> None:
        self.doc = docx.Document(io.BytesIO(content))
        self.tables = {
            caption: [[cell.text for cell in row.cells] for row in table.rows]
            for caption, table in zip(self._captions(), self.doc.tables, strict=True)
        }

    def _captions(self) -> list[str]:
        found = [p.text for p in self.doc.paragraphs if p.style.name == "Caption"]
        return [c.split("  ", 1)[1].strip() for c in found if c.startswith(("表", "Table"))]

    def words(self) -> str:
        """Everything that is written in it."""
        prose = [p.text for p in self.doc.paragraphs]
        return "\n".join([*prose, *(cell for rows in self.tables.values() for row in rows for cell in row)])

    def headings(self) -> list[str]:
        """Its real headings."""
        return [p.text for p in self.doc.paragraphs if p.style.name.startswith("Heading")]
