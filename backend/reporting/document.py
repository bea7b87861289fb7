"""A bulletin as a document of plain values, from which DOCX, XLSX and PDF are rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from backend.domain.scoring.exact import Rounding

DASH = "—"
_TWO = Rounding(2)


@dataclass(frozen=True, slots=True)
class Percent:
    """A fraction of one, printed in per cent with two decimals, half up."""

    value: Fraction

    @property
    def text(self) -> str:
        """The printed text."""
        return f"{_TWO.format(self.value * 100)}%"


@dataclass(frozen=True, slots=True)
class Number:
    """A measured number or a score, printed with two decimals, half up."""

    value: Fraction

    @property
    def text(self) -> str:
        """The printed text."""
        return _TWO.format(self.value)


Cell = str | int | Percent | Number | None


def format_cell(cell: Cell) -> str:
    """Format a cell as it is printed."""
    match cell:
        case None:
            return DASH
        case Percent() | Number():
            return cell.text
        case _:
            return str(cell)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, its relative width, and how a spreadsheet may compute it from earlier columns.

    `ratio` divides one column by another (indices); `share` divides a column by its own sum (index). `left` aligns
    text columns left; figures are centred.
    """

    title: str
    weight: float = 1.0
    ratio: tuple[int, int] | None = None
    share: int | None = None
    left: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; `sheet` is its name in the workbook; `annex`: workbook only, not in DOCX and PDF.

    `total` is the last row, 合计, where the figures add up.
    """

    sheet: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    annex: bool = False
    total: tuple[Cell, ...] = ()

    @property
    def printed_rows(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows as printed, with the total."""
        return (*self.rows, self.total) if self.total else self.rows


@dataclass(frozen=True, slots=True)
class Series:
    """One data series of a chart; None leaves a gap."""

    name: str
    values: tuple[int | Fraction | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart; `form`: `line` over time or horizontal `bars`. `sheet`: the workbook table it is drawn beside."""

    form: str
    caption: str
    alt: str
    sheet: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the first or second level, already numbered."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of the body."""

    text: str


@dataclass(frozen=True, slots=True)
class Annex:
    """附件: what follows stands on pages of its own after the body."""

    text: str


Block = Heading | Paragraph | Table | Chart | Annex


@dataclass(frozen=True, slots=True)
class Labels:
    """The words the renderers themselves need, in the document's language."""

    table: str
    figure: str
    send_to: str
    copy_to: str
    printed: str
    language: str  # zh or en


@dataclass(frozen=True, slots=True)
class Document:
    """A whole bulletin. `masthead`: the red line at the top; `issue_line`: the issue number under it."""

    stem: str  # file name without extension
    masthead: str
    issue_line: str
    issuer: str
    date: str
    title: str
    blocks: tuple[Block, ...]
    send_to: str
    copy_to: str
    labels: Labels

    @property
    def tables(self) -> Sequence[Table]:
        """All tables, including those of the annex."""
        return [b for b in self.blocks if isinstance(b, Table)]

    @property
    def charts(self) -> Sequence[Chart]:
        """All charts."""
        return [b for b in self.blocks if isinstance(b, Chart)]


@dataclass(frozen=True, slots=True)
class Glance:
    """A period on one picture: up to six figures, a line of the last months, and bars by category."""

    title: str
    subtitle: str
    figures: tuple[tuple[str, str, str], ...]  # name, figure, comparison
    charts: tuple[Chart, ...]
    foot: str


@dataclass(frozen=True, slots=True)
class RankGlance:
    """A ranking on one picture; rows: name, score as printed, score as bar length (of 100), rank or tier."""

    title: str
    subtitle: str
    rows: tuple[tuple[str, str, Fraction, str], ...]
    foot: str
