"""The bars of the figures we aim at: what each row promises, and how much a full run does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Measured = Mapping[str, float]


@dataclass(frozen=True)
class Bar:
    """`words` for the table; `holds` judges what was measured, `timely` how long it took, in a long run only.

    `sizes`: how much of what a full run does at least.
    """

    words: str
    holds: Callable[[Measured], bool]
    sizes: Mapping[str, float] = field(default_factory=dict)
    timely: Callable[[Measured], bool] = lambda measured: True


def none_of(*names: str) -> Callable[[Measured], bool]:
    """All of these are zero."""
    return lambda measured: not any(measured[name] for name in names)


BARS: dict[str, Bar] = {
    "G4": Bar(
        "500 tickets × 40 presses over 8 databases: 500 wins, 500 lines, losers told in 1 s",
        lambda m: m["wins"] == m["lines"] == m["tickets"],
        {"tickets": 500, "presses": 40},
        lambda m: m["told_seconds"] <= 1,
    ),
    "G3": Bar(
        "10,000 updates, each 1–3 times, shuffled, 100 kills: one effect each",
        none_of("lost", "twice"),
        {"updates": 10_000, "kills": 100},
    ),
    "G7": Bar(
        "signed webhook to durable answer: p99 ≤ 100 ms at 500/s, both by how slow the machine is; never over 8 s",
        lambda m: m["failed"] == 0 and m["p99_ms"] <= 100 * m["slowness"] and m["worst_seconds"] <= 8,
        {"per_second": 500},
    ),
    "G8": Bar('"database is locked" told in 30 mixed minutes: 0', none_of("locked"), {"minutes": 30}),
    "G10": Bar(
        "1,000 messages over 4 workers: limits kept, in 1.2 × the ideal time",
        none_of("early"),
        {"messages": 1_000},
        lambda m: m["of_ideal"] <= 1.2,
    ),
    "G11": Bar("clock steps: each deadline once, in the first run after its time", none_of("missed", "twice", "late")),
    "G12": Bar(
        "10,000 deadlines across an outage: each once, within 60 s of the start",
        none_of("left", "twice"),
        {"deadlines": 10_000},
        lambda m: m["seconds"] <= 60,
    ),
    "G13": Bar("connections cut: 0 lost, calls 0 copies, no answer mixed up", none_of("lost", "copies", "mixed_up")),
    "G15": Bar("hostile texts: every TwiML well-formed and sayable", none_of("broken"), {"texts": 10_000}),
    "G16": Bar("mutated signed webhooks: 0 accepted, 0 × 5xx", none_of("accepted", "failed"), {"requests": 1_000}),
    "G17": Bar("generated API requests: 0 × 5xx", none_of("failed"), {"requests": 30_000}),
    "G22": Bar("tampered copies: each found", none_of("missed"), {"tampered": 1_000}),
    "G23": Bar(
        "10,000 tickets: no whole number and no key in logs, messages, lists or addresses",
        none_of("numbers", "keys"),
        {"tickets": 10_000},
    ),
    "G24": Bar("a planted inconsistency is found within 2 minutes", lambda m: m["seconds"] <= 120),
    "G26": Bar("an old copy: 0 sends before its release, 0 of older ones after", none_of("before", "older")),
    "G27": Bar("one worker five minutes off: all send, at one rate", none_of("left", "early"), {"messages": 60}),
    "G28": Bar(
        "version gate closed: 0 sends after 1 s; 2 + 2 workers of two versions: 0 lost, 0 copies",
        none_of("late", "by_former", "lost", "copies", "in_hand"),
        {"dispatches": 2_000},
    ),
    "G29": Bar(
        "database away 60 s: first send within 5 s of its return, at most 5 lines a minute",
        lambda m: m["lines_a_minute"] <= 5,
        {"away_seconds": 60},
        lambda m: m["back_seconds"] <= 5,
    ),
    "G30": Bar(
        "100 flipped pages: 0 × 500, alarm within 60 s",
        none_of("failed", "silent"),
        {"pages": 100},
        lambda m: m["alarm_seconds"] <= 60,
    ),
    "G31": Bar(
        "a role gone: red within 60 s; all gone: the watcher rings within 3 minutes",
        lambda m: m.get("red_seconds", 0) <= 60 and m.get("rung_seconds", 0) <= 180,
    ),
    "G33": Bar("a backup under load, restored: equal", none_of("differing")),
    "G1": Bar(
        "20,000 dispatches, 200 × kill -9: 0 lost, copies ≤ kills, 0 in sending",
        lambda m: m["lost"] == m["in_hand"] == 0 and m["copies"] <= m["disturbances"],
        {"dispatches": 20_000, "disturbances": 200},
    ),
    "G2": Bar("50 rolling SIGTERM: 0 lost, 0 copies", none_of("lost", "copies", "in_hand"), {"disturbances": 50}),
    "G5": Bar(
        "10 immediate database restarts in 6,000 sends: 0 lost, 0 copies, back in 10 s",
        lambda m: m["lost"] == m["copies"] == m["in_hand"] == 0 and m["back_seconds"] <= 10,
        {"dispatches": 6_000, "disturbances": 10},
    ),
    "G6": Bar(
        "28 pauses longer than the lease: 0 lost, copies ≤ pauses",
        lambda m: m["lost"] == m["in_hand"] == 0 and m["copies"] <= m["disturbances"],
        {"disturbances": 28},
    ),
    "G19": Bar(
        "100,000 rows in 60 s and 300 MB; 20 kills: 0 missing, 0 doubled",
        none_of("missing", "doubled"),
        {"rows": 100_000, "kills": 20},
        lambda m: m["seconds"] <= 60 and m["megabytes"] <= 300,
    ),
    "G18": Bar(
        "raw webhook requests: no 5xx, no traceback, at most a log line each",
        lambda m: m["failed"] == m["tracebacks"] == 0 and m["lines"] <= m["requests"],
        {"requests": 50_000},
    ),
    "G14": Bar("every outbound request valid against the descriptions", none_of("violations"), {"requests": 10_000}),
}
