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
    "G14": Bar("every outbound request valid against the descriptions", none_of("violations"), {"requests": 10_000}),
}
