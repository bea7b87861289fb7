"""The integrity checks: one SELECT each; every row is something that should not be so.

The column `subject` says what it concerns; the others are facts (those ending in `_at` are instants). `{scope}` says
which tickets are checked: those in motion every time, and on patrol the next section of all of them.
"""

from typing import Any

from sqlalchemy import text

MAX_FINDINGS = 500  # rows of one check per run; the rest is found when these are healed
MANY_REFUSALS = 30  # of one account in an hour
PATROL_SIZE = 5_000  # tickets patrolled per run, so that a mistake in an ended one is found too, in time

_IN_MOTION = (
    "t.state IN ('registered', 'pending_dispatch', 'dispatched', 'signed', 'replied', 'return_review', "
    "'extension_review', 'closed', 'revisit_auto', 'revisit_manual', 'rework', 'unreasonable_review')"
)
_PATROL = "t.id > :first AND t.id <= :last"
#: Assignments looked at every time: the newest, as ids grow with time. All tables share one supply of ids, so that the
#: patrol of a section of tickets meets about as many assignments.
_NEWEST = "a.id IN (SELECT n.id FROM assignments n ORDER BY n.id DESC LIMIT 2000)"
_PATROL_ASSIGNMENTS = "a.id > :first AND a.id <= :last"

#: Doors that write down whom they refused what they may not do, or see (XS14): pages and API, chat, telephone.
DOORS = ("refused", "press_refused", "forged_press", "command_refused", "binding_refused", "pin_failed")
_DOORS = ", ".join(f"'{door}'" for door in DOORS)

#: A live assignment (an imported one has a value in `card`, and never had clocks).
_OWN = "a.imported_red_card IS NULL AND a.ended_at IS NULL"
#: CASE and the second condition of the joins leave one index to use: a planner without statistics would otherwise
#: compare every ticket with every assignment.
_OPEN_DUTY = """SELECT 1 FROM duties d WHERE d.ticket_id = t.id
          AND CASE WHEN d.met_at IS NULL THEN d.assignment_id = a.id AND d.kind = '{kind}' ELSE false END"""

#: kind → query. About tickets:
_OF_TICKETS = {
    # G24: each dispatched ticket reached a person; an ordinary one may wait for the office to open
    "untold": f"""
        SELECT t.ticket_no AS subject, a.id AS assignment, a.unit, a.dispatched_at
        FROM tickets t JOIN assignments a ON a.ticket_id = t.id
        WHERE {{scope}} AND a.state = 'dispatched' AND {_OWN} AND a.dispatched_at < :unnotified AND a.opened_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM outbox l WHERE l.ticket_id = t.id AND l.assignment_id = a.id
                          AND l.state = 'sent')
          AND (t.grade = 'urgent' OR NOT EXISTS (
               SELECT 1 FROM outbox l WHERE l.ticket_id = t.id AND l.assignment_id = a.id
               AND ((l.state = 'pending' AND l.not_before > :message AND l.not_before <= a.sign_due_at)
                    OR (l.state = 'sending' AND l.owner = 'calls'))))""",
    "no_close_duty": f"""
        SELECT t.ticket_no AS subject, a.id AS assignment, a.unit, a.state
        FROM tickets t JOIN assignments a ON a.id = t.lead_id AND a.ticket_id = t.id
        WHERE {{scope}} AND {_OWN} AND a.closed_at IS NULL
          AND a.state IN ('dispatched', 'signed', 'replied', 'return_review', 'extension_review')
          AND NOT EXISTS ({_OPEN_DUTY.format(kind="close")})""",
    "no_sign_duty": f"""
        SELECT a.id AS subject, t.ticket_no AS ticket_no, a.unit
        FROM tickets t JOIN assignments a ON a.ticket_id = t.id
        WHERE {{scope}} AND {_OWN} AND a.state = 'dispatched' AND NOT EXISTS ({_OPEN_DUTY.format(kind="sign")})""",
    "no_dispatch_duty": """
        SELECT t.ticket_no AS subject FROM tickets t
        WHERE {scope} AND t.state = 'pending_dispatch' AND NOT EXISTS (
            SELECT 1 FROM duties d WHERE d.ticket_id = t.id
            AND CASE WHEN d.met_at IS NULL THEN d.kind = 'dispatch' ELSE false END)""",
    "state_differs": f"""
        SELECT t.ticket_no AS subject, t.state AS ticket_state, a.state AS assignment_state
        FROM tickets t JOIN assignments a ON a.id = t.lead_id AND a.ticket_id = t.id
        WHERE {{scope}} AND {_OWN} AND t.state <> a.state AND t.state NOT IN ('merged', 'cancelled')""",
    # a state is what the last move says, if that was the ticket's own or its lead assignment's (XR14)
    "state_unrecorded": """
        SELECT t.ticket_no AS subject, t.state AS ticket_state, j.to_state AS journal_state
        FROM tickets t JOIN journal j ON j.ticket_id = t.id AND j.version = t.version
        WHERE {scope} AND t.state <> j.to_state AND (j.assignment_id IS NULL OR j.assignment_id = t.lead_id)""",
    "assignment_missing": """
        SELECT t.ticket_no AS subject, t.state AS ticket_state FROM tickets t
        WHERE {scope} AND t.state IN ('dispatched', 'signed', 'replied', 'return_review', 'extension_review', 'rework')
          AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.id = t.lead_id AND a.ticket_id = t.id
                          AND a.ended_at IS NULL)""",
    "version_differs": """
        SELECT t.ticket_no AS subject, t.version AS ticket_version,
               (SELECT max(j.version) FROM journal j WHERE j.ticket_id = t.id) AS journal_version
        FROM tickets t WHERE {scope}
          AND t.version <> coalesce((SELECT max(j.version) FROM journal j WHERE j.ticket_id = t.id), 0)""",
    "visit_unplanned": """
        SELECT t.ticket_no AS subject, t.visit_round AS round FROM tickets t
        WHERE {scope} AND t.state = 'revisit_auto'
          AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.ticket_id = t.id AND c.purpose = 'visit'
                          AND c.round = t.visit_round AND c.state IN ('waiting', 'live'))
          AND NOT EXISTS (SELECT 1 FROM requester_texts x WHERE x.ticket_id = t.id AND x.round = t.visit_round
                          AND x.next_at IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM rating_pages p WHERE p.ticket_id = t.id AND p.round = t.visit_round
                          AND p.expires_at >= :visit)
          AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.ticket_id = t.id AND j.version = t.version
                          AND j.recorded_at >= :visit)""",
}

#: About assignments.
_OF_ASSIGNMENTS = {
    "assignment_orphan": """
        SELECT a.id AS subject, a.unit, a.state FROM assignments a
        WHERE {scope} AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.id = a.ticket_id)""",
}

#: About everything else; each uses an index of what is open.
_OF_OTHERS = {
    "duty_orphan": """
        SELECT d.id AS subject, d.kind AS duty, d.unit, d.due_at FROM duties d
        WHERE d.met_at IS NULL AND (NOT EXISTS (SELECT 1 FROM tickets t WHERE t.id = d.ticket_id)
          OR (d.assignment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.id = d.assignment_id)))""",
    # a duty whose clock stands still: nobody looked when it was time, or nobody will (XR14)
    "due_missed": """
        SELECT d.id AS subject, t.ticket_no AS ticket_no, d.kind AS duty, d.unit, d.check_at
        FROM duties d JOIN tickets t ON t.id = d.ticket_id
        WHERE d.check_at < :clock AND d.met_at IS NULL""",
    "duty_unwatched": """
        SELECT d.id AS subject, t.ticket_no AS ticket_no, d.kind AS duty, d.unit, d.due_at
        FROM duties d JOIN tickets t ON t.id = d.ticket_id JOIN assignments a ON a.id = d.assignment_id
        WHERE d.met_at IS NULL AND d.due_at > :now AND d.check_at IS NULL AND d.outcome IS NULL
          AND d.kind IN ('sign', 'close') AND a.imported_red_card IS NULL AND a.ended_at IS NULL
          AND a.state IN ('dispatched', 'signed', 'replied', 'return_review', 'extension_review', 'rework')""",
    "duty_left": """
        SELECT d.id AS subject, t.ticket_no AS ticket_no, d.kind AS duty, t.state, d.due_at
        FROM duties d JOIN tickets t ON t.id = d.ticket_id JOIN assignments a ON a.id = d.assignment_id
        WHERE d.met_at IS NULL AND d.kind IN ('sign', 'close') AND a.lead
          AND t.state IN ('closed', 'revisit_auto', 'revisit_manual', 'finalized', 'archived', 'merged', 'cancelled')
        """,
    "sign_overdue": """
        SELECT d.id AS subject, t.ticket_no AS ticket_no, d.unit, d.due_at
        FROM duties d JOIN tickets t ON t.id = d.ticket_id
        WHERE d.met_at IS NULL AND d.due_at < :sign AND d.kind = 'sign'""",
    "close_overdue": """
        SELECT d.id AS subject, t.ticket_no AS ticket_no, d.unit, d.due_at
        FROM duties d JOIN tickets t ON t.id = d.ticket_id JOIN assignments a ON a.id = d.assignment_id
        WHERE d.met_at IS NULL AND d.due_at < :close AND d.kind = 'close'
          AND a.red_card_at IS NULL AND a.lead AND a.ended_at IS NULL AND a.closed_at IS NULL
          AND t.flags NOT LIKE '%mass_incident%' AND d.outcome IS NULL
          AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.assignment_id = a.id AND r.kind = 'extension'
                          AND r.decision IS NULL)
          AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.assignment_id = a.id AND r.kind = 'explained_close'
                          AND r.decision IS NULL AND r.asked_at < d.due_at + 1000000)
          AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.assignment_id = a.id AND r.kind = 'objection'
                          AND r.decision = 'accepted')""",
    # a message being called about is held by its call, not by a lease
    "lease_over": """
        SELECT l.id AS subject, t.ticket_no AS ticket_no, l.kind AS message, l.channel, l.person, l.attempts
        FROM outbox l LEFT JOIN tickets t ON t.id = l.ticket_id
        WHERE l.state = 'sending' AND CASE WHEN l.owner = 'calls'
          THEN NOT EXISTS (SELECT 1 FROM calls c WHERE c.outbox_id = l.id AND c.state IN ('waiting', 'live'))
          ELSE coalesce(l.lease_until, 0) < :lease END""",
    "message_late": """
        SELECT l.id AS subject, t.ticket_no AS ticket_no, l.kind AS message, l.channel, l.person, l.not_before AS wanted_at
        FROM outbox l LEFT JOIN tickets t ON t.id = l.ticket_id
        WHERE l.state = 'pending' AND l.not_before < :message""",
    "dial_stuck": """
        SELECT x.id AS subject, x.state AS dial_state, c.purpose, t.ticket_no AS ticket_no, x.asked_at
        FROM call_attempts x LEFT JOIN calls c ON c.id = x.call_id LEFT JOIN tickets t ON t.id = c.ticket_id
        WHERE x.state IN ('asking', 'placed', 'ambiguous')
          AND (x.asked_at < :call OR (x.answered_at IS NULL AND x.asked_at < :attempt))""",
    "inbox_late": """
        SELECT i.id AS subject, i.source AS source, i.attempts, i.received_at
        FROM inbox i WHERE i.state = 'new' AND i.received_at < :inbox""",
    "inbox_dead": """
        SELECT i.id AS subject, i.source AS source, i.attempts, i.received_at FROM inbox i WHERE i.state = 'dead'""",
    "card_stale": """
        SELECT k.id AS subject, t.ticket_no AS ticket_no, k.channel, k.person, k.shown_version, k.target_version
        FROM chat_cards k LEFT JOIN tickets t ON t.id = k.ticket_id
        WHERE k.target_version > k.shown_version AND k.state = 'live' AND k.sent_at < :card
          AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.ticket_id = k.ticket_id AND j.version = k.target_version
                          AND j.recorded_at >= :card)""",
    "unit_unstaffed": """
        SELECT u.code AS subject, u.name AS unit_name FROM units u
        WHERE u.active AND EXISTS (
            SELECT 1 FROM assignments a WHERE a.unit = u.code AND a.imported_red_card IS NULL AND a.ended_at IS NULL
            AND a.state IN ('dispatched', 'signed', 'replied', 'return_review', 'extension_review', 'rework'))
          AND NOT EXISTS (
            SELECT 1 FROM people p WHERE p.unit = u.code AND p.role = 'handler' AND p.active
            AND coalesce(p.valid_from, 0) <= :now AND (p.valid_to IS NULL OR p.valid_to > :now))""",
    "writeback_refused": """
        SELECT w.id AS subject, t.ticket_no AS ticket_no, w.error FROM writebacks w JOIN tickets t ON t.id = w.ticket_id
        WHERE w.state = 'refused'""",
    "writeback_late": """
        SELECT w.id AS subject, t.ticket_no AS ticket_no, w.since AS since_at FROM writebacks w
        JOIN tickets t ON t.id = w.ticket_id
        WHERE w.state IN ('waiting', 'sending', 'asked') AND w.since < :platform""",
    # somebody tries what they may not do, or looks for what they may not see (XS14)
    "many_refusals": f"""
        SELECT e.actor AS subject, count(*) AS refusals, min(e.at) AS first_at FROM audit_log e
        WHERE e.at >= :refusals AND e.event IN ({_DOORS}) AND e.actor <> '?'
        GROUP BY e.actor HAVING count(*) >= {MANY_REFUSALS}""",
    "binding_left": """
        SELECT b.id AS subject, b.person, b.channel FROM bindings b LEFT JOIN people p ON p.code = b.person
        WHERE b.state = 'live' AND (p.code IS NULL OR NOT p.active)""",
}
#: Kinds whose subject is a number or a code; every other subject is a row id.
_NAMED = ("untold", "no_close_duty", "no_dispatch_duty", "state_differs", "version_differs", "visit_unplanned",
          "unit_unstaffed", "many_refusals", "state_unrecorded", "assignment_missing")  # fmt: skip
_ON_PATROL = ("state_differs", "state_unrecorded", "version_differs", "assignment_missing")


def _build_check(sql: str) -> Any:
    return text(f"SELECT * FROM ({sql}) found LIMIT :most")


def _build_recheck(sql: str) -> Any:
    return text(f"SELECT 1 FROM ({sql}) found WHERE found.subject = :subject LIMIT 1")


_scoped = _OF_TICKETS | _OF_ASSIGNMENTS
_newest_sql = {kind: sql.format(scope=_NEWEST) for kind, sql in _OF_ASSIGNMENTS.items()}
_in_motion_sql = {kind: sql.format(scope=_IN_MOTION) for kind, sql in _OF_TICKETS.items()} | _newest_sql | _OF_OTHERS
_any_state_sql = {kind: sql.format(scope="1 = 1") for kind, sql in _scoped.items()} | _OF_OTHERS

#: Run every time.
CHECKS = {kind: _build_check(sql) for kind, sql in _in_motion_sql.items()}
#: Run in addition on one section of all tickets, and of all assignments.
PATROL_CHECKS = {kind: _build_check(_OF_TICKETS[kind].format(scope=_PATROL)) for kind in _ON_PATROL} | {
    kind: _build_check(sql.format(scope=_PATROL_ASSIGNMENTS)) for kind, sql in _OF_ASSIGNMENTS.items()
}
#: Run for one subject, whatever the state of its ticket.
RECHECKS = {kind: _build_recheck(sql) for kind, sql in _any_state_sql.items()}


def parse_subject(kind: str, subject: str) -> str | int:
    """Convert a subject to its column's type."""
    return subject if kind in _NAMED else int(subject)
