"""The menu: every page has its place, the longest path wins, and nobody is led to a page they may not see."""

import pytest
from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.ticket_enums import Role
from backend.web.console.menu import MENU, ConsoleMenu, build_menu
from tests.web.browser import Browser
from tests.web.world import World

ADMIN = Actor("A1", Role.ADMIN, None)
ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("here", "group", "page"),
    [
        ("/tickets/YL0001", "/tickets", "/tickets"),
        ("/hot", "/tickets", "/hot"),
        ("/calls/costs", "/deliveries", "/calls/costs"),
        ("/visits/tasks/YL0001", "/visits", "/visits"),
        ("/visits/do-not-call", "/visits", "/visits/do-not-call"),
        ("/scores/unit", "/scores", "/scores"),
        ("/registers/contact", "/scores", "/registers/contact"),
        ("/registers/place", "/scores", "/registers/contact"),
        ("/runs/7", "/scores", "/runs"),
        ("/office/readiness", "/office", "/office/readiness"),
    ],
)
def test_a_page_is_marked_in_its_group(here: str, group: str, page: str) -> None:
    menu = build_menu(ADMIN, here)
    assert [link.path for link in menu.groups if link.here] == [group]
    assert [link.path for link in menu.pages if link.here] == [page]


def test_a_group_of_one_page_has_no_second_row() -> None:
    assert build_menu(Actor("C1", Role.SCORE_CLERK, "M01"), "/settings").pages == ()


def test_a_handlers_menu_names_no_page_of_the_institution_FA2() -> None:
    handler = Actor("H1", Role.HANDLER, "U01")
    seen = {
        link.path
        for group in build_menu(handler, "/").groups
        for link in (group, *build_menu(handler, group.path).pages)
    }
    assert {"/tickets", "/rosters", "/knowledge"} <= seen
    assert not {"/hot", "/catalogue", "/sync", "/calls/costs", "/office/readiness", "/bulletins", "/visits"} & seen


def test_nobody_sees_a_menu_without_signing_in() -> None:
    assert build_menu(None, "/") == ConsoleMenu()


@ONE_ENGINE
async def test_every_page_without_a_number_in_its_path_is_in_the_menu(world: World) -> None:
    app = world.client.app
    assert isinstance(app, web.Application)
    routes = {r.resource.canonical for r in app.router.routes() if r.method == "GET" and r.resource is not None}
    others = ("/api", "/hooks", "/static", "/mounted", "/sandbox")  # not pages of the console
    pages = {p for p in routes if "{" not in p and not p.startswith(others)}
    listed = {entry.path for _, entries in MENU for entry in entries}
    elsewhere = {
        "/sign-in",
        "/sign-in/factor",
        "/sign-in/enrol",
        "/events",
        "/healthz",
        "/readyz",
        "/metrics",
        "/scores/unit",
    }
    elsewhere |= {"/account", "/account/factor", "/account/link"}  # one's own account is behind one's name
    assert pages - elsewhere <= listed


@ONE_ENGINE
async def test_the_second_row_of_the_menu_is_on_the_page(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    assert '<a href="/rosters">' in await browser.page("/office")
