"""Queries narrowed by what may be asked of a list: what columns must have, and the place below which a page begins."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select

AnySelect = Select[*tuple[Any, ...]]


def build_matching(query: AnySelect, wanted: Mapping[Any, object]) -> AnySelect:
    """Narrow a query to rows whose columns have these values; None: any."""
    return query.where(*(column == value for column, value in wanted.items() if value is not None))


def build_before(query: AnySelect, place: Any, before: int | None) -> AnySelect:
    """Narrow a query to rows whose place is below this one; None: all."""
    return query if before is None else query.where(place < before)
