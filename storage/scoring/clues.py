"""Where tickets, visits and the journal give a clue for a ledger line (B21, B22, B24, B27, B30, B48-B50, B55, B57).

Every query yields unit, ticket number, row id, why, words, a later ticket's number, and the instant it is ordered by.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import TextClause, bindparam, text

from backend.domain.instants import to_micros
from backend.domain.unreachable import EXEMPT_AFTER
from backend.ports.scoring import Clue, ClueSpan, LedgerCandidate
from storage.engine.database import Database

YEAR = timedelta(days=365)  # how far back a closed complaint is still the same one
_IN = "{0} >= :start AND {0} < :end"
_EXPLICIT = "('satisfied', 'basically_satisfied')"
_FLAGGED = "(t.flags LIKE '%mass_incident%' OR t.flags LIKE '%hard_case%')"
_LATE = "({0}.outcome = 'late' OR ({0}.outcome IS NULL AND {0}.met_at IS NULL AND {0}.due_at < :now))"
_LATE_DISPATCH = (
    f"""EXISTS (SELECT 1 FROM duties d WHERE d.ticket_id = t.id AND d.kind = 'dispatch' AND {_LATE.format("d")})"""
)
#: visit `v` is the last one that answered this question
_LAST = """v.{0} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM visits o WHERE o.ticket_id = v.ticket_id
    AND o.{0} IS NOT NULL AND (o.at > v.at OR (o.at = v.at AND o.id > v.id)))"""
#: demands of the span that repeat an earlier one: merged into it, or of the same caller and category, or a complaint
_AGAIN = f"""(SELECT r.merged_into AS ticket_id, r.ticket_no, r.generated_at AS at, r.category FROM tickets r
        WHERE {_IN.format("r.generated_at")} AND r.merged_into IS NOT NULL
    UNION SELECT e.id, r.ticket_no, r.generated_at, r.category FROM tickets r JOIN tickets e ON e.phone_index = r.phone_index
        AND e.generated_at < r.generated_at AND (r.category = e.category OR r.category = 'complaint')
        WHERE {_IN.format("r.generated_at")} AND r.state <> 'cancelled' AND e.merged_into IS NULL)"""
#: calls to the requester that the telephone itself recorded as vain, and none that reached them (B49)
_RANG = """(SELECT count(*) FROM journal c WHERE c.ticket_id = t.id AND c.verb = 'contact' AND c.source = 'phone'
    AND c.arguments LIKE '%"reached"_{0}%')"""

_PRAISE = f"""SELECT COALESCE(a.unit, t.management), t.ticket_no, t.id, 'praise', '', '', t.generated_at FROM tickets t
    LEFT JOIN assignments a ON a.id = t.lead_id WHERE t.category = 'praise' AND {_IN.format("t.generated_at")}
    AND t.merged_into IS NULL AND t.state <> 'cancelled'
    UNION ALL SELECT a.unit, t.ticket_no, v.id, 'praise', v.note, '', v.at FROM visits v JOIN tickets t ON t.id = v.ticket_id
    JOIN assignments a ON a.id = COALESCE(v.assignment_id, t.lead_id)
    WHERE {_IN.format("v.at")} AND v.answer = 'satisfied' AND v.note <> ''"""
_SUPERVISION = f"""SELECT COALESCE(d.unit, a.unit), t.ticket_no, d.id, 'missed', '', '', d.due_at FROM duties d
    JOIN tickets t ON t.id = d.ticket_id LEFT JOIN assignments a ON a.id = d.assignment_id
    WHERE d.kind = 'supervise' AND {_IN.format("d.due_at")}
    AND (d.outcome = 'late' OR (d.met_at IS NULL AND d.due_at < :now))
    UNION ALL SELECT a.unit, t.ticket_no, j.id, 'accept_progress', j.arguments, '', j.at FROM journal j
    JOIN tickets t ON t.id = j.ticket_id JOIN assignments a ON a.id = COALESCE(j.assignment_id, t.lead_id)
    WHERE j.verb = 'accept_progress' AND {_IN.format("j.at")}"""
_COORDINATED = f"""SELECT t.management, t.ticket_no, t.id, 'coordinated', '', '', t.closed_at FROM tickets t
    WHERE {_IN.format("t.closed_at")} AND t.merged_into IS NULL AND {_FLAGGED} AND t.final_answer IN {_EXPLICIT}
    AND EXISTS (SELECT 1 FROM visits v WHERE v.ticket_id = t.id AND v.answer IN {_EXPLICIT})"""
_CONTRADICTED = f"""SELECT w.unit, w.ticket_no, w.id, w.why, '', '', w.at FROM (
    SELECT a.unit, t.ticket_no, v.id, v.at, CASE
        WHEN v.resolved = 'unresolved' AND a.close_type = 'solved' AND {_LAST.format("resolved")} THEN 'unresolved'
        WHEN v.contacted = 'no' AND (a.contacted_at < v.at OR a.reply_way IN ('phone', 'visit'))
            AND {_LAST.format("contacted")} THEN 'uncontacted' END AS why
    FROM visits v JOIN tickets t ON t.id = v.ticket_id JOIN assignments a ON a.id = COALESCE(v.assignment_id, t.lead_id)
    WHERE {_IN.format("v.at")} AND t.merged_into IS NULL AND NOT t.unreasonable
    AND NOT (v.kind = 'auto' AND t.state = 'revisit_manual')) w WHERE w.why IS NOT NULL  -- a person asks again (B42)"""
_RECOGNISED = f"""SELECT t.management, t.ticket_no, j.id, 'review', j.arguments, '', j.at FROM journal j
    JOIN tickets t ON t.id = j.ticket_id WHERE j.verb = 'review' AND {_IN.format("j.at")}
    UNION ALL SELECT t.management, t.ticket_no, r.id, 'objection', '', '', r.decided_at FROM requests r
    JOIN tickets t ON t.id = r.ticket_id WHERE r.kind = 'objection' AND r.decision = 'accepted'
    AND {_IN.format("r.decided_at")} AND (t.return_count > 0 OR {_LATE_DISPATCH})
    UNION ALL SELECT d.unit, t.ticket_no, d.id, 'undispatched', '', x.ticket_no, x.at FROM {_AGAIN} x
    JOIN tickets t ON t.id = x.ticket_id JOIN duties d ON d.ticket_id = t.id AND d.kind = 'dispatch'
    WHERE {_LATE.format("d")} AND x.category = 'complaint' AND x.at > d.due_at AND (d.met_at IS NULL OR x.at < d.met_at)
    AND t.state <> 'cancelled'"""
_UNANSWERED = f"""SELECT a.unit, t.ticket_no, d.id, 'unanswered', '', x.ticket_no, x.at FROM {_AGAIN} x
    JOIN tickets t ON t.id = x.ticket_id JOIN assignments a ON a.ticket_id = t.id AND a.lead
    JOIN duties d ON d.ticket_id = t.id AND d.assignment_id = a.id AND d.kind = 'reply'
    WHERE {_LATE.format("d")} AND x.at > a.dispatched_at AND (a.ended_at IS NULL OR x.at < a.ended_at)
    AND (d.met_at IS NULL OR x.at < d.met_at) AND t.state <> 'cancelled'
    AND NOT ({_RANG.format("false")} >= :exempt AND {_RANG.format("true")} = 0)"""
#: a complaint that grew so old in the span, and has still no result; its unit, or who should have found it one
_WITHOUT_RESULT = f"""FROM tickets t
    LEFT JOIN assignments a ON a.id = t.lead_id AND a.state NOT IN ('returned', 'cancelled')
    WHERE t.generated_at >= :old_start AND t.generated_at < :old_end AND (t.category = 'complaint' OR t.merged_count > 0)
    AND t.merged_into IS NULL AND t.state <> 'cancelled' AND NOT t.unreasonable
    AND (t.final_answer = 'unsatisfied' OR (t.closed_at IS NULL AND t.state NOT IN ('finalized', 'archived'))
        OR EXISTS (SELECT 1 FROM visits v WHERE v.ticket_id = t.id AND v.resolved = 'unresolved' AND {_LAST.format("resolved")}))"""
_ENDURING = f"""SELECT a.unit, t.ticket_no, t.id, 'open', '', '', t.generated_at {_WITHOUT_RESULT}
    UNION ALL SELECT t.management, t.ticket_no, t.id, 'open', '', '', t.generated_at {_WITHOUT_RESULT}
    AND (a.id IS NULL OR {_LATE_DISPATCH})
    UNION ALL SELECT a.unit, t.ticket_no, t.id, 'again', '', x.ticket_no, t.generated_at FROM {_AGAIN} x
    JOIN tickets t ON t.id = x.ticket_id JOIN assignments a ON a.id = t.lead_id
    WHERE t.category = 'complaint' AND x.category = 'complaint' AND t.generated_at >= :year_ago
    AND x.at - t.generated_at >= :enduring AND NOT t.unreasonable AND t.state <> 'cancelled'
    AND COALESCE(t.final_answer, '') NOT IN {_EXPLICIT}"""
_ESCALATED = f"""SELECT t.management, t.ticket_no, j.id, j.verb, j.arguments, '', j.at FROM journal j
    JOIN tickets t ON t.id = j.ticket_id WHERE j.verb IN ('regrade', 'decide_flag', 'take_repeat')
    AND {_IN.format("j.at")} AND {_FLAGGED} AND (j.verb <> 'decide_flag' OR t.flags LIKE '%hard_case%')
    AND EXISTS (SELECT 1 FROM journal f WHERE f.ticket_id = t.id AND f.verb = 'flag' AND f.at < j.at)
    AND NOT EXISTS (SELECT 1 FROM journal c WHERE c.ticket_id = t.id AND c.verb IN ('assist', 'supervise')
        AND c.at <= j.at)"""

_QUERIES: Mapping[Clue, TextClause] = MappingProxyType(
    {
        clue: text(f"{sql} ORDER BY 7, 3, 6")
        for clue, sql in {
            Clue.PRAISE: _PRAISE,
            Clue.SUPERVISION: _SUPERVISION,
            Clue.COORDINATED: _COORDINATED,
            Clue.CONTRADICTED: _CONTRADICTED,
            Clue.RECOGNISED: _RECOGNISED,
            Clue.UNANSWERED: _UNANSWERED,
            Clue.ENDURING: _ENDURING,
            Clue.ESCALATED: _ESCALATED,
        }.items()
    }
)
_LIST_IN_HAND = text("""SELECT w.unit, w.ticket_no FROM (SELECT a.unit, t.ticket_no,
    row_number() OVER (PARTITION BY a.unit ORDER BY a.dispatched_at DESC, a.id DESC) AS place
    FROM assignments a JOIN tickets t ON t.id = a.ticket_id
    WHERE a.lead AND a.unit IN :units AND a.dispatched_at < :end AND t.merged_into IS NULL
    AND (a.closed_at IS NULL OR a.closed_at >= :start) AND (a.ended_at IS NULL OR a.ended_at >= :start)) w
    WHERE w.place <= :limit ORDER BY w.unit, w.place""").bindparams(bindparam("units", expanding=True))
#: what a journal line says by its words: its reason for a line, "" for none
_READ_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "accept_progress": lambda w: "rejected" if w.get("accept") is False else "",
        "review": lambda w: str(w.get("valid_complaint") or ""),
        "regrade": lambda w: "regrade" if w.get("grade") == "urgent" else "",
        "decide_flag": lambda w: "mass_incident" if w.get("accept") and w.get("decided") == "mass_incident" else "",
        "take_repeat": lambda w: "repeat",
    }
)


class SqlClueStore:
    """`ClueStore` on either engine."""

    _db: Database

    async def find_clues(self, clue: Clue, span: ClueSpan) -> Sequence[LedgerCandidate]:
        """Find the candidates of one kind, oldest event first."""
        age = timedelta(days=span.enduring)
        known = {
            "start": span.start, "end": span.end, "now": span.now, "year_ago": span.start - YEAR - age,
            "old_start": span.start - age, "old_end": min(span.end, span.now) - age,
        }  # fmt: skip
        values: dict[str, int] = {name: to_micros(at) for name, at in known.items()}
        values |= {"enduring": age // timedelta(microseconds=1), "exempt": EXEMPT_AFTER}
        rows = await self._db.fetch_rows(_QUERIES[clue], values)
        return [one for row in rows if row[0] and (one := _read_candidate(row)) is not None]

    async def list_in_hand(
        self, units: Collection[str], start: datetime, end: datetime, limit: int
    ) -> Sequence[tuple[str, str]]:
        """List (unit, ticket) of what these units led at any time of the span, newest first, at most `limit` a unit."""
        if not units:
            return []
        given = {"units": sorted(units), "start": to_micros(start), "end": to_micros(end), "limit": limit}
        return [(unit, no) for unit, no in await self._db.fetch_rows(_LIST_IN_HAND, given)]


def _read_candidate(row: Sequence[Any]) -> LedgerCandidate | None:
    """Return the candidate of a row, None if the words of its journal line give no reason."""
    unit, no, number, why, words, other, _ = row
    if why in _READ_WORDS:
        why, words = _READ_WORDS[why](json.loads(words)), ""
    return LedgerCandidate(unit, no, int(number), why, words, other) if why else None
