"""A bulletin as one document of plain values, before it is set in type: DOCX, XLSX and PDF are drawn from the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from backend.domain.scoring.exact import Rounding

NOTHING = "—"
_TWO = Rounding(2)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of one, shown in per cent with two decimals, half up."""

    value: Fraction

    @property
    def text(self) -> str:
        """As it is printed."""
        return f"{_TWO.text(self.value * 100)}%"


@dataclass(frozen=True, slots=True)
class Number:
    """A measured number or a mark, shown with two decimals, half up."""

    value: Fraction

    @property
    def text(self) -> str:
        """As it is printed."""
        return _TWO.text(self.value)


Cell = str | int | Rate | Number | None


def shown(cell: Cell) -> str:
    """A cell as it is printed."""
    match cell:
        case None:
            return NOTHING
        case Rate() | Number():
            return cell.text
        case _:
            return str(cell)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its width beside the others, and how a sheet may reckon it from the columns before.

    `ratio` divides one column by another; `share` is a column's part of its own sum. Words stand `left`, figures centred.
    """

    title: str
    weight: float = 1.0
    ratio: tuple[int, int] | None = None
    share: int | None = None
    left: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; `sheet` is its name in the workbook. `annex` keeps it out of the pages."""

    sheet: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    annex: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One row of figures of a chart; None leaves a gap."""

    name: str
    values: tuple[int | Fraction | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: `line` over time, or `bars` lying down. `sheet` is the table it is drawn beside in the workbook."""

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


Block = Heading | Paragraph | Table | Chart


@dataclass(frozen=True, slots=True)
class Labels:
    """The few words the setting of type itself needs, in the document's language."""

    table: str
    figure: str
    send_to: str
    copy_to: str
    printed: str
    language: str  # zh or en


@dataclass(frozen=True, slots=True)
class Document:
    """A whole bulletin. `masthead` is the red line at its head, `issue_line` the number of the issue under it."""

    stem: str  # of the files' names
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
        """All tables, those of the annex too."""
        return [b for b in self.blocks if isinstance(b, Table)]

    @property
    def charts(self) -> Sequence[Chart]:
        """All charts."""
        return [b for b in self.blocks if isinstance(b, Chart)]


@dataclass(frozen=True, slots=True)
class Glance:
    """A period on one picture: up to six figures, bars of its parts, and a line of the months before."""

    title: str
    subtitle: str
    figures: tuple[tuple[str, str, str], ...]  # name, figure, what it is compared with
    charts: tuple[Chart, ...]
    foot: str


@dataclass(frozen=True, slots=True)
class RankGlance:
    """A ranking on one picture: name, mark as shown, its length beside 100, and its rank or band."""

    title: str
    subtitle: str
    rows: tuple[tuple[str, str, Fraction, str], ...]
    foot: str
