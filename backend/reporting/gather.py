"""Gather what a bulletin needs: work figures of three spans, details, ledger lines, and scores where it has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.domain.masking import mask
from backend.domain.scoring.measures import BASES, COHORT_SETTINGS, Measure, list_counted
from backend.domain.scoring.scheme import Scheme
from backend.domain.scoring.scheme_file import load_scheme
from backend.domain.scoring.sheet import NOTHING_DUE
from backend.domain.settings import Settings
from backend.office.cache import OfficeSnapshot
from backend.ports.reporting import BulletinStore, PeriodDetail, ReportPeriod
from backend.ports.scoring import Cohort, LedgerEntry, UnitCount
from backend.reporting.connect_chapter import ConnectReport, load_connect
from backend.reporting.figures import PeriodFigures, Ratio
from backend.reporting.kinds import BulletinKind, ReportPeriods, build_report_periods
from backend.reporting.score_chapters import Satisfaction, Scores
from backend.reporting.work_chapters import RATE_KEYS, RATES, RateName
from backend.scoring.documents import list_schemes, pool_documents
from backend.scoring.periods import get_month_bounds
from backend.scoring.results import compute_result
from backend.scoring.rules import build_source
from backend.scoring.service import Scoring

ASSIGNMENTS = "assignments"
MAX_PROBLEMS = 500  # tickets reviewed in one document at most; the total is printed


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a document is composed from."""

    kind: BulletinKind
    spans: ReportPeriods
    snapshot: OfficeSnapshot
    settings: Settings
    now: PeriodFigures
    before: PeriodFigures
    year_ago: PeriodFigures
    detail: PeriodDetail
    ledger: Sequence[LedgerEntry]
    scores: Scores | None
    agencies: Mapping[Measure, Sequence[UnitCount]] | None
    agencies_year: Mapping[Measure, Sequence[UnitCount]] | None
    connect: ConnectReport | None

    @property
    def scheme(self) -> Scheme:
        """The scheme of the handling units."""
        return load_unit_scheme(self.settings)

    @property
    def own_rates(self) -> Sequence[RateName]:
        """The rates that are listed by unit (A26)."""
        return list_own_rates(self.settings)


class Gatherer:
    """Gathers from the bulletin store and the scoring service."""

    def __init__(self, store: BulletinStore, scoring: Scoring) -> None:
        self._store, self._scoring, self._office = store, scoring, scoring.office

    async def gather(self, kind: BulletinKind, period: str, changes: Mapping[str, str], scheme: str | None) -> Material:
        """Gather all material of a period. Refused `bad_period`, and as by scoring."""
        at, snapshot = self._office.clock.now(), await self._office.snapshot()
        settings = snapshot.settings.with_changes(changes)
        spans = build_report_periods(period, at, self._office.clock.zone)
        own_rates = list_own_rates(settings)
        now, before, year_ago = await self.load_figures((spans.now, spans.before, spans.year_ago), settings)
        detail = await self._store.load_detail(spans.now, spans.trend, MAX_PROBLEMS)
        ledger = await self._scoring.store.list_accepted_entries(spans.period.months[0], spans.period.months[-1])
        has_totals = any(load_scheme(one).totals for one in ([scheme] if scheme else list_schemes(settings)))
        scored = kind in (BulletinKind.QUARTERLY, BulletinKind.ANNUAL) and has_totals
        counted = await self._count_agencies(spans.now, settings) if own_rates else None
        year = ReportPeriod(
            get_month_bounds(f"{spans.period.months[0][:4]}-01", self._office.clock.zone)[0], spans.now.end, at
        )
        to_date = await self._count_agencies(year, settings) if own_rates and kind is BulletinKind.ANALYSIS else None
        return Material(
            kind, spans, snapshot, settings, now, before, year_ago, detail, ledger,
            await self.load_scores(spans, changes, scheme) if scored else None, counted, to_date,
            await load_connect(self._scoring.store, ledger, spans.period, settings, snapshot.config.units, at),
        )  # fmt: skip

    async def load_figures(self, spans: Sequence[ReportPeriod], settings: Settings) -> list[PeriodFigures]:
        """Load the figures and rates of spans."""
        found = []
        for span, figures in zip(spans, await self._store.count_figures(spans), strict=True):
            measures = [measure for _, measure in (*RATES, *list_own_rates(settings))]
            counted = await self._scoring.store.count(list_counted(measures), _build_query(span, settings))
            rates = {
                m: Ratio(sum(c.numerator for c in rows), sum(c.denominator for c in rows))
                for m, rows in counted.items()
            }
            found.append(PeriodFigures(figures, rates))
        return found

    async def _count_agencies(self, span: ReportPeriod, settings: Settings) -> Mapping[Measure, Sequence[UnitCount]]:
        measures = list_counted(measure for _, measure in list_own_rates(settings))
        return await self._scoring.store.count(measures, _build_query(span, settings))

    async def load_scores(self, spans: ReportPeriods, changes: Mapping[str, str], scheme: str | None) -> Scores:
        """Load the period's scores: its own locked run, else computed from its months, locked ones as locked."""
        run = None if changes else await self._scoring.store.find_locked_run(spans.period.name, scheme or "")
        inputs = (
            run.sheet["inputs"] if run is not None
            else await self._scoring.collect_inputs(spans.period, scheme=scheme, settings=changes or None, evidence=False)
        )  # fmt: skip
        result = run.sheet["result"] if run is not None else compute_result(inputs)
        parts = [inputs] if "units" in inputs else inputs["months"]
        months: dict[str, dict[str, str | None]] = {}
        volumes: dict[str, int] = {}
        nothing_due: dict[str, list[str]] = {}
        locked: dict[str, int | None] = {}
        locked_runs = [] if run is None else [run]
        for part in parts:
            month = compute_result(part)
            locked_run = None if changes else await self._scoring.store.find_locked_run(month["period"], scheme or "")
            locked[month["period"]] = None if locked_run is None else locked_run.id
            locked_runs += [] if locked_run is None else [locked_run]
            rows: Sequence[Mapping[str, Any]] = (*month["units"], *month["regions"])
            for row in rows:
                code = row.get("unit") or row["region"]
                months.setdefault(code, {})[month["period"]] = row["total"]
                if NOTHING_DUE in row.get("flags", ()):
                    nothing_due.setdefault(code, []).append(month["period"])
            for document in part["units"]:
                volumes[document["unit"]] = volumes.get(document["unit"], 0) + _compute_volume(document)
        return Scores(
            result["units"], result["regions"], months, volumes, find_small_samples(parts, inputs["settings"]), locked,
            None if run is None else run.id, tuple(locked),
            [(one.period, one.id, mask(one.forced, strict=True).rstrip("。.")) for one in locked_runs if one.forced],
            sum_satisfaction(parts), nothing_due,
        )  # fmt: skip


def sum_satisfaction(parts: Sequence[Mapping[str, Any]]) -> dict[str, Satisfaction]:
    """Return each unit's satisfaction over the months, where anything counts for it, with what it rests on (XD15)."""
    found: dict[str, Satisfaction] = {}
    items: dict[str, str] = {}
    documents: dict[str, list[Mapping[str, Any]]] = {}
    for part in parts:
        find_scheme = build_source(part)
        for document in part["units"]:
            rates = find_scheme(document["scheme"]).rates
            item = next((rate.item for rate in rates if rate.measure in BASES), None)
            if item is not None:
                items[document["unit"]] = item
                documents.setdefault(document["unit"], []).append(document)
    for unit, own in documents.items():
        pooled, item = pool_documents(own), items[unit]
        rate = Ratio(*pooled["rates"].get(item, (0, 0)))
        answers = pooled.get("answers", {}).get(item, {})
        if rate.denominator:
            found[unit] = Satisfaction(rate, answers.get("reached"), answers.get("answered"))
    return found


def find_small_samples(parts: Sequence[Mapping[str, Any]], settings: Mapping[str, str]) -> frozenset[str]:
    """Return units whose sample over the whole period is small (`scoring.small_sample_min`), whatever its months had.

    The sample is that of the sheet: the number of assignments or, if unknown, each rate's denominator.
    """
    samples: dict[str, dict[str, int]] = {}
    for document in (unit for part in parts for unit in part["units"]):
        own = samples.setdefault(document["unit"], {})
        given = document.get("assignments")
        rates = {item: pair[1] for item, pair in document["rates"].items()}
        for name, n in (rates if given is None else {ASSIGNMENTS: given}).items():
            own[name] = own.get(name, 0) + int(n)
    least = int(settings["scoring.small_sample_min"])
    return frozenset(unit for unit, own in samples.items() if any(0 < n < least for n in own.values()))


def list_own_rates(settings: Settings) -> Sequence[RateName]:
    """Return the rates of the units' scheme, if the office reports them by unit (`bulletin.rates`, A26)."""
    if settings.choice("bulletin.rates") != "agencies":
        return ()
    return [(RATE_KEYS.get(rate.measure, str(rate.measure)), rate.measure) for rate in load_unit_scheme(settings).rates]


def load_unit_scheme(settings: Settings) -> Scheme:
    """Return the scheme that scores the handling units."""
    return load_scheme(settings.choice("scoring.unit_scheme"))


def _compute_volume(document: Mapping[str, Any]) -> int:
    """Return a unit's assignments; for an institution, its tickets to dispatch."""
    of_institution = document["rates"].get("dispatch", [0, 0])[1]
    return int(document.get("assignments", of_institution) or of_institution)


def _build_query(span: ReportPeriod, settings: Settings) -> Cohort:
    words: dict[str, Any] = {name: settings.text(f"scoring.{name}") for name in COHORT_SETTINGS}
    return Cohort(span.start, span.end, span.as_of, **words)
