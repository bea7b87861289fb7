"""Which sentence says what an act on a ticket did."""

from collections.abc import Mapping
from typing import Any

from backend.domain.acts import Plan
from backend.domain.records import Request
from backend.domain.texts import Texts

DECIDED: Mapping[object, str] = {True: "_yes", False: "_no"}


def find_result_key(texts: Texts, verb: str, arguments: Mapping[str, Any], plan: Plan | None) -> str:
    """Return the key (below `console.done`) of what was done; some verbs decide, and some only ask somebody to."""
    only_asks = plan is not None and any(isinstance(row, Request) for row in plan.rows)
    ending = "_asked" if only_asks else DECIDED.get(arguments.get("accept"), "")
    return f"act.{verb}{ending if texts.has(f'console.done.act.{verb}{ending}') else ''}"
