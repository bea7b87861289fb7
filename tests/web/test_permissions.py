"""Who may do what (contract §5): every verb by every role, in the move table and over the API."""

import pytest

from backend.domain.move_table import SYSTEM_ONLY, TRANSITIONS, is_allowed
from backend.domain.permissions import PERMISSIONS
from backend.domain.ticket_enums import Role
from backend.web.api.routes import ROUTES
from backend.web.console.menu import MENU
from tests.web.world import PEOPLE, World

#: What the contract says, written here a second time on purpose.
WHO: dict[Role, str] = {
    Role.HANDLER: "sign return contact extend reply close report_progress claim_unreasonable appeal",
    Role.LIAISON: "sign return contact extend reply close report_progress claim_unreasonable appeal",
    Role.DISPATCHER: "accept answer dispatch assist reassign regrade merge cancel",
    Role.REVIEWER: "accept decide_return decide_extension decide_unreasonable decide_flag send_back rework review finalize",
    Role.SUPERVISOR: "supervise accept_progress decide_close",
    Role.REVISIT_AGENT: "visit",
    Role.SCORE_CLERK: "", Role.LEADER: "", Role.AUDITOR: "",
}  # fmt: skip
#: Verbs the contract does not give to a role: additions of ours, by the row they come from.
OURS: dict[str, set[Role]] = {
    "flag": {Role.HANDLER, Role.LIAISON, Role.DISPATCHER, Role.REVIEWER},  # Q32: the unit proposes
    "amend": {Role.HANDLER, Role.LIAISON},  # FT29
    "attach": {Role.HANDLER, Role.LIAISON},  # XM6
    "hand_on": {Role.HANDLER, Role.LIAISON},  # XM2
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


def test_the_contract_names_no_verb_that_the_move_table_lacks() -> None:
    assert set(" ".join(WHO.values()).split()) | set(OURS) <= set(VERBS)


def test_routes_and_pages_ask_for_permissions_of_the_table() -> None:
    asked = {route.permission for route in ROUTES} | {page.permission for _, pages in MENU for page in pages}
    assert asked - {None} <= set(PERMISSIONS)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_over_the_api_every_verb_is_refused_to_those_without_the_right_FR3(world: World) -> None:
    await world.sign_ticket()
    before = (await world.load())["version"]
    for code, unit, role in PEOPLE:
        for verb in VERBS:
            if unit == "U01" and allowed(role, verb):
                continue
            if unit not in ("U01", "U02") and allowed(role, verb):
                continue
            status, answer = await world.act(code, "T1", verb)
            wanted = (404, "not_found") if unit == "U02" else (403, "forbidden")
            assert (status, answer["error"]["code"]) == wanted, (code, verb, answer)
    assert (await world.load())["version"] == before


async def test_the_key_of_a_unit_role_without_a_unit_opens_nothing_XS7(sqlite_world: World) -> None:
    await sqlite_world.sign_ticket()
    await sqlite_world.act("H1", "T1", "contact", reached=True, way="phone")
    key = await sqlite_world.services.keys.create_key("lost", sqlite_world.at, role="handler")
    sqlite_world.keys["lost"] = key
    _, file = await sqlite_world.upload("A1")
    _, office = await sqlite_world.request("A1", "GET", "/indicators")
    assert office["units"]
    for path in ("/indicators", "/tickets", "/tickets/T1", f"/files/{file['id']}", "/people", "/settings"):
        status, answer = await sqlite_world.request("lost", "GET", path)
        assert (status, answer["error"]["code"]) == (422, "unit_missing"), path
    for role in ("handler", "liaison", "leader"):
        status, answer = await sqlite_world.request("A1", "POST", "/keys", {"name": "k", "role": role})
        assert (status, answer["error"]["code"]) == (422, "unit_missing"), role
