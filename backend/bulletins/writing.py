"""Collect a bulletin's blocks in order: numbered headings, catalogue texts, tables and charts."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from backend.bulletins.document import Block, Cell, Chart, Column, Heading, Paragraph, Series, Table, shown
from backend.bulletins.reckoning import Pair, share
from backend.domain.texts import Texts

#: Text columns, aligned left.
LEFT = frozenset({"figure", "unit", "region", "place", "channel", "category", "grade", "verdict", "matter", "reason", "review",
                  "note", "reading", "value"})  # fmt: skip


class Writer:
    """Collects blocks; text keys are under `bulletin.` in the catalogue."""

    def __init__(self, words: Texts) -> None:
        self.words, self._number = words, 0
        self.blocks: list[Block] = []

    def render(self, key: str, /, **facts: Any) -> str:
        """Render a text of the catalogue; cell values are formatted as printed."""
        return self.words.render(f"bulletin.{key}", **{name: _fact(value) for name, value in facts.items()})

    def heading(self, key: str) -> None:
        """Add the next numbered heading."""
        self._number += 1
        self.blocks.append(Heading(self.render(f"ordinal.{self._number}") + self.render(f"heading.{key}")))

    def prose(self, key: str, /, **facts: Any) -> None:
        """Add a paragraph."""
        self.blocks.append(Paragraph(self.render(key, **facts)))

    def table(
        self, key: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, annex: bool = False
    ) -> Table | None:  # fmt: skip
        """Add a table, unless it has no rows; return it or None."""
        kept = tuple(tuple(row) for row in rows)
        if not kept:
            return None
        made = Table(self.render(f"sheet.{key}"), self.render(f"caption.{key}"), tuple(columns), kept, annex)
        self.blocks.append(made)
        return made

    def column(
        self, key: str, weight: float = 1.0, *, ratio: tuple[int, int] | None = None, share: int | None = None
    ) -> Column:
        """Make a column with a title of the catalogue."""
        return Column(self.render(f"column.{key}"), weight, ratio, share, key in LEFT)

    @staticmethod
    def column_named(title: str, weight: float = 1.0) -> Column:
        """Make a column with the given title."""
        return Column(title, weight)

    def chart(
        self, form: str, key: str, of: Table | None, labels: Sequence[str],
        series: Mapping[str, Sequence[int | Fraction | None]],
    ) -> None:  # fmt: skip
        """Add a chart beside the table `of`, unless there is none; its alt text gives the figures."""
        if of is None or not labels:
            return
        rows = tuple(Series(name, tuple(values)) for name, values in series.items())
        first = self.render("list_mark").join(f"{at} {value}" for at, value in zip(labels, rows[0].values, strict=True))
        caption = self.render(f"figure.{key}")
        alt = self.render("alt", caption=caption, name=rows[0].name, figures=first)
        self.blocks.append(Chart(form, caption, alt, of.sheet, tuple(labels), rows))

    def parts(self, key: str, group: str, now: Mapping[str, int], before: Mapping[str, int]) -> Table | None:
        """Add a table of parts with shares and earlier counts; a blank part is 未填."""
        whole = sum(now.values())
        rows = []
        for word, n in sorted(now.items(), key=lambda item: (-item[1], item[0])):
            name = self.words.get_word_or_value(group, word) if word else self.render("unnamed")
            rows.append((name, n, share(n, whole), before.get(word, 0)))
        columns = (self.column(key, 2), self.column("count"), self.column("share", share=1), self.column("before"))
        return self.table(key, columns, rows)

    def counted(self, pair: Pair) -> str:
        """Format a rate with its numerator and denominator."""
        if pair.rate is None:
            return shown(None)
        return self.render("counted", rate=pair.rate, numerator=pair.numerator, denominator=pair.denominator)


def _fact(value: Any) -> Any:
    return value if isinstance(value, str) else shown(value)
