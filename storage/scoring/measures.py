"""How each measure is counted: one query per measure, one row per duty or assignment (COUNTING, Q14-Q23).

Every query yields `unit, ticket_id, num, den`; counts are its sums and a line's evidence is its rows, so that the two
cannot disagree. Parameters: `start`, `end`, `as_of`, `until` in microseconds; nothing later than `as_of` has happened.
"""

from collections.abc import Callable, Sequence
from functools import partial

from backend.domain.scoring.measures import Measure
from backend.ports.scoring import Cohort
from storage.scoring.satisfaction import CLEAR_ANSWERS, EXPLICIT, REACHED, build_satisfaction

#: Q26: done within the second it was due is done in time; due times are whole seconds.
SECOND = 1_000_000

_NOT_MERGED = "{0}.ticket_id NOT IN (SELECT id FROM tickets WHERE merged_into IS NOT NULL)"  # Q23
_NO_MASS = "t.flags NOT LIKE '%mass_incident%'"  # Q32
#: how many demands a closing stands for if each merged repeat counts by itself (Q23 `each`)
_REPEAT_WEIGHT = """(1 + (SELECT count(*) FROM tickets m JOIN journal j ON j.ticket_id = m.id AND j.verb = 'merge'
    AND j.at <= :as_of WHERE m.merged_into = t.id))"""
_RETURNED = "SELECT r.assignment_id FROM requests r WHERE r.kind = 'return' AND r.decision = 'accepted' AND {0}"
#: assignments whose card was taken back on objection (T16c)
_LIFTED = "SELECT o.assignment_id FROM requests o WHERE o.kind = 'objection' AND o.decision = 'accepted'"
#: in the month and not after the run: `until` is the end of either, whichever comes first
_MONTH = "{0} >= :start AND {0} < :until"
#: done by the run, or its limit has come: what is neither has not failed, and is in no rate yet (Q9, Q15)
_DECIDED = "(d.due_at <= :as_of OR d.met_at <= :as_of)"
_NOT_VOID = "(d.outcome IS NULL OR d.outcome <> 'void' OR d.met_at > :as_of)"
#: a closing in the month of its last visit (Q14)
_VISITED = """a.closed_at <= :as_of AND t.id IN (SELECT v.ticket_id FROM visits v WHERE v.at <= :as_of
    GROUP BY v.ticket_id HAVING max(v.at) >= :start AND max(v.at) < :end)"""

#: The instant in a request's JSON, as microseconds; due times are whole seconds with an offset.
_OLD_DUE = {
    "sqlite": "CAST(strftime('%s', json_extract(facts, '$.old_due_at')) AS INTEGER) * 1000000",
    "postgresql": "CAST(extract(epoch FROM CAST(CAST(facts AS json) ->> 'old_due_at' AS timestamptz)) AS bigint) * 1000000",
}


def build_red_card(due: str, by_rule: str, issued: str, no_mass: str) -> str:
    """Return 1 for a red card: issued by the clock, or due by the rule for an imported history; else 0 (Q33).

    `due` is the column of the due time; the others are conditions.
    """
    return f"""CASE WHEN a.imported_red_card = 'rule' THEN CASE WHEN {by_rule} AND {due} < :as_of
        AND NOT (a.closed_at IS NOT NULL AND {_is_timely(due)})
        AND NOT (a.state = 'returned' AND a.ended_at < {due} + {SECOND}) AND {no_mass} AND a.id NOT IN ({_LIFTED})
        THEN 1 ELSE 0 END WHEN {issued} THEN 1 ELSE 0 END"""


def _is_timely(due: str) -> str:
    return f"a.closed_at <= :as_of AND a.closed_at < {due} + {SECOND}"


class MeasureQuery:
    """The SQL of one question on one dialect. `later`: extensions were granted after `as_of` and must be undone."""

    def __init__(self, cohort: Cohort, dialect: str, *, undo_extensions: bool) -> None:
        self.cohort, self.dialect = cohort, dialect
        self._due = "COALESCE(x.old_due, a.close_due_at)" if undo_extensions else "a.close_due_at"
        self._extensions = "a.extension_count - COALESCE(x.n, 0)" if undo_extensions else "a.extension_count"
        self._later_extensions = (
            f"""LEFT JOIN (SELECT assignment_id, count(*) AS n, min({_OLD_DUE[dialect]}) AS old_due FROM requests
            WHERE kind = 'extension' AND decision = 'accepted' AND decided_at > :as_of GROUP BY assignment_id) x
            ON x.assignment_id = a.id"""
            if undo_extensions
            else ""
        )

        self._timely = f"CASE WHEN {self._is_timely} THEN 1 ELSE 0 END"
        self._weight = _REPEAT_WEIGHT if cohort.merged == "each" else "1"
        #: measure → what a closing adds to its numerator, and the condition for it to count
        self.closing_terms: dict[Measure, tuple[str, str]] = {
            Measure.ON_TIME: (self._timely, _NO_MASS),
            Measure.EXTENSION: (self._extensions, _NO_MASS),
            **build_satisfaction(cohort),
        }

    def build_rows(self, measure: Measure) -> str:
        """Return the SQL of a measure. Raises KeyError if no table answers it (`connect` comes from the ledger)."""
        queries: dict[Measure, Callable[[], str]] = {
            Measure.SIGN: self._sign,
            Measure.RETURN: self._return,
            Measure.ON_TIME: self._on_time,
            Measure.EXTENSION: self._extension,
            Measure.RED_CARD: self._red_card,
            **{m: partial(self._closed, m) for m in (Measure.SATISFACTION, Measure.REACHED, Measure.ANSWERED)},
            Measure.VISIT_REACHED: self._visit_reached,
            Measure.DISPATCH: self._dispatch,
            Measure.CLOSURE: self._closure,
            Measure.RESPONSE: self._response,
            Measure.RESOLUTION: lambda: self._visited(
                "resolved", "v.resolved = 'resolved'", "'resolved', 'partly_resolved', 'unresolved'"
            ),
            Measure.ANSWERED_SATISFACTION: lambda: self._visited(
                "answer", f"v.answer IN {EXPLICIT}", CLEAR_ANSWERS[1:-1]
            ),
        }
        return queries[measure]()

    def counts_closings(self, measure: Measure) -> bool:
        """Whether a measure counts the month's closings, so that one pass serves several measures (Q14)."""
        q = self.cohort
        own = {
            Measure.ON_TIME: q.closure_basis == "closed",
            Measure.EXTENSION: q.extension_month == "closed",
            **dict.fromkeys(
                (Measure.SATISFACTION, Measure.REACHED, Measure.ANSWERED), q.satisfaction_month == "closed"
            ),
        }
        return own.get(measure, False)

    def _duty_month(self, by_due: bool) -> str:
        """Condition: a decided duty, or an open one if those are asked for, in the month it began or is due in (Q14)."""
        decided = f"NOT COALESCE({_DECIDED}, FALSE)" if self.cohort.open_only else _DECIDED
        month = (
            "d.due_at >= :start AND d.due_at < :end AND d.start_at <= :as_of" if by_due else _MONTH.format("d.start_at")
        )
        return f"{month} AND {decided}"

    def _sign(self) -> str:
        where = self._duty_month(self.cohort.sign_month == "due")
        if self.cohort.sign_returned == "leave_out":
            where += f" AND d.assignment_id NOT IN ({_RETURNED.format('r.decided_at <= :as_of')})"
        if self.cohort.assisting == "none":
            where += " AND d.assignment_id IN (SELECT a.id FROM assignments a WHERE a.lead)"
        return f"""SELECT d.unit AS unit, d.ticket_id AS ticket_id,
            CASE WHEN d.outcome = 'timely' AND d.met_at <= :as_of THEN 1 ELSE 0 END AS num, 1 AS den
            FROM duties d WHERE d.kind = 'sign' AND {where}
            AND {_NOT_VOID} AND {_NOT_MERGED.format("d")}"""

    def _dispatch(self) -> str:
        where = self._duty_month(self.cohort.dispatch_month == "due")
        if self.cohort.dispatch_basis == "dispatched":
            where += " AND d.met_at <= :as_of"
        return f"""SELECT d.unit AS unit, d.ticket_id AS ticket_id,
            CASE WHEN d.outcome = 'timely' AND d.met_at <= :as_of THEN 1 ELSE 0 END AS num, 1 AS den
            FROM duties d JOIN tickets t ON t.id = d.ticket_id
            WHERE d.kind = 'dispatch' AND {where} AND d.start_at = t.generated_at
            AND d.unit IS NOT NULL AND t.requires_dispatch AND t.merged_into IS NULL
            AND {_NOT_VOID}"""

    def _return(self) -> str:
        withdrawn = "(COALESCE({0}.decision, '') = 'withdrawn' AND {0}.decided_at <= :as_of)"
        basis = "r.decision = 'accepted' AND r.decided_at <= :as_of"
        if self.cohort.return_basis == "submitted":  # one per assignment: the last request that was not withdrawn
            basis = f"""NOT {withdrawn.format("r")} AND NOT EXISTS (SELECT 1 FROM requests o
                WHERE o.ticket_id = r.ticket_id AND o.kind = 'return' AND o.assignment_id = r.assignment_id
                AND o.asked_at > r.asked_at AND o.asked_at <= :as_of AND NOT {withdrawn.format("o")})"""
        event = "r.decided_at" if self.cohort.return_month == "decided" else "r.asked_at"
        return f"""SELECT a.unit AS unit, r.ticket_id AS ticket_id,
            CASE WHEN r.timely AND a.sign_method = 'manual' AND a.signed_at <= r.asked_at THEN 1 ELSE 0 END AS num, 1 AS den
            FROM requests r JOIN assignments a ON a.id = r.assignment_id
            WHERE r.kind = 'return' AND {_MONTH.format(event)}
            AND r.asked_at <= :as_of AND {basis} AND {_NOT_MERGED.format("r")}"""

    def _closings(self, month: str = _MONTH.format("a.closed_at")) -> str:
        """Lead closings of the month (Q21, Q22)."""
        return f"""FROM assignments a JOIN tickets t ON t.id = a.ticket_id {self._later_extensions}
            WHERE a.lead AND {month} AND a.state <> 'returned' AND t.merged_into IS NULL"""

    def _closed(self, measure: Measure) -> str:
        num, where = self.closing_terms[measure]
        closings = self._closings() if self.counts_closings(measure) else self._closings(_VISITED)
        return f"""SELECT a.unit AS unit, a.ticket_id AS ticket_id, {self._weigh(num)} AS num,
            {self._weight} AS den {closings} AND {where}"""

    def build_closing_counts(self, measures: Sequence[Measure]) -> str:
        """Return SQL of several measures' counts over the same closings in one pass: unit, then num and den of each."""
        sums = ", ".join(
            f"sum(CASE WHEN {where} THEN {self._weigh(num)} ELSE 0 END), sum(CASE WHEN {where} THEN {self._weight} ELSE 0 END)"
            for num, where in map(self.closing_terms.__getitem__, measures)
        )
        unit = "AND a.unit = :unit" if self.cohort.unit is not None else ""
        return f"SELECT a.unit, {sums} {self._closings()} {unit} GROUP BY a.unit"

    def _weigh(self, num: str) -> str:
        return num if self._weight == "1" else f"({num}) * {self._weight}"

    def _due_in_month(self, num: str, where: str, weight: str = "1") -> str:
        """Leads by their (extended) due time; what ended before it was due no longer counts."""
        return f"""SELECT a.unit AS unit, a.ticket_id AS ticket_id, ({num}) * {weight} AS num,
            {weight} AS den FROM assignments a JOIN tickets t ON t.id = a.ticket_id {self._later_extensions}
            WHERE a.lead AND a.dispatched_at <= :as_of AND {self._due} >= :start AND {self._due} < :end
            AND t.merged_into IS NULL AND {where}
            AND NOT (a.ended_at IS NOT NULL AND a.ended_at <= :as_of
                     AND (a.state = 'returned' OR a.ended_at <= {self._due}))"""

    @property
    def _is_timely(self) -> str:
        return _is_timely(self._due)

    @property
    def _is_due(self) -> str:
        """Condition: due by the run, or closed before."""
        return f"({self._due} <= :as_of OR a.closed_at <= :as_of)"

    def _on_time(self) -> str:
        if self.counts_closings(Measure.ON_TIME):
            return self._closed(Measure.ON_TIME)
        return self._due_in_month(self._timely, f"{_NO_MASS} AND {self._is_due}", self._weight)

    def _extension(self) -> str:
        if self.counts_closings(Measure.EXTENSION):
            return self._closed(Measure.EXTENSION)
        return self._due_in_month(self._extensions, f"{_NO_MASS} AND {self._is_due}", self._weight)

    def _closure(self) -> str:
        return self._due_in_month("CASE WHEN a.closed_at <= :as_of THEN 1 ELSE 0 END", f"{self._due} <= :as_of")

    def _red_card(self) -> str:
        """In hand at any time in the month; a card issued by the clock, or of an imported history as of the run.

        What is given back is not in hand in that month; a card issued in an earlier one stays there (XD1).
        """
        by_rule, issued = self._card_months()
        no_mass = "a.ticket_id NOT IN (SELECT m.id FROM tickets m WHERE m.flags LIKE '%mass_incident%')"
        card = build_red_card(self._due, by_rule, issued, no_mass)
        given_back = _RETURNED.format("r.decided_at >= :start AND r.decided_at <= :as_of AND r.asked_at < :end")
        come = "a.dispatched_at < :end AND a.dispatched_at <= :as_of AND :start <= :as_of"
        if self.cohort.red_card_basis == "dispatched":  # whenever they were returned
            come, given_back = _MONTH.format("a.dispatched_at"), _RETURNED.format("r.decided_at <= :as_of")
        return f"""SELECT a.unit AS unit, a.ticket_id AS ticket_id, {card} AS num, 1 AS den
            FROM assignments a {self._later_extensions}
            WHERE a.lead AND {come}
            AND (a.closed_at IS NULL OR a.closed_at >= :start) AND (a.ended_at IS NULL OR a.ended_at >= :start)
            AND a.id NOT IN ({given_back}) AND {_NOT_MERGED.format("a")}{self._open_in_hand}"""

    @property
    def _open_in_hand(self) -> str:
        """Condition: neither done nor late while the month runs; empty unless such are asked for."""
        if not self.cohort.open_only:
            return ""
        return f""" AND :as_of < :end AND {self._due} > :as_of
            AND (a.closed_at IS NULL OR a.closed_at > :as_of) AND (a.ended_at IS NULL OR a.ended_at > :as_of)"""

    def _card_months(self) -> tuple[str, str]:
        """When a card counts: one that follows from the due time, and one that was issued (Q14, Q17).

        Cards of newly dispatched assignments count whenever they were issued.
        """
        due, at, closed = f"{self._due} >= :start AND {self._due} < :end", "a.red_card_at", "a.closed_at"
        if self.cohort.red_card_basis == "dispatched":
            ever = f"{closed} <= :as_of" if self.cohort.red_card_month == "closed" else "a.dispatched_at <= :as_of"
            return ever, f"{at} <= :as_of AND {ever}"
        if self.cohort.red_card_month == "closed":
            return _MONTH.format(closed), f"{at} <= :as_of AND {_MONTH.format(closed)}"
        return due, _MONTH.format(at)

    def _response(self) -> str:
        """The worker's word, or by setting also a record of contact within the limit (Q41, XD20)."""
        good = "v.contacted = 'yes'"
        if self.cohort.response_basis == "said_or_recorded":
            good += """ OR a.id IN (SELECT d.assignment_id FROM duties d
                WHERE d.kind = 'contact' AND d.outcome = 'timely' AND d.met_at <= :as_of)"""
        return self._visited("contacted", good, "'yes', 'no', 'unsure'")

    def _visit_reached(self) -> str:
        """Each ticket visited in the month, whether or not somebody was reached (XD15)."""
        return f"""SELECT a.unit AS unit, s.ticket_id AS ticket_id, s.reached AS num, 1 AS den
            FROM (SELECT v.ticket_id, v.assignment_id, max(CASE WHEN {REACHED.format("v")} THEN 1 ELSE 0 END) AS reached
                FROM visits v WHERE {_MONTH.format("v.at")} GROUP BY v.ticket_id, v.assignment_id) s
            JOIN assignments a ON a.id = s.assignment_id
            WHERE a.lead AND a.state <> 'returned' AND {_NOT_MERGED.format("s")}"""

    def _visited(self, field: str, good: str, asked: str) -> str:
        """The last visit that answered a question, in the month it was made (Q41)."""
        return f"""SELECT a.unit AS unit, v.ticket_id AS ticket_id,
            CASE WHEN {good} THEN 1 ELSE 0 END AS num, 1 AS den
            FROM visits v JOIN assignments a ON a.id = v.assignment_id
            WHERE {_MONTH.format("v.at")} AND v.{field} IN ({asked}) AND a.lead AND a.state <> 'returned'
            AND {_NOT_MERGED.format("v")}
            AND NOT EXISTS (SELECT 1 FROM visits o WHERE o.ticket_id = v.ticket_id AND o.{field} IN ({asked})
                AND o.at <= :as_of AND (o.at > v.at OR (o.at = v.at AND o.id > v.id)))"""
