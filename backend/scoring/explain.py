"""Explain scores: figures behind a line, what-if, the cost of a delay, and trends over months (B2, B3)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from backend.domain.acts import Actor
from backend.domain.deadlines import compute_red_card_at
from backend.domain.records import Assignment
from backend.domain.refusals import Refused
from backend.domain.scoring.compute import compute_json
from backend.domain.scoring.explain import explain
from backend.domain.scoring.measures import BASES, Measure
from backend.domain.scoring.scheme_file import load_scheme
from backend.office.cache import OfficeCache
from backend.ports.ledgers import LedgerFilter
from backend.ports.scoring import Cohort, PendingRequest, ScoringStore
from backend.scoring.differences import diff_sheets
from backend.scoring.documents import build_ledger_row, build_query, find_scheme
from backend.scoring.explain_shapes import (
    ExplainedItem,
    ExplainedLine,
    ExplainedSheet,
    Explanation,
    LatenessCost,
    Pending,
    Trend,
    WhatIf,
)
from backend.scoring.inputs import ScoringInputs
from backend.scoring.lateness import Lateness, compute_cost
from backend.scoring.periods import format_instant, get_month_bounds, parse_month, shift_month
from backend.scoring.shapes import Sheet

GRANTABLE = ("return", "extension", "unreasonable", "appeal")  # requests whose decision changes scores
PAGE_SIZE = 50
MAX_MONTHS = 24
Document = dict[str, Any]


class ScoreExplainer:
    """Answers questions about scores; changes nothing."""

    def __init__(self, store: ScoringStore, office: OfficeCache, inputs: ScoringInputs) -> None:
        self._store, self._office, self._inputs = store, office, inputs

    async def explain(
        self, month: str, unit: str, item: str | None, actor: Actor, *, offset: int = 0, failed: bool = False
    ) -> Explanation:
        """Explain each line of a unit's month in figures; with an item, that line and a page of its tickets.

        Refused `forbidden`, `bad_month`, `unknown_unit`, `unknown_item`.
        """
        _require_own_unit(actor, unit)
        document, settings = await self._collect_document(month, unit)
        scheme, sheet = load_scheme(document["scheme"]), compute_json(document, settings)
        lines = cast(
            list[ExplainedLine],
            [{**line, "evidence": [], "why": explain(scheme, line, settings)} for line in sheet["lines"]],
        )
        if item is None:
            return cast(ExplainedSheet, {**sheet, "month": month, "unit": unit, "lines": lines})
        chosen = next((line for line in lines if line["item"] == item), None)
        if chosen is None:
            raise Refused("unknown_item", path="item", item=item[:40], known=", ".join(x["item"] for x in lines))
        found: ExplainedItem = {
            "month": month,
            "unit": unit,
            "item": item,
            "line": chosen,
            "tickets": [],
            "next": None,
            "of": 0,
        }
        rate = scheme.find_rate(item)
        if rate is None or rate.measure is Measure.CONNECT:
            own_line = next(x for x in sheet["lines"] if x["item"] == item)
            return {**found, "entries": own_line["evidence"]}
        snapshot = await self._office.snapshot()
        rules, _ = await self._inputs.load_rules((month,), snapshot)
        query = build_query(month, snapshot, rules, self._office.clock.now(), unit)
        tickets = await self._store.list_unit_evidence(rate.measure, query, offset, PAGE_SIZE, failed=failed)
        reasons = {
            s.ticket: s.reason
            for s in await self._store.list_excluded_shares(rate.measure, item, month, query)
            if s.unit == unit
        }
        total = tickets[0].total if tickets else 0
        return {
            **found, "of": total, "next": str(offset + PAGE_SIZE) if total > offset + PAGE_SIZE else None,
            "tickets": [
                {"ticket": w.ticket, "failed": w.failed and w.ticket not in reasons, "excluded": reasons.get(w.ticket)}
                for w in tickets
            ],
        }  # fmt: skip

    async def list_pending(self, month: str, unit: str, actor: Actor) -> Pending:
        """List what is undecided and may change a unit's month: ledger lines, contests, exclusions, requests.

        Refused `forbidden`, `bad_month`.
        """
        _require_own_unit(actor, unit)
        waiting = await self._store.list_ledger_entries(
            LedgerFilter(parse_month(month).name, unit, None, ("draft", "entered")), 200
        )
        contests = await self._store.list_contests(month, unit, ("open", "proposed"), 200)
        exclusions = [x for x in await self._store.list_exclusions(month, unit) if x.state == "entered"]
        zone = self._office.clock.zone
        requests = await self._list_requests(month, unit)
        return {
            "requests": [
                {
                    "id": r.id,
                    "kind": r.kind,
                    "ticket": r.ticket,
                    "asked_at": format_instant(r.asked_at, zone),
                    "new_due_at": format_instant(r.new_due_at, zone),
                }
                for r in requests
            ],
            "ledger": [
                {"id": e.id, "kind": e.kind, "count": e.count, "state": e.state, "note": e.note} for e in waiting
            ],
            "contests": [{"id": a.id, "item": a.item, "words": a.reason, "tickets": list(a.tickets)} for a in contests],
            "exclusions": [{"id": x.id, "item": x.item, "ticket": x.ticket, "reason": x.reason} for x in exclusions],
        }

    async def compute_what_if(
        self, month: str, unit: str, actor: Actor, *, settings: Mapping[str, str] | None = None,
        ledger: Sequence[int] = (), contests: Sequence[int] = (), exclusions: Sequence[int] = (),
        requests: Sequence[int] = (),
    ) -> WhatIf:  # fmt: skip
        """Compute the sheet as it is, and with other settings and the named pending matters decided in favour.

        A granted return counts as returned, a granted claim by `scoring.unreasonable_mode`; an extension moves the
        due time. Refused `forbidden`, `bad_month`, `unknown_unit`, `unknown_setting`,
        `bad_setting`, `unknown_entry`, `unknown_appeal`.
        """
        _require_own_unit(actor, unit)
        document, rules = await self._collect_document(month, unit)
        real = cast(Sheet, compute_json(document, rules))
        pending_requests = {one.id: one for one in await self._list_requests(month, unit)} if requests else {}
        for number in requests:
            if number not in pending_requests:
                raise Refused("unknown_entry", id=number)
        granted = tuple(pending_requests[number] for number in dict.fromkeys(requests))
        changed, other = (
            await self._collect_document(month, unit, settings, granted) if settings or granted else (document, rules)
        )
        changed = {
            **changed,
            "rates": {k: list(v) for k, v in changed["rates"].items()},
            "answers": {k: dict(v) for k, v in changed.get("answers", {}).items()},
            "ledger": [*changed["ledger"]],
        }
        waiting = await self.list_pending(month, unit, actor)
        known = {row["id"] for row in waiting["ledger"]}
        for number in ledger:
            entry = await self._store.get_ledger_entry(number)
            if entry is None or number not in known:
                raise Refused("unknown_entry", id=number)
            if not entry.facts.get("void"):
                changed["ledger"].append(build_ledger_row(entry))
        wanted: list[tuple[str | None, str]] = [
            (x["item"], x["ticket"]) for x in waiting["exclusions"] if x["id"] in exclusions
        ]
        for number in contests:
            one = next((a for a in waiting["contests"] if a["id"] == number), None)
            if one is None:
                raise Refused("unknown_appeal", id=number)
            wanted += [(one["item"], ticket) for ticket in one["tickets"]]
        await self._subtract_tickets(changed, month, wanted, granted)
        then = cast(Sheet, compute_json(changed, other))
        return {"month": month, "unit": unit, "real": real, "changed": then, "difference": diff_sheets(real, then)}

    async def _list_requests(self, month: str, unit: str) -> Sequence[PendingRequest]:
        """List a unit's undecided requests about what it was given by the end of the month."""
        _, end = get_month_bounds(parse_month(month).name, self._office.clock.zone)
        return await self._store.list_pending_requests(unit, GRANTABLE, end, 200)

    async def _subtract_tickets(
        self,
        document: Document,
        month: str,
        wanted: Sequence[tuple[str | None, str]],
        granted: tuple[PendingRequest, ...],
    ) -> None:
        """Subtract tickets from the counts of a document, in place."""
        scheme, snapshot = load_scheme(document["scheme"]), await self._office.snapshot()
        rules, _ = await self._inputs.load_rules((month,), snapshot)
        query = build_query(month, snapshot, rules, self._office.clock.now(), document["unit"])
        query = replace(query, granted=granted)
        for item, ticket in dict.fromkeys(wanted):
            rate = scheme.find_rate(item or "")
            if rate is None or rate.measure is Measure.CONNECT:
                continue
            for one in await self._store.list_ticket_shares(rate.measure, ticket, query):
                pair = document["rates"][rate.item]
                pair[0], pair[1] = pair[0] - one.numerator, pair[1] - one.denominator
            answers = document.get("answers", {}).get(rate.item)
            if answers:
                await self._subtract_answers(answers, rate.measure, ticket, query)

    async def _subtract_answers(self, answers: Document, measure: Measure, ticket: str, query: Cohort) -> None:
        """Subtract a ticket from who was reached and who answered, in place (XD15)."""
        basis = BASES[measure]
        for key, beside in (("reached", basis.reached), ("answered", basis.answered or measure)):
            for one in await self._store.list_ticket_shares(beside, ticket, query):
                answers[key] -= one.denominator if beside is measure else one.numerator

    async def compute_delay_cost(self, target: Assignment, flags: frozenset[str]) -> LatenessCost:
        """Compute what the unit loses if this assignment becomes late, by the month it falls in (XD8).

        Zero if the scheme does not score lateness, or the assignment is closed.
        """
        now, snapshot = self._office.clock.now(), await self._office.snapshot()
        unit = snapshot.config.units.get(target.unit)
        name = None if unit is None else find_scheme(unit, snapshot.settings)
        if name is None or target.closed_at is not None or target.ended_at is not None:
            return {"unit": target.unit, "month": f"{now:%Y-%m}", "items": [], "months": [], "cost": "0.00",
                    "open": False}  # fmt: skip
        red_at = compute_red_card_at(target.close_due_at, snapshot.settings, snapshot.calendar, target.unit)
        lateness = Lateness(target, now, self._office.clock.zone, snapshot.settings, red_at, "mass_incident" in flags)
        return await compute_cost(lateness, self._collect_document)

    async def compute_trend(self, unit: str, months: int, last: str, actor: Actor) -> Trend:
        """Return each item's scores up to the month `last`, locked ones as locked. Refused `forbidden`, `bad_month`."""
        _require_own_unit(actor, unit)
        names = [shift_month(parse_month(last).name, -back) for back in range(min(months, MAX_MONTHS) - 1, -1, -1)]
        sheets = []
        for month in names:
            locked = await self._store.find_locked_run(month, "")
            if locked is not None:
                mine = [s for s in locked.sheet["result"]["units"] if s["unit"] == unit]
                sheets.append(mine[0] if mine else None)
                continue
            sheets.append(compute_json(*await self._collect_document(month, unit)))
        items = {line["item"]: line["name"] for sheet in sheets if sheet for line in sheet["lines"]}
        scores = [
            {line["item"]: line["score"] for line in sheet["lines"]} if sheet and sheet["total"] else {}
            for sheet in sheets
        ]
        return {
            "unit": unit, "months": names, "totals": [sheet and sheet["total"] for sheet in sheets],
            "items": [{"item": i, "name": n, "scores": [s.get(i) for s in scores]} for i, n in items.items()],
        }  # fmt: skip

    async def _collect_document(
        self, month: str, unit: str, settings: Mapping[str, str] | None = None, granted: tuple[PendingRequest, ...] = ()
    ) -> tuple[Document, Mapping[str, Any]]:
        """Return a unit's facts document of a month and its settings. Refused `bad_month`, `scheme_not_for_unit`."""
        found = await self._inputs.collect_month(parse_month(month).name, None, unit, settings, None, False, granted)
        if not found["units"]:
            raise Refused("scheme_not_for_unit", unit=unit, scheme="")
        return found["units"][0], found["settings"]


def _require_own_unit(actor: Actor, unit: str) -> None:
    """Refuse `forbidden` if a unit's people ask about another unit."""
    if not actor.may_see(unit):
        raise Refused("forbidden", verb="scores")
