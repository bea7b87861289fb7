"""A month of random tickets with personal data in their titles, bulletins of it, and readers of documents."""

import io
from typing import Any

import docx
import openpyxl
from sqlalchemy import Connection, text

from backend.domain.acts import Actor
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Role
from backend.ports.reporting import BulletinIssue
from backend.reporting import Reporting
from backend.reporting.compose import compose
from backend.reporting.document import Document
from backend.reporting.kinds import BulletinKind
from storage.engine.database import Database
from storage.integrity.audit import SqlAuditStore
from storage.reporting.bulletins import SqlBulletinStore
from tests.scoring.world import RandomTickets, Record
from tests.scoring.world import World as ScoringWorld

MONTH = "2026-10"
PHONE, REQUESTER = "13812345678", "王德发"
ADMIN = Actor("A1", Role.ADMIN)
PLACES = ("人民大街100号", "人民大街22号", "桂林路3号楼2单元", "")
TITLES = (f"找{REQUESTER}，电话{PHONE}", '=HYPERLINK("http://x")', "路灯不亮", "供暖不热")


class World(ScoringWorld):
    """A small province and the bulletins about it."""

    def __init__(self, db: Database, language: str = "zh_CN") -> None:
        super().__init__(db)
        self.texts = Texts(language)
        self.bulletins = SqlBulletinStore(db, self.ids, self.encryption)
        self.reporting = Reporting(self.bulletins, self.scoring, SqlAuditStore(db, self.ids), self.texts)

    async def open_issue(self, kind: BulletinKind, period: str) -> BulletinIssue:
        """Open the first issue of a period."""
        issue = await self.bulletins.open_issue(kind, period, int(period[:4]), "A1", self.at, None)
        assert issue is not None
        return issue

    async def gather(self, kind: BulletinKind, period: str, settings: dict[str, str] | None = None) -> Any:
        """Return what a bulletin is written from."""
        return await self.reporting._gatherer.gather(kind, period, settings or {}, None)

    async def compose(
        self,
        kind: BulletinKind,
        period: str,
        settings: dict[str, str] | None = None,
        issue: BulletinIssue | None = None,
    ) -> Document:
        """Return the document of a period, before it is typeset; opens an issue unless one is given."""
        issue = issue or await self.open_issue(kind, period)
        return compose(await self.gather(kind, period, settings), issue, self.texts)


async def open_world(
    db: Database, seed: int = 11, count: int = 160, language: str = "zh_CN"
) -> tuple[World, list[Record]]:
    """Open a province with random tickets; every one is of the same requester, who is named in titles too."""
    world = await World(db, language).open()
    tickets = RandomTickets(seed).make(count)
    for n, ticket in enumerate(tickets):
        ticket["channel"] = ("phone", "web", "wechat")[n % 3]
        ticket["requester"] = {"name": REQUESTER, "phone": PHONE}
    await world.import_history(tickets)

    def write(c: Connection) -> None:
        change = text("UPDATE tickets SET place = :place, title = :title WHERE id % 4 = :n")
        for n, (place, title) in enumerate(zip(PLACES, TITLES, strict=True)):
            c.execute(change, {"place": place, "title": title, "n": n})

    await db.write(write)
    return world, tickets


class Workbook:
    """An XLSX file as its reader sees it."""

    def __init__(self, content: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        self.formulas = openpyxl.load_workbook(io.BytesIO(content))

    def rows(self, sheet: str) -> list[tuple[Any, ...]]:
        """Return the rows under the heading of a table, without the total."""
        rows = [tuple(row) for row in self.book[sheet].iter_rows(min_row=4, values_only=True)]
        return [row for row in rows if row[0] != "合计"]

    def find_total(self, sheet: str) -> tuple[Any, ...] | None:
        """Return the total row, if there is one."""
        last = tuple(list(self.book[sheet].iter_rows(min_row=4, values_only=True))[-1])
        return last if last[0] == "合计" else None

    def column(self, sheet: str, place: int = 1) -> dict[str, Any]:
        """Return the cells of a column by those of the first."""
        return {str(row[0]): row[place] for row in self.rows(sheet)}

    def text(self) -> str:
        """Return everything that is written in it."""
        cells = (value for sheet in self.book for row in sheet.iter_rows(values_only=True) for value in row)
        return "\n".join(str(value) for value in cells if value is not None)


class WordDocument:
    """A DOCX file as its reader sees it."""

    def __init__(self, content: bytes) -> None:
        self.doc = docx.Document(io.BytesIO(content))
        self.tables = {
            caption: [[cell.text for cell in row.cells] for row in table.rows]
            for caption, table in zip(self._captions(), self.doc.tables, strict=True)
        }

    def _captions(self) -> list[str]:
        captions = [p.text for p in self.doc.paragraphs if p.style.name == "Caption"]
        return [c.split("  ", 1)[1].strip() for c in captions if c.startswith(("表", "Table"))]

    def text(self) -> str:
        """Return everything that is written in it."""
        paragraphs = [p.text for p in self.doc.paragraphs]
        return "\n".join([*paragraphs, *(cell for rows in self.tables.values() for row in rows for cell in row)])

    def headings(self) -> list[str]:
        """Return its headings."""
        return [p.text for p in self.doc.paragraphs if p.style.name.startswith("Heading")]
