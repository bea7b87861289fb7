"""Who may read and do what besides acts (contract §5): one table, asked by name."""

import ast

import pytest

from backend.domain.acts import SYSTEM, Actor
from backend.domain.permissions import PERMISSIONS, may, require
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from tests.house.source import sources


def test_the_administrator_and_the_system_may_everything() -> None:
    assert all(may(Actor("A1", Role.ADMIN), name) and may(SYSTEM, name) for name in PERMISSIONS)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_others_may_what_the_table_gives_their_role(role: Role) -> None:
    who = Actor("P1", role, "U01")
    for name, roles in PERMISSIONS.items():
        if role in roles:
            require(who, name)
        else:
            with pytest.raises(Refused) as refused:
                require(who, name, verb="score")
            assert (refused.value.code, refused.value.facts) == ("forbidden", {"verb": "score"})


def test_an_auditor_changes_nothing() -> None:
    given = {name for name, roles in PERMISSIONS.items() if Role.AUDITOR in roles}
    assert all(name.endswith((".read", ".listen", ".in_menu", ".send")) for name in given)


def test_whoever_may_bring_files_of_some_kind_may_bring_files() -> None:
    kinds = [roles for name, roles in PERMISSIONS.items() if name.startswith("import.")]
    assert frozenset().union(*kinds) == PERMISSIONS["files.import"]


def test_every_permission_is_asked_for_by_somebody() -> None:
    said = {
        node.value
        for code in sources()
        if code.name != "backend/domain/permissions.py"
        for node, _ in code.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {name for name in PERMISSIONS if not name.startswith("import.")} <= said


def test_a_name_that_is_not_in_the_table_is_a_mistake_in_the_code() -> None:
    with pytest.raises(KeyError):
        may(Actor("D1", Role.DISPATCHER), "everything")


def test_a_units_people_see_their_own_unit_and_nobody_of_a_unit_is_without_one_XS7() -> None:
    office, member = Actor("D1", Role.DISPATCHER, "M01"), Actor("H1", Role.HANDLER, "U01")
    assert [who.only_unit for who in (office, member)] == [None, "U01"]
    assert office.may_see("U02") and office.may_see(None) and member.may_see("U01")
    assert not any((member.may_see("U02"), member.may_see(None)))
    for unit in (None, ""):
        with pytest.raises(Refused) as refused:
            Actor("H0", Role.HANDLER, unit)
        assert refused.value.code == "unit_missing"
