"""接通情况 in a bulletin: what was offered and answered by channel, and which institutions reported nothing (B15, XD14)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.domain.records import Unit
from backend.domain.scoring.measures import Measure
from backend.domain.scoring.scheme_file import load_scheme
from backend.domain.settings import Settings
from backend.ports.ledgers import LedgerEntry
from backend.ports.scoring import ConnectSum, ScoringStore
from backend.reporting.document import Cell
from backend.reporting.document_builder import Writer
from backend.reporting.figures import Ratio
from backend.scoring.documents import find_scheme
from backend.scoring.periods import Period, get_month_bounds


@dataclass(frozen=True, slots=True)
class ConnectReport:
    """What institutions reported of a period, by day or by a line of the ledger; and who did not report which months."""

    sums: Sequence[ConnectSum]
    by_hand: Ratio
    unreported: Mapping[str, Sequence[str]]  # institution → months without counts

    @property
    def total(self) -> Ratio:
        """接通率 of all institutions and channels together."""
        return Ratio(
            sum(one.answered for one in self.sums) + self.by_hand.numerator,
            sum(one.offered for one in self.sums) + self.by_hand.denominator,
        )


async def load_connect(
    store: ScoringStore, ledger: Sequence[LedgerEntry], period: Period, settings: Settings, units: Mapping[str, Unit],
    as_of: datetime,
) -> ConnectReport | None:  # fmt: skip
    """Load the report of a period's months that have begun; None where no institution is scored by 接通率."""
    zone = settings.zone
    owing = [code for code, unit in sorted(units.items()) if unit.active and _is_scored(unit, settings)]
    if not owing:
        return None
    lines = [entry for entry in ledger if entry.kind == "connect" and not entry.facts.get("void")]
    sums: list[ConnectSum] = []
    unreported: dict[str, list[str]] = {}
    for month in period.months:
        start, end = get_month_bounds(month, zone)
        if start > as_of:
            break
        found = await store.sum_connect_counts(start.date(), end.date(), as_of)
        sums += found
        known = {one.unit for one in found if one.offered}
        known |= {entry.unit for entry in lines if entry.month == month and entry.facts.get("total")}
        for unit in owing:
            if unit not in known:
                unreported.setdefault(unit, []).append(month)
    by_hand = Ratio(
        sum(int(entry.facts.get("timely", 0)) for entry in lines),
        sum(int(entry.facts.get("total", 0)) for entry in lines),
    )
    return ConnectReport(sums, by_hand, unreported)


def _is_scored(unit: Unit, settings: Settings) -> bool:
    scheme = find_scheme(unit, settings)
    return scheme is not None and any(rate.measure is Measure.CONNECT for rate in load_scheme(scheme).rates)


def write_connect(w: Writer, report: ConnectReport) -> None:
    """Write the rate, and each channel of which there are counts by day."""
    if not report.total.denominator:
        return
    w.add_paragraph("connect", rate=w.format_ratio(report.total))
    channels = sorted({one.channel for one in report.sums})
    rows: list[tuple[Cell, ...]] = []
    for channel in channels:
        mine = [one for one in report.sums if one.channel == channel]
        told = [one.abandoned for one in mine if one.abandoned is not None]
        rate = Ratio(sum(one.answered for one in mine), sum(one.offered for one in mine))
        rows.append((w.texts.get_word_or_value("channel", channel), rate.denominator, rate.numerator,
                     sum(told) if told else None, rate.percent))  # fmt: skip
    columns = [
        w.make_column("channel", 2), w.make_column("offered"), w.make_column("answered_calls"),
        w.make_column("abandoned"), w.make_column("connect", ratio=(2, 1)),
    ]  # fmt: skip
    w.add_table("connect", columns, rows, total=True)


def write_unreported(w: Writer, report: ConnectReport, period: Period, units: Mapping[str, Unit]) -> None:
    """Write which institutions reported no counts: their 接通率 costs them nothing, which must be known (XD14)."""
    if not report.unreported:
        return
    whole = len(period.months) == 1
    names = [
        units[code].name
        if whole
        else w.render("connect_months", unit=units[code].name, months=w.render("list_mark").join(months))
        for code, months in sorted(report.unreported.items())
    ]
    w.add_paragraph("connect_unreported", count=len(names), names=w.render("list_mark").join(names))
