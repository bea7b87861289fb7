"""API keys: listed with their last use, revoked, ended, rotated; the secret is shown once."""

from datetime import timedelta

from tests.web.world import World


async def make(world: World, **fields: object) -> str:
    """A key for a service, made by the administrator."""
    status, answer = await world.request("A1", "POST", "/keys", {"name": "board", "role": "auditor", **fields})
    assert status == 201
    return str(answer["key"])


async def list_keys(world: World, name: str = "board") -> list[dict[str, object]]:
    """The keys of a name as they are listed, the newest first."""
    status, answer = await world.request("A1", "GET", "/keys")
    assert status == 200
    return [one for one in answer["items"] if one["name"] == name]


async def test_a_key_is_listed_with_its_last_use_and_revoked_at_the_next_request(world: World) -> None:
    secret = await make(world)
    [listed] = await list_keys(world)
    assert listed["made_by"] == "A1" and listed["used_at"] is None and listed["living"] and secret not in str(listed)
    assert (await world.request(secret, "GET", "/tickets"))[0] == 200
    first = (await list_keys(world))[0]["used_at"]
    assert first is not None
    world.at += timedelta(seconds=30)
    await world.request(secret, "GET", "/tickets")
    assert (await list_keys(world))[0]["used_at"] == first, "once a minute at most"
    world.at += timedelta(seconds=31)
    await world.request(secret, "GET", "/tickets")
    assert (await list_keys(world))[0]["used_at"] != first
    assert await world.request("A1", "DELETE", f"/keys/{listed['id']}") == (200, {"name": "board"})
    assert (await world.request(secret, "GET", "/tickets"))[0] == 401
    status, answer = await world.request("A1", "DELETE", f"/keys/{listed['id']}")
    assert (status, answer["error"]["code"]) == (404, "unknown_key")
    [ended] = await list_keys(world)
    assert (ended["living"], ended["revoked_by"]) == (False, "A1")


async def test_a_key_ends_by_itself_and_never_after_two_years(world: World) -> None:
    secret = await make(world, days=30)
    world.at += timedelta(days=29)
    assert (await world.request(secret, "GET", "/tickets"))[0] == 200
    world.at += timedelta(days=1)
    assert (await world.request(secret, "GET", "/tickets"))[0] == 401
    for days in (0, 731, "30", None):
        body = {"name": "x", "role": "auditor", "days": days}
        assert (await world.request("A1", "POST", "/keys", body))[0] == 422, days


async def test_a_rotated_key_opens_beside_the_new_one_for_a_while(world: World) -> None:
    old = await make(world)
    [listed] = await list_keys(world)
    status, answer = await world.request("A1", "POST", f"/keys/{listed['id']}/rotate", {"overlap_hours": 2})
    assert status == 201 and answer["key"] != old
    assert [(await world.request(key, "GET", "/tickets"))[0] for key in (old, answer["key"])] == [200, 200]
    world.at += timedelta(hours=2, seconds=1)
    assert [(await world.request(key, "GET", "/tickets"))[0] for key in (old, answer["key"])] == [401, 200]
    assert (await world.request("A1", "POST", f"/keys/{listed['id']}/rotate", {}))[0] == 404, "it has ended"


async def test_what_is_no_number_is_no_key(world: World) -> None:
    for path in ("x", "1.5", "-1", "9" * 19, "Þ%12"):
        assert (await world.request("A1", "DELETE", f"/keys/{path}"))[0] == 404, path
        assert (await world.request("A1", "POST", f"/keys/{path}/rotate", {}))[0] == 404, path


async def test_only_an_administrator_sees_and_ends_keys(world: World) -> None:
    await make(world)
    [listed] = await list_keys(world)
    for who in ("D1", "O1", "H1", "L1", "S1"):
        assert (await world.request(who, "GET", "/keys"))[0] == 403
        assert (await world.request(who, "DELETE", f"/keys/{listed['id']}"))[0] == 403
        assert (await world.request(who, "POST", f"/keys/{listed['id']}/rotate", {}))[0] == 403
