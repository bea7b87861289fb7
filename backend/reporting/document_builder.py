"""Collect a bulletin's blocks in order: numbered headings, catalogue texts, tables and charts."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from backend.domain.texts import Texts
from backend.reporting.document import Annex, Block, Cell, Chart, Column, Heading, Paragraph, Series, Table, format_cell
from backend.reporting.figures import Ratio, compute_share

#: Text columns, aligned left.
LEFT_ALIGNED = frozenset({"figure", "unit", "region", "place", "channel", "category", "grade", "verdict", "matter", "reason", "review",
                  "note", "reading", "value"})  # fmt: skip


class Writer:
    """Collects blocks; text keys are under `bulletin.` in the catalogue."""

    def __init__(self, texts: Texts) -> None:
        self.texts, self._number = texts, 0
        self._body: list[Block] = []
        self._annexes: list[Block] = []

    @property
    def blocks(self) -> list[Block]:
        """The blocks of the body, then those of the annexes."""
        return [*self._body, *self._annexes]

    def start_annex(self, key: str) -> None:
        """Start an annex (附件): the table added next stands there."""
        self._annexes.append(Annex(self.render(f"annex.{key}")))

    def render(self, key: str, /, **facts: object) -> str:
        """Render a text of the catalogue; cell values are formatted as printed."""
        return self.texts.render(f"bulletin.{key}", **{name: _format_fact(value) for name, value in facts.items()})

    def add_heading(self, key: str) -> None:
        """Add the next numbered heading."""
        self._number += 1
        self._body.append(Heading(self.render(f"ordinal.{self._number}") + self.render(f"heading.{key}")))

    def add_paragraph(self, key: str, /, **facts: object) -> None:
        """Add a paragraph."""
        self._body.append(Paragraph(self.render(key, **facts)))

    def add_table(
        self, key: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, annex: bool = False,
        total: bool = False, appended: bool = False,
    ) -> Table | None:  # fmt: skip
        """Add a table, unless it has no rows; return it or None. `total` adds its figures up; `appended`: in an annex."""
        kept = tuple(tuple(row) for row in rows)
        if not kept:
            return None
        added = self._add_up(columns, kept) if total and len(kept) > 1 else ()
        made = Table(self.render(f"sheet.{key}"), self.render(f"caption.{key}"), tuple(columns), kept, annex, added)
        (self._annexes if appended else self._body).append(made)
        return made

    def _add_up(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> tuple[Cell, ...]:
        """Return the total row: counts added, shares of the whole, rates of the added counts; no counts add up to none."""
        found: list[Cell] = [self.render("total")]
        for place, column in enumerate(columns[1:], start=1):
            counts = [cell for row in rows if isinstance(cell := row[place], int)]
            if column.share is not None:
                found.append(compute_share(_get_count(found, column.share), _get_count(found, column.share)))
            elif column.ratio is not None:
                found.append(Ratio(*(_get_count(found, n) for n in column.ratio)).percent)
            else:
                found.append(sum(counts) if counts else None)
        return tuple(found)

    def make_column(
        self, key: str, weight: float = 1.0, *, ratio: tuple[int, int] | None = None, share: int | None = None
    ) -> Column:
        """Make a column with a title of the catalogue."""
        return Column(self.render(f"column.{key}"), weight, ratio, share, key in LEFT_ALIGNED)

    def add_chart(
        self, form: str, key: str, table: Table | None, labels: Sequence[str],
        series: Mapping[str, Sequence[int | Fraction | None]],
    ) -> None:  # fmt: skip
        """Add a chart beside the table `of`, unless there is none; its alt text gives the figures."""
        if table is None or not labels:
            return
        rows = tuple(Series(name, tuple(values)) for name, values in series.items())
        first = self.render("list_mark").join(f"{at} {value}" for at, value in zip(labels, rows[0].values, strict=True))
        caption = self.render(f"figure.{key}")
        alt = self.render("alt", caption=caption, name=rows[0].name, figures=first)
        self._body.append(Chart(form, caption, alt, table.sheet, tuple(labels), rows))

    def add_parts_table(self, key: str, group: str, now: Mapping[str, int], before: Mapping[str, int]) -> Table | None:
        """Add a table of parts with shares and earlier counts; a blank part is 未填."""
        whole = sum(now.values())
        rows = []
        for word, n in sorted(now.items(), key=lambda item: (-item[1], item[0])):
            name = self.texts.get_word_or_value(group, word) if word else self.render("unnamed")
            rows.append((name, n, compute_share(n, whole), before.get(word, 0) if before else None))
        columns = (
            self.make_column(key, 2),
            self.make_column("count"),
            self.make_column("share", share=1),
            self.make_column("before"),
        )
        return self.add_table(key, columns, rows, total=True)

    def format_ratio(self, pair: Ratio) -> str:
        """Format a rate with its numerator and denominator."""
        if pair.percent is None:
            return format_cell(None)
        return self.render("counted", rate=pair.percent, numerator=pair.numerator, denominator=pair.denominator)


def _get_count(row: Sequence[Cell], place: int) -> int:
    """Return a count of a row; 0 where there is none."""
    count = row[place]
    return count if isinstance(count, int) else 0


def _format_fact(value: Any) -> Any:
    return value if isinstance(value, str) else format_cell(value)
