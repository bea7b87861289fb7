"""The queries behind a bulletin: a handful of aggregates per period, the same SQL on both engines.

Parameters: `start`, `end`, `as_of`, `cut` in microseconds; nothing after `as_of` has happened.
"""

from typing import Any

from sqlalchemy import Connection, TextClause, text

from backend.domain.instants import to_micros
from backend.ports.reporting import (
    ClosedCount,
    DispatchCount,
    Figures,
    ReceivedCount,
    ReportPeriod,
    RequestCount,
    VisitedCount,
    WorkloadCount,
)
from storage.scoring.measures import build_red_card
from storage.scoring.satisfaction import REACHED

WITHIN = "{0} >= :start AND {0} < :end AND {0} <= :as_of"


def _has_flag(flag: str) -> str:
    return f"CASE WHEN flags LIKE '%{flag}%' THEN 1 ELSE 0 END"


RECEIVED = text(f"""SELECT channel, COALESCE(category, ''), grade, region, count(*),
    sum(CASE WHEN requires_dispatch THEN 0 ELSE 1 END), sum({_has_flag("mass_incident")}),
    sum({_has_flag("suspected_repeat")}), sum(CASE WHEN return_count >= 2 THEN 1 ELSE 0 END),
    sum(CASE WHEN merged_into IS NULL THEN 0 ELSE 1 END), sum(CASE WHEN state = 'cancelled' THEN 1 ELSE 0 END)
    FROM tickets WHERE {WITHIN.format("generated_at")} GROUP BY channel, category, grade, region
    ORDER BY channel, category, grade, region""")
GIVEN = text(f"""SELECT unit, count(*), sum(CASE WHEN lead THEN 1 ELSE 0 END),
    sum(CASE WHEN sign_method = 'manual' AND signed_at <= :as_of THEN 1 ELSE 0 END),
    sum(CASE WHEN sign_method = 'auto' AND signed_at <= :as_of THEN 1 ELSE 0 END),
    sum(CASE WHEN signed_at IS NULL AND ended_at IS NULL THEN 1 ELSE 0 END)
    FROM assignments WHERE {WITHIN.format("dispatched_at")} GROUP BY unit ORDER BY unit""")
DISPATCHED = text(f"SELECT count(DISTINCT ticket_id) FROM assignments WHERE {WITHIN.format('dispatched_at')}")
WAITED = text(f"""SELECT COALESCE(sum(d.met_at - d.start_at), 0), count(*) FROM duties d
    JOIN tickets t ON t.id = d.ticket_id WHERE d.kind = 'dispatch' AND {WITHIN.format("d.start_at")}
    AND d.start_at = t.generated_at AND d.met_at <= :as_of AND d.outcome IN ('timely', 'late')""")
CLOSED = text(f"""SELECT a.unit, count(*), sum(CASE WHEN a.extension_count = 1 THEN 1 ELSE 0 END),
    sum(CASE WHEN a.extension_count >= 2 THEN 1 ELSE 0 END),
    sum(CASE WHEN a.close_type = 'explained_unresolvable' THEN 1 ELSE 0 END)
    FROM assignments a JOIN tickets t ON t.id = a.ticket_id
    WHERE a.lead AND {WITHIN.format("a.closed_at")} AND a.state <> 'returned' AND t.merged_into IS NULL
    GROUP BY a.unit ORDER BY a.unit""")

RED = build_red_card("a.close_due_at", "a.close_due_at >= :start AND a.close_due_at < :end", WITHIN.format("a.red_card_at"),
                     "t.flags NOT LIKE '%mass_incident%'")  # fmt: skip
_STILL = "a.dispatched_at < :cut AND (a.closed_at IS NULL OR a.closed_at >= :cut) AND (a.ended_at IS NULL OR a.ended_at >= :cut)"
_TIMED = "t.flags NOT LIKE '%mass_incident%'"  # 群体性事件除外 (B37, XD10)
IN_HAND = text(f"""SELECT a.unit, sum(CASE WHEN a.close_due_at >= :start AND a.close_due_at < :cut AND {_TIMED}
    AND NOT (a.ended_at IS NOT NULL AND a.ended_at <= a.close_due_at) THEN 1 ELSE 0 END),
    sum(CASE WHEN {WITHIN.format("a.yellow_card_at")} THEN 1 ELSE 0 END), sum({RED}),
    sum(CASE WHEN {_STILL} THEN 1 ELSE 0 END),
    sum(CASE WHEN {_STILL} AND a.close_due_at < :cut AND {_TIMED} THEN 1 ELSE 0 END)
    FROM assignments a JOIN tickets t ON t.id = a.ticket_id WHERE a.lead AND t.merged_into IS NULL
    AND a.dispatched_at < :end AND a.dispatched_at <= :as_of AND (a.closed_at IS NULL OR a.closed_at >= :start)
    AND (a.ended_at IS NULL OR a.ended_at >= :start) GROUP BY a.unit ORDER BY a.unit""")
ASKED = text(f"""SELECT kind, CASE WHEN decided_at <= :as_of THEN COALESCE(decision, '') ELSE '' END AS became, count(*)
    FROM requests WHERE (kind IN ('return', 'extension') AND {WITHIN.format("asked_at")})
    OR (kind IN ('unreasonable', 'appeal') AND {WITHIN.format("decided_at")}) GROUP BY kind, became ORDER BY kind, became""")
VISITED = text(f"""SELECT CASE WHEN t.final_answer = 'unsatisfied' THEN 'unsatisfied' WHEN t.deemed_satisfied THEN 'deemed'
    WHEN t.final_answer IN ('satisfied', 'basically_satisfied') THEN t.final_answer ELSE 'open' END AS verdict,
    s.reached, s.doubted, s.manual, CASE WHEN t.unreasonable THEN 1 ELSE 0 END AS set_aside, count(*)
    FROM (SELECT ticket_id, max(CASE WHEN {REACHED.format("v")} THEN 1 ELSE 0 END) AS reached,
        max(CASE WHEN kind = 'auto' AND answer = 'unsatisfied' THEN 1 ELSE 0 END) AS doubted,
        max(CASE WHEN kind = 'manual' THEN 1 ELSE 0 END) AS manual
        FROM visits v WHERE {WITHIN.format("at")} GROUP BY ticket_id) s
    JOIN tickets t ON t.id = s.ticket_id WHERE t.merged_into IS NULL
    GROUP BY verdict, s.reached, s.doubted, s.manual, set_aside""")
SUPERVISED = text(f"""SELECT CASE WHEN met_at <= :as_of THEN COALESCE(outcome, '') ELSE '' END AS became, count(*) FROM duties
    WHERE kind = 'supervise' AND {WITHIN.format("start_at")} GROUP BY became""")


def build_parameters(period: ReportPeriod) -> dict[str, Any]:
    """Return the parameters of a period; `cut` is its end, or `as_of` if that is earlier."""
    return {"start": to_micros(period.start), "end": to_micros(period.end), "as_of": to_micros(period.as_of),
            "cut": to_micros(min(period.end, period.as_of))}  # fmt: skip


def count_figures(c: Connection, period: ReportPeriod) -> Figures:
    """Count all figures of a period."""
    given = build_parameters(period)

    def rows(query: TextClause) -> list[Any]:
        return list(c.execute(query, given))

    wait, waited = rows(WAITED)[0]
    return Figures(
        received=tuple(ReceivedCount(*row[:4], *map(int, row[4:])) for row in rows(RECEIVED)),
        dispatches=tuple(DispatchCount(row[0], *map(int, row[1:])) for row in rows(GIVEN)),
        dispatched_tickets=int(rows(DISPATCHED)[0][0]), dispatch_wait=int(wait), dispatch_waited=int(waited),
        closed=tuple(ClosedCount(row[0], *map(int, row[1:])) for row in rows(CLOSED)),
        in_hand=tuple(WorkloadCount(row[0], *map(int, row[1:])) for row in rows(IN_HAND)),
        requests=tuple(RequestCount(row[0], row[1], int(row[2])) for row in rows(ASKED)),
        visited=tuple(VisitedCount(row[0], bool(row[1]), bool(row[2]), bool(row[3]), bool(row[4]), int(row[5])) for row in rows(VISITED)),
        supervised={row[0]: int(row[1]) for row in rows(SUPERVISED)},
    )  # fmt: skip
