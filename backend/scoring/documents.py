"""Build each unit's facts document of a month from counts, the tickets behind them and accepted ledger lines."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.scoring.exact import ZERO, format_decimal
from backend.domain.scoring.measures import COHORT_SETTINGS, OPEN_MEASURES, Measure, list_counted
from backend.domain.scoring.readings import Readings
from backend.domain.scoring.scheme import LedgerRule, Scheme, SchemeKind
from backend.domain.scoring.scheme_file import load_scheme
from backend.domain.settings import Settings
from backend.domain.ticket_enums import UnitKind
from backend.office.cache import OfficeSnapshot
from backend.ports.scoring import Cohort, LedgerEntry, ScoringStore, TicketShare, UnitCount
from backend.scoring.bases import list_answers, list_connects, load_connects, load_left_out
from backend.scoring.periods import get_month_bounds

UNSCORED = "none"  # what is set in place of a scheme
#: tickets listed behind a line: at most per unit, and about in all
EVIDENCE_PER_UNIT, EVIDENCE_IN_ALL = 200, 30_000

Document = dict[str, Any]


def find_scheme(unit: Unit, settings: Settings) -> str | None:
    """Return the id of the scheme that scores a unit; None if the office does not score its kind."""
    kind = "institution" if unit.kind is UnitKind.MANAGEMENT else "unit"
    name = settings.choice(f"scoring.{kind}_scheme")
    return None if name == UNSCORED else name


def list_schemes(settings: Settings) -> list[str]:
    """Return the ids of the schemes that score the office's units and institutions."""
    names = (settings.choice("scoring.unit_scheme"), settings.choice("scoring.institution_scheme"))
    return [name for name in names if name != UNSCORED]


def group_by_scheme(
    snapshot: OfficeSnapshot, settings: Settings, scheme: str | None, unit: str | None
) -> dict[str, list[Unit]]:
    """Return scheme id → the units it scores now.

    Refused `unknown_unit`, `unknown_scheme`, `scheme_not_for_unit`.
    """
    if unit is not None and unit not in snapshot.config.units:
        raise Refused("unknown_unit", unit=unit[:60])
    units = [u for code, u in sorted(snapshot.config.units.items()) if unit in (None, code)]
    if scheme is None:
        found: dict[str, list[Unit]] = {}
        for one in units:
            if (name := find_scheme(one, settings)) is not None:
                found.setdefault(name, []).append(one)
        return found
    wanted = load_scheme(scheme)
    if wanted.kind is not SchemeKind.SHEET:
        raise Refused("unknown_scheme", scheme=scheme, known="")
    chosen = [u for u in units if (u.kind is UnitKind.MANAGEMENT) is wanted.scores_institutions]
    if unit is not None and not chosen:
        raise Refused("scheme_not_for_unit", scheme=scheme, unit=unit)
    return {scheme: chosen}


def build_query(month: str, snapshot: OfficeSnapshot, settings: Settings, as_of: datetime, unit: str | None) -> Cohort:
    """Build the store's query for a month, with the settings that change a cohort."""
    start, end = get_month_bounds(month, snapshot.settings.zone)
    words: dict[str, Any] = {name: settings.text(f"scoring.{name}") for name in COHORT_SETTINGS}
    return Cohort(start, end, as_of, unit=unit, **words)


async def build_documents(
    store: ScoringStore, scheme: Scheme, units: Sequence[Unit], month: str, query: Cohort, settings: Settings,
    *, evidence: bool,
) -> list[Document]:  # fmt: skip
    """Build a facts document for every unit that is active or has something to count."""
    wanted = {rate.measure for rate in scheme.rates if rate.measure is not Measure.CONNECT}
    counted = await store.count(list_counted(wanted), query)
    pairs = {m: {c.unit: [c.numerator, c.denominator] for c in rows} for m, rows in counted.items()}
    connects = await load_connects(store, scheme, query)
    pairs[Measure.CONNECT] = {
        unit: [sum(one.answered for one in sums), sum(one.offered for one in sums)] for unit, sums in connects.items()
    }
    work = await _count_work(store, scheme, query, counted)
    rated = {Measure.CONNECT, *wanted}
    counted_units = {code for measure in rated for code in pairs.get(measure, ())} | set().union(*work.values())
    excluded = await _load_excluded(store, scheme, month, query)
    left_out = await load_left_out(store, scheme, month, query) if excluded else {}
    ledger = await _load_ledger(store, scheme, month, query.unit, settings)
    evidence_rows = await _load_evidence(store, scheme, query, len(counted_units)) if evidence else {}
    found = []
    for unit in units:
        if not unit.active and unit.code not in counted_units:
            continue
        document: Document = {
            "scheme": scheme.id, "unit": unit.code, "name": unit.name, "region": unit.region, "month": month,
            "rates": {
                r.item: _subtract_excluded(pairs.get(r.measure, {}).get(unit.code, [0, 0]), excluded.get((unit.code, r.item), ()))
                for r in scheme.rates
            },
            "ledger": ledger.get(unit.code, []),
        }  # fmt: skip
        document |= {name: counts[unit.code] for name, counts in work.items()}
        if (
            scheme.scores_institutions
            and not (document["open"] or document["ledger"])
            and not any(pair[1] for pair in document["rates"].values())
        ):
            document["assignments"] = 0  # an institution without demands or ledger lines (Q9)
        if answers := list_answers(scheme, unit.code, document["rates"], pairs, left_out):
            document["answers"] = answers
        if unit.code in evidence_rows:
            document["evidence"] = {
                item: _mark_excluded(rows, excluded.get((unit.code, item), ()))
                for item, rows in evidence_rows[unit.code].items()
            }
        if unit.code in connects:
            document.setdefault("evidence", {}).update(list_connects(scheme, connects[unit.code]))
        found.append(document)
    return found


async def _load_excluded(
    store: ScoringStore, scheme: Scheme, month: str, query: Cohort
) -> dict[tuple[str, str], tuple[TicketShare, ...]]:
    """Return (unit, item) → the tickets excluded from it (剔除)."""
    found: dict[tuple[str, str], tuple[TicketShare, ...]] = {}
    for rate in scheme.rates:
        if rate.measure is Measure.CONNECT:
            continue
        for one in await store.list_excluded_shares(rate.measure, rate.item, month, query):
            if query.unit in (None, one.unit):
                found[one.unit, rate.item] = (*found.get((one.unit, rate.item), ()), one)
    return found


def _subtract_excluded(pair: Sequence[int], excluded: Sequence[TicketShare]) -> list[int]:
    """Subtract the excluded tickets from the counts."""
    return [pair[0] - sum(s.numerator for s in excluded), pair[1] - sum(s.denominator for s in excluded)]


def _mark_excluded(rows: Sequence[dict[str, Any]], excluded: Sequence[TicketShare]) -> list[dict[str, Any]]:
    """Return the tickets behind a line, excluded ones marked with the reason."""
    why = {s.ticket: s.reason for s in excluded}
    return [
        {"ticket": row["ticket"], "failed": False, "excluded": why[row["ticket"]]} if row.get("ticket") in why else row
        for row in rows
    ]


async def _count_work(
    store: ScoringStore, scheme: Scheme, query: Cohort, counted: Mapping[Measure, Sequence[UnitCount]]
) -> dict[str, Counter[str]]:
    """Count each unit's `assignments` dispatched in the month, those `in_hand` in it, closed or returned, and what is `open`.

    They decide who takes part (Q9, XD2) and of whom anything is decided yet, whatever the rates count. Of an
    institution only what is open is known.
    """
    wanted = (Measure.SIGN, Measure.RED_CARD, Measure.RETURN)
    unfiltered = replace(
        query, sign_month="dispatched", sign_returned="keep", assisting="sign", red_card_basis="in_hand",
        return_basis="accepted", return_month="submitted", dispatch_month="generated", dispatch_basis="requiring",
    )  # fmt: skip
    waiting = _sum_denominators(await store.count(OPEN_MEASURES, replace(unfiltered, open_only=True)))
    if scheme.scores_institutions:
        return {"open": waiting[Measure.DISPATCH]}
    if unfiltered != query or not counted.keys() >= set(wanted):
        counted = await store.count(wanted, unfiltered)
    sums = _sum_denominators(counted)
    return {
        "assignments": sums[Measure.SIGN] + waiting[Measure.SIGN],
        "in_hand": sums[Measure.RED_CARD] + sums[Measure.RETURN],
        "open": waiting[Measure.SIGN] + waiting[Measure.RED_CARD],
    }


def _sum_denominators(counted: Mapping[Measure, Sequence[UnitCount]]) -> dict[Measure, Counter[str]]:
    return {measure: Counter({c.unit: c.denominator for c in rows}) for measure, rows in counted.items()}


async def _load_evidence(
    store: ScoringStore, scheme: Scheme, query: Cohort, units: int
) -> dict[str, dict[str, list[dict[str, object]]]]:
    """Return unit → item → the tickets behind the line, failing ones first, and how many more there are."""
    limit = min(EVIDENCE_PER_UNIT, max(5, EVIDENCE_IN_ALL // max(1, units)))
    found: dict[str, dict[str, list[dict[str, object]]]] = defaultdict(dict)
    for rate in scheme.rates:
        if rate.measure is Measure.CONNECT:
            continue
        for evidence in await store.list_evidence(rate.measure, query, limit):
            rows = found[evidence.unit].setdefault(rate.item, [])
            rows.append({"ticket": evidence.ticket, "failed": evidence.failed})
            if len(rows) == limit and evidence.total > limit:
                rows.append({"more": evidence.total - limit})
    return found


async def _load_ledger(
    store: ScoringStore, scheme: Scheme, month: str, unit: str | None, settings: Settings
) -> dict[str, list[Document]]:
    """Return unit → its accepted entries of the month, with what their matters earned earlier in the year (Q47)."""
    accepted = await store.list_accepted_entries(f"{month[:4]}-01", month, unit)
    entries = [e for e in accepted if e.kind in scheme.list_kinds() and not e.facts.get("void")]
    readings = Readings.parse(settings.to_dict(), scheme.list_settings())
    graded = {line.kind for line in scheme.ledger if line.rule is LedgerRule.GRADED}
    earned: dict[tuple[str, str, str], Any] = defaultdict(lambda: ZERO)
    found: dict[str, list[Document]] = defaultdict(list)
    for entry in entries:
        place = (entry.unit, entry.kind, entry.matter or "")
        if entry.month != month:
            earned[place] = max(earned[place], _compute_worth(scheme, entry, readings))
            continue
        document = build_ledger_row(entry)
        if entry.kind not in graded:  # files may give points where the annex fixes them
            document.pop("points", None)
        if entry.matter and earned[place]:
            document["already"] = format_decimal(earned[place])
        found[entry.unit].append(document)
    return found


def _compute_worth(scheme: Scheme, entry: LedgerEntry, readings: Readings) -> object:
    for line in scheme.ledger:
        if line.kind == entry.kind and line.rule is LedgerRule.HIGHEST_PER_MATTER and entry.level:
            return line.levels[entry.level].resolve_required(readings) if entry.level in line.levels else ZERO
    return ZERO


def build_ledger_row(entry: LedgerEntry) -> Document:
    """Return a ledger entry as a row of a facts document, without empty values."""
    evidence: object = entry.evidence
    if entry.files or entry.tickets:
        evidence = {"ledger": entry.id, "text": entry.evidence, "files": entry.files, "tickets": entry.tickets}
        evidence = {key: list(v) if isinstance(v, tuple) else v for key, v in evidence.items() if v}
    document: Document = {
        "kind": entry.kind, "count": entry.count, "level": entry.level, "matter": entry.matter,
        "points": entry.points, "note": entry.note, "evidence": evidence,
        **{key: entry.facts[key] for key in ("timely", "total") if key in entry.facts},
    }  # fmt: skip
    return {key: value for key, value in document.items() if value not in (None, "")}


def pool_documents(units: Iterable[Mapping[str, Any]]) -> Document:
    """Add up all units' counts and ledgers, as if they were one unit (Q51)."""
    rates: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    ledger: list[object] = []
    sums: Counter[str] = Counter()
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    unknown: set[str] = set()  # items counted by a run that did not yet know who had answered
    for document in units:
        for item, (numerator, denominator) in document["rates"].items():
            rates[item][0] += numerator
            rates[item][1] += denominator
            unknown |= {item} if denominator and item not in document.get("answers", {}) else set()
        ledger += document["ledger"]
        for item, counts in document.get("answers", {}).items():
            answers[item].update(counts)
        sums.update({key: document.get(key, 0) for key in ("assignments", "in_hand", "open")})
    known = {item: dict(counts) for item, counts in answers.items() if item not in unknown}
    return {"rates": dict(rates), **sums, "ledger": ledger, **({"answers": known} if known else {})}
