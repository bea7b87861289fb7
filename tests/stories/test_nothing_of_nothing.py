"""An empty request makes nothing: each POST of the API is sent {} and what follows is looked at."""

from typing import Any

from backend.web.api.openapi import build_document
from tests.stories.office import Office

#: What needs no words of its own: it begins or settles what its path names, or what is due anyway.
NEEDS_NO_WORDS: set[str] = set()
#: Lists in which something made by {} would stand.
LISTS = ("/tickets", "/units", "/people", "/ledger")


def list_posts() -> list[str]:
    """The paths of the document that take a POST and name nothing that must exist before."""
    return sorted(
        path for path, methods in build_document("zh_CN")["paths"].items() if "post" in methods and "{" not in path
    )


async def count_all(office: Office) -> dict[str, int]:
    return {path: len((await office.request("GET", path, "admin")).body.get("items", [])) for path in LISTS}


async def test_a_post_of_nothing_creates_nothing(office: Office) -> None:
    before, made = await count_all(office), {}
    for path in list_posts():
        for who in ("admin", "clerk", "dispatcher"):
            answer = await office.request("POST", path, who, {})
            assert answer.status < 500, (path, answer.body)
            if answer.status < 400 and path not in NEEDS_NO_WORDS:
                made[path, who] = answer.body
    assert not made
    assert await count_all(office) == before


async def test_an_empty_demand_is_told_what_is_missing(office: Office) -> None:
    nothing: list[dict[str, Any]] = [{}, {"text": " \u3000"}, {"category": "help", "requester": {"name": "王某"}}]
    for body in nothing:
        answer = await office.request("POST", "/tickets", "dispatcher", body)
        assert (answer.status, answer.code) == (422, "missing"), answer.body
        assert "请补充：内容" in answer.body["error"]["message"]
    ring_back = await office.request("POST", "/tickets", "dispatcher", {"requester": {"phone": "13800002001"}})
    assert (ring_back.status, ring_back["state"]) == (201, "registered")
