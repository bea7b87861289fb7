"""The bars of the figures we aim at: what each row promises, and how much a full run does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Measured = Mapping[str, float]


@dataclass(frozen=True)
class Bar:
    """`words` for the table; `holds` judges what was measured; `sizes`: how much of what a full run does at least."""

    words: str
    holds: Callable[[Measured], bool]
    sizes: Mapping[str, float] = field(default_factory=dict)


def none_of(*names: str) -> Callable[[Measured], bool]:
    """All of these are zero."""
    return lambda measured: not any(measured[name] for name in names)


BARS: dict[str, Bar] = {
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
        lambda m: m["missing"] == m["doubled"] == 0 and m["seconds"] <= 60 and m["megabytes"] <= 300,
        {"rows": 100_000, "kills": 20},
    ),
    "G18": Bar(
        "raw webhook requests: no 5xx, no traceback, at most a log line each",
        lambda m: m["failed"] == m["tracebacks"] == 0 and m["lines"] <= m["requests"],
        {"requests": 50_000},
    ),
    "G14": Bar("every outbound request valid against the descriptions", none_of("violations"), {"requests": 10_000}),
}
