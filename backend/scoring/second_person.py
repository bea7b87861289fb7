"""The second person: what one person entered, another decides (B4, XD4)."""

from typing import Any

from backend.domain.acts import Actor
from backend.domain.refusals import Refused


def is_second_person(first: str | None, actor: Actor) -> bool:
    """Whether the actor is another person than the first."""
    return first != actor.code


def require_second_person(first: str | None, actor: Actor) -> None:
    """Refused `same_person` if the actor is the first person themselves."""
    if not is_second_person(first, actor):
        raise Refused("same_person", by=actor.code)


def offer_decision(row: dict[str, Any], first: str, undecided: tuple[str, ...], actor: Actor) -> dict[str, Any]:
    """Add `may_decide` to a serialized row: whether the actor is offered its decision. `first`: the field of who
    entered it; roles are for the adapter to ask about (`domain/permissions`).
    """  # fmt: skip
    return {**row, "may_decide": row["state"] in undecided and is_second_person(row[first], actor)}
