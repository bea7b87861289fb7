"""What a unit lacks before it can receive tickets (A21, A36-A38, B45)."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.records import Person, Unit
from backend.domain.ticket_enums import Role, UnitKind
from backend.domain.unit_readiness import Gap, assess_readiness, find_gaps
from tests.chats import bind_to

UNIT = Unit("U01", "朝阳区代办处", UnitKind.HANDLING)
NOW = datetime(2022, 1, 1, tzinfo=UTC)


def build_person(role: Role, **more: object) -> Person:
    return Person(
        f"{role}-{len(more)}",
        "某",
        "U01",
        role,
        **{"chats": bind_to("c"), "key_name": "k", "key_authorised": True, **more},
    )  # type: ignore[arg-type]


FULL = [
    build_person(Role.HANDLER),
    build_person(Role.HANDLER, contact_order=1),
    build_person(Role.LIAISON),
    build_person(Role.LEADER),
]


@pytest.mark.parametrize(
    ("people", "gaps"),
    [
        ([], {Gap.NOT_REGISTERED}),
        (FULL, set()),
        (FULL[1:], {Gap.NO_DEPUTY}),
        (FULL[2:], {Gap.NO_HANDLER}),
        (FULL[:3], {Gap.NO_LEADER}),
        ([*FULL[:2], FULL[3]], {Gap.NO_LIAISON}),
        ([build_person(Role.HANDLER, chats=()), build_person(Role.HANDLER, chats=(), contact_order=1), *FULL[2:]], {Gap.NOBODY_BOUND}),
        ([*FULL, build_person(Role.HANDLER, has_phone=False)], {Gap.NO_PHONE}),
        ([build_person(Role.HANDLER, key_name=None), build_person(Role.HANDLER, key_name=None, contact_order=1), *FULL[2:]], {Gap.NO_KEY}),
        ([build_person(Role.HANDLER, key_authorised=False), build_person(Role.HANDLER, key_authorised=False, contact_order=1), *FULL[2:]],
         {Gap.KEY_UNAUTHORISED}),
    ],
)  # fmt: skip
def test_each_gap_is_found(people: list[Person], gaps: set[Gap]) -> None:
    assert set(find_gaps(UNIT, people, keys=True)) == gaps


def test_keys_are_required_only_where_the_platform_needs_them() -> None:
    keyless = [
        build_person(Role.HANDLER, key_name=None),
        build_person(Role.HANDLER, key_name=None, contact_order=1),
        *FULL[2:],
    ]
    assert find_gaps(UNIT, keyless, keys=False) == ()


def test_a_unit_without_a_handler_is_late_after_the_day_for_registration_A39() -> None:
    for people, deadline, late in (
        ([], NOW, True), ([], NOW + timedelta(seconds=1), False), ([], None, False), (FULL[1:], NOW, False),
    ):  # fmt: skip
        assert assess_readiness(UNIT, people, NOW, deadline, keys=True).late is late
