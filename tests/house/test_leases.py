"""Leases end by the lease clock alone: no instant a host brought is written into one or compared with one (XR1)."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import WRITTEN_BY_MACHINE, Breach, Source, only_exceptions, sources

COLUMN = "lease_until"
#: What turns an instant of a host into a stored number.
CONVERTERS = frozenset(("to_micros", "encode"))
#: The same in raw SQL: any parameter but the clock's own.
RAW = re.compile(rf"\b{COLUMN}\s*(=|<=?|>=?)\s*:(?!lease_now\b)\w+")


def foreign(codes: Iterable[Source]) -> Iterator[Breach]:
    """Where a lease is given, or held against, an instant that is not the lease clock's."""
    for code in codes:
        if code.name.startswith(WRITTEN_BY_MACHINE):
            continue
        for node, function in code.nodes:
            match node:
                case ast.keyword(arg=name, value=value) if name == COLUMN and _converts(value):
                    yield code.breach(node.value, function, ast.unparse(value))
                case ast.Compare(left=left, comparators=others) if any(_is_lease(x) for x in (left, *others)):
                    if any(_converts(x) for x in (left, *others)):
                        yield code.breach(node, function, ast.unparse(node))
                case ast.Dict(keys=keys, values=values):
                    for key, value in zip(keys, values, strict=True):
                        if isinstance(key, ast.Constant) and key.value == COLUMN and _converts(value):
                            yield code.breach(value, function, ast.unparse(value))
                case ast.Constant(value=str(text)) if id(node) not in code.docstrings and RAW.search(text):
                    yield code.breach(node, function, text)
                case _:
                    pass


def _is_lease(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == COLUMN


def _converts(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in CONVERTERS
        for inner in ast.walk(node)
    )


def test_a_lease_knows_no_clock_but_the_database_s_XR1() -> None:
    only_exceptions("leases", foreign(sources()), "take `db.lease_clock`: its `now`, its `after`")


@pytest.mark.parametrize(
    "text",
    [
        "x = update(t).values(lease_until=to_micros(until))\n",
        "x = update(t).values(**{'lease_until': encode(until)})\n",
        "x = select(t).where(C.lease_until < to_micros(now))\n",
        "x = select(t).where(or_(C.lease_until.is_(None), to_micros(now) >= C.lease_until))\n",
        "x = text('UPDATE inbox SET lease_until = :until')\n",
        "x = 'WHERE i.lease_until <= :now'\n",
    ],
)
def test_a_lease_by_another_clock_is_found(text: str) -> None:
    assert list(foreign([Source("storage/delivery/plant.py", text)]))


@pytest.mark.parametrize(
    "text",
    [
        "x = update(t).values(lease_until=clock.after(span), not_before=to_micros(now))\n",
        "x = select(t).where(C.lease_until < clock.now, C.not_before <= to_micros(now))\n",
        "x = text('UPDATE outbox SET lease_until = NULL WHERE lease_until <= :lease_now')\n",
    ],
)
def test_the_lease_clock_is_let_be(text: str) -> None:
    assert not list(foreign([Source("storage/delivery/plant.py", text)]))
