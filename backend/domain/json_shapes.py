"""Marks on the types of JSON answers: what the API's document says of a value beside its type (XS12)."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any


class Shown:
    """What a JSON schema adds to a type, e.g. `Annotated[str, Shown(format="date-time")]`; code sees the type alone."""

    def __init__(self, **facts: object) -> None:
        self.facts = facts

    def __get_pydantic_json_schema__(self, core: Any, build: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the type's schema with these facts; called by pydantic, which the domain does not know."""
        return {**build(core), **self.facts}


def one_of(words: Iterable[str]) -> Shown:
    """Return the mark of a text that is one of these words."""
    return Shown(enum=[str(word) for word in words])


MONTH_PATTERN = r"^20\d\d-(0[1-9]|1[0-2])$"
Instant = Annotated[str, Shown(format="date-time")]  # ISO-8601 with an offset
Day = Annotated[str, Shown(format="date")]
Month = Annotated[str, Shown(pattern=MONTH_PATTERN)]
Amount = Annotated[str, Shown(pattern=r"^-?\d+(\.\d+)?$")]  # a decimal number as text: marks, per cents, money
