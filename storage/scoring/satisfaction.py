"""When a closing counts as satisfied, and what that rests on: visits in SQL, as `visit_outcome` decides them (B42, B43).

Tickets are `t`; parameter `as_of`: nothing later has happened.
"""

from backend.domain.scoring.measures import Measure
from backend.ports.scoring import Cohort

CLEAR_ANSWERS = "('satisfied', 'basically_satisfied', 'unsatisfied')"
EXPLICIT = "('satisfied', 'basically_satisfied')"
#: a visit, or attempt, by which somebody was reached: they answered any of its questions (XD15)
REACHED = """({0}.answer IN ('satisfied', 'basically_satisfied', 'unsatisfied', 'unclear')
    OR {0}.contacted IS NOT NULL OR {0}.resolved IS NOT NULL)"""


def build_satisfaction(cohort: Cohort) -> dict[Measure, tuple[str, str]]:
    """Return measure → what a closing adds to its numerator, and the condition for it to count.

    The last manual answer, else the last automatic one (B42): only tickets that ever got an `unsatisfied` answer can
    end in one. Beside it, of the same closings: the requester was reached; the result rests on an answer (XD15).
    """
    kept = "1" if cohort.second_visit_unreached == "keep_first" else "0"

    def last(which: str, word: str) -> str:
        """The position of the last such visit, doubled; odd if its answer was the word."""
        return f"max(CASE WHEN {which} THEN v.place * 2 + CASE v.answer WHEN '{word}' THEN 1 ELSE 0 END END)"

    manual = last(f"v.kind = 'manual' AND v.answer IN {CLEAR_ANSWERS}", "unsatisfied")
    machine_no = last("v.kind = 'auto' AND v.answer = 'unsatisfied'", "unsatisfied")
    vague = last("v.kind = 'manual' AND v.answer = 'unclear'", "unclear")
    tried = last("v.kind = 'manual' AND v.answer <> '' AND (v.decisive OR v.answer <> 'unreached')", "unreached")
    unsatisfied = f"""t.id IN (SELECT v.ticket_id FROM (SELECT o.ticket_id, o.kind, o.answer, o.decisive,
          row_number() OVER (PARTITION BY o.ticket_id ORDER BY o.at, o.id) AS place FROM visits o
          WHERE o.at <= :as_of AND o.ticket_id IN (SELECT b.ticket_id FROM visits b
            WHERE b.answer = 'unsatisfied' AND b.at <= :as_of)) v GROUP BY v.ticket_id
        HAVING CASE WHEN {manual} IS NOT NULL THEN {manual} % 2
          WHEN {vague} > {machine_no} OR COALESCE({tried}, 0) < {machine_no} THEN 1  -- XD6, XD7
          WHEN {tried} % 2 = 1 THEN {kept} ELSE 0 END = 1)"""
    recognised = """t.id IN (SELECT r.ticket_id FROM requests r WHERE r.kind IN ('unreasonable', 'appeal')
        AND r.decision = 'accepted' AND r.decided_at <= :as_of)"""
    where = "t.category IN ('consult', 'help', 'complaint')"
    if cohort.unreasonable_mode == "remove_both":
        where += f" AND NOT ({unsatisfied} AND {recognised})"
    heard = "EXISTS (SELECT 1 FROM visits w WHERE w.ticket_id = t.id AND w.at <= :as_of AND {0})"
    by_person = heard.format(f"w.kind = 'manual' AND w.answer IN {CLEAR_ANSWERS}")
    no, yes = (heard.format(f"w.answer IN {words}") for words in ("('unsatisfied')", EXPLICIT))
    answered = f"({by_person} OR {unsatisfied} OR ({yes} AND NOT {no}))"
    return {
        Measure.SATISFACTION: (f"CASE WHEN {unsatisfied} AND NOT {recognised} THEN 0 ELSE 1 END", where),
        Measure.REACHED: (f"CASE WHEN {heard.format(REACHED.format('w'))} THEN 1 ELSE 0 END", where),
        Measure.ANSWERED: (f"CASE WHEN {answered} THEN 1 ELSE 0 END", where),
    }
