"""No route of the running application answers under a name that is not its own; webhooks ask for their signature instead."""

import itertools
import re

import pytest

from backend.app.build import build_web_app
from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
FOREIGN = ("evil.example", "127.0.0.1.evil.example:80")
#: Beginnings of paths that do not look at the Host: webhooks go by their secrets, stylesheets are everybody's.
ANSWERED = {"/hooks/": (400, 401, 403, 404), "/static": (200, 403, 404)}


def list_routes(office: Office) -> list[tuple[str, str]]:
    """Method and path of every route, with a number or a word for each part that varies."""
    found = []
    for route in build_web_app(office.application).router.routes():
        assert route.resource is not None
        canonical, pattern = route.resource.canonical, route.resource.get_info().get("pattern")
        varying = re.findall(r"\{[^}]*\}", canonical)
        for filled in itertools.product(("1", "word"), repeat=len(varying)):
            path = canonical
            for part, value in zip(varying, filled, strict=True):
                path = path.replace(part, value)
            if pattern is None or pattern.fullmatch(path):
                break
        found.append(("GET" if route.method == "*" else route.method, path))
    return found


@SQLITE
async def test_a_foreign_host_gets_nothing_on_any_route_FR9_XS6_FW2(office: Office) -> None:
    """300 routes, twice: 1.5 s."""
    routes = list_routes(office)
    parts = {path.split("/")[1] for _, path in routes}
    assert {"", "api", "hooks", "sandbox", "healthz", "readyz", "metrics", "static", "events", "sign-in"} <= parts
    assert len(routes) > 200
    wrong = []
    for method, path in routes:
        for host in FOREIGN:
            headers = {"Host": host}
            async with office.http.request(method, office.url + path, headers=headers, allow_redirects=False) as answer:
                allowed = next((codes for start, codes in ANSWERED.items() if path.startswith(start)), (421,))
                if answer.status not in allowed:
                    wrong.append((method, path, host, answer.status))
    assert wrong == []


@SQLITE
async def test_its_own_name_is_answered_on_every_route_FR9(office: Office) -> None:
    for method, path in list_routes(office):
        if method == "GET" and not path.startswith(("/hooks/", "/sandbox")):
            async with office.http.get(office.url + path, allow_redirects=False) as answer:
                assert answer.status != 421, path
