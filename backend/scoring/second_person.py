"""The second person: what one person entered, another decides (B4, XD4)."""

from backend.domain.acts import Actor
from backend.domain.refusals import Refused


def is_second_person(first: str | None, actor: Actor) -> bool:
    """Whether the actor is another person than the first."""
    return first != actor.code


def require_second_person(first: str | None, actor: Actor) -> None:
    """Refused `same_person` if the actor is the first person themselves."""
    if not is_second_person(first, actor):
        raise Refused("same_person", by=actor.code)


def may_decide(undecided: bool, first: str | None, actor: Actor) -> bool:
    """Whether the actor is offered a decision; roles are for the adapter to ask about (`domain/permissions`)."""
    return undecided and is_second_person(first, actor)
