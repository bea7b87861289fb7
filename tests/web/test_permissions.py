"""Contract §5 "who may", generated: every verb by every role of both units, and the second-person rules."""

import pytest

from backend.domain.move_table import SYSTEM_ONLY, TRANSITIONS, is_allowed
from backend.domain.permissions import PERMISSIONS
from backend.domain.ticket import Role
from backend.web.api.routes import ROUTES
from backend.web.console.menu import MENU
from tests.web.world import PEOPLE, House

#: The contract's own sentences, written here a second time on purpose.
WHO: dict[Role, str] = {
    Role.HANDLER: "sign return contact extend reply close report_progress claim_unreasonable appeal",
    Role.LIAISON: "sign return contact extend reply close report_progress claim_unreasonable appeal",
    Role.DISPATCHER: "accept answer dispatch assist reassign regrade merge cancel",
    Role.REVIEWER: "accept decide_return decide_extension decide_unreasonable decide_flag send_back rework review finalize",
    Role.SUPERVISOR: "supervise accept_progress decide_close",
    Role.REVISIT_AGENT: "visit",
    Role.SCORE_CLERK: "", Role.LEADER: "", Role.AUDITOR: "",
}  # fmt: skip
#: Verbs the contract does not place: our own additions, by the row of the table that brought them.
OURS: dict[str, set[Role]] = {
    "flag": {Role.HANDLER, Role.LIAISON, Role.DISPATCHER, Role.REVIEWER},  # Q32: the unit proposes
    "amend": {Role.HANDLER, Role.LIAISON},  # FT29
    "object": {Role.HANDLER, Role.LIAISON},  # M8
    "decide_objection": {Role.REVIEWER},
}
VERBS = [row.verb for row in TRANSITIONS]


def allowed(role: Role, verb: str) -> bool:
    """What the contract says."""
    if role is Role.ADMIN:
        return verb not in {row.verb for row in TRANSITIONS if row.roles == SYSTEM_ONLY}
    return verb in WHO[role].split() or role in OURS.get(verb, set())


@pytest.mark.parametrize("role", list(Role))
def test_the_move_table_gives_each_role_the_verbs_of_the_contract_and_no_others(role: Role) -> None:
    assert {v for v in VERBS if is_allowed(role, v)} == {v for v in VERBS if allowed(role, v)}


def test_the_contract_names_no_verb_that_the_table_lacks() -> None:
    assert set(" ".join(WHO.values()).split()) | set(OURS) <= set(VERBS)


def test_routes_and_pages_ask_for_permissions_of_the_table() -> None:
    asked = {route.permission for route in ROUTES} | {page.permission for _, pages in MENU for page in pages}
    assert asked - {None} <= set(PERMISSIONS)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_over_the_api_every_verb_is_refused_to_those_without_the_right_FR3(house: House) -> None:
    await house.signed()
    before = (await house.ask("A1", "GET", "/tickets/T1"))[1]["version"]
    for code, unit, role in PEOPLE:
        for verb in VERBS:
            if unit == "U01" and allowed(role, verb):
                continue
            if unit not in ("U01", "U02") and allowed(role, verb):
                continue
            status, answer = await house.act(code, "T1", verb)
            wanted = (404, "not_found") if unit == "U02" else (403, "forbidden")
            assert (status, answer["error"]["code"]) == wanted, (code, verb, answer)
    assert (await house.ask("A1", "GET", "/tickets/T1"))[1]["version"] == before


async def test_the_key_of_a_unit_role_without_a_unit_sees_nobodys_figures(small_house: House) -> None:
    await small_house.signed()
    await small_house.act("H1", "T1", "contact", reached=True, way="phone")
    key = await small_house.rooms.keys.create_key("lost", small_house.at, role="handler")
    small_house.keys["lost"] = key
    _, office = await small_house.ask("A1", "GET", "/indicators")
    status, lost = await small_house.ask("lost", "GET", "/indicators")
    assert office["units"] and (status, lost["units"]) == (200, [])
