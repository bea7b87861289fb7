"""Which kind of bulletin a period gets, the spans it is counted over, and how dates are written (B11-B13, A16)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from backend.domain.refusals import Refused
from backend.domain.settings import Settings
from backend.domain.texts import Texts
from backend.ports.reporting import ReportPeriod
from backend.scoring.periods import Period, get_month_bounds, parse_period, shift_month


class BulletinKind(StrEnum):
    """Kinds of bulletins; each is numbered separately within a year."""

    MONTHLY = "monthly_bulletin"  # 月通报: work, neither scores nor ranks (B11)
    QUARTERLY = "quarterly_ranking"  # 季排名 (B12)
    ANNUAL = "annual_assessment"  # 年考核 (B12)
    ANALYSIS = "monthly_analysis"  # 分析报告 for the directors' meeting (A16, A17)


NOT_MADE = "none"  # what is set in place of a kind
_PERIOD_OF = {
    BulletinKind.MONTHLY: "month",
    BulletinKind.ANALYSIS: "month",
    BulletinKind.QUARTERLY: "quarter",
    BulletinKind.ANNUAL: "year",
}


def resolve_kind(period: Period, wanted: str | None, settings: Settings) -> BulletinKind:
    """Return the wanted kind, else the office's for such a period.

    Refused `bad_bulletin`, `bad_period`, `bulletin_not_made` where the office makes none of itself.
    """
    if wanted is None:
        usual = settings.choice(f"bulletin.{period.kind}_kind")
        if usual == NOT_MADE:
            raise Refused("bulletin_not_made", period=period.name)
        return BulletinKind(usual)
    if wanted not in set(BulletinKind):
        raise Refused("bad_bulletin", kind=wanted[:40], known=", ".join(BulletinKind))
    kind = BulletinKind(wanted)
    if _PERIOD_OF[kind] != period.kind:
        raise Refused("bad_period", period=period.name)
    return kind


@dataclass(frozen=True, slots=True)
class ReportPeriods:
    """The period, the one before, and the same of the year before, as known at one instant."""

    period: Period
    now: ReportPeriod
    before: ReportPeriod
    year_ago: ReportPeriod
    trend: tuple[tuple[datetime, datetime], ...]  # the last thirteen months
    trend_months: tuple[str, ...]


def build_report_periods(name: str, as_of: datetime, zone: ZoneInfo) -> ReportPeriods:
    """Build the spans of a period's bulletin. Refused `bad_period`."""
    period = parse_period(name)
    first, last, length = period.months[0], period.months[-1], len(period.months)

    def of(by: int) -> ReportPeriod:
        return ReportPeriod(
            get_month_bounds(shift_month(first, by), zone)[0], get_month_bounds(shift_month(last, by), zone)[1], as_of
        )

    begun = min(last, f"{as_of.astimezone(zone):%Y-%m}")  # months not begun are not charted
    months = tuple(shift_month(begun, -back) for back in range(12, -1, -1))
    return ReportPeriods(period, of(0), of(-length), of(-12), tuple(get_month_bounds(m, zone) for m in months), months)


def format_period(texts: Texts, period: Period) -> str:
    """Format a period for people."""
    year, first = period.months[0][:4], int(period.months[0][5:])
    facts = {
        "year": year,
        "month": texts.render(f"bulletin.month.{first}"),
        "quarter": texts.render(f"bulletin.quarter.{(first + 2) // 3}"),
    }
    return texts.render(f"bulletin.period.{period.kind}", **facts)


def format_date(texts: Texts, at: datetime) -> str:
    """Format a date as in an official document."""
    return texts.render("bulletin.date", year=at.year, month=texts.render(f"bulletin.month.{at.month}"), day=at.day)


def get_last_instant(end: datetime) -> datetime:
    """Return the last second of a span, for printing its last day."""
    return end - timedelta(seconds=1)
