"""What people at the console rely on: the next step first, plain words for codes, and no surprise sign-outs."""

from datetime import timedelta

import pytest

from backend.delivery.kinds import KINDS
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.web.console.sign_in import _check_next_path
from tests.web.browser import Browser, build_form
from tests.web.world import World

ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_kind_of_message_has_a_name_people_can_read(language: str) -> None:
    texts = Texts(language)
    assert [kind for kind in KINDS if not texts.has(f"word.message_kind.{kind}")] == []


@ONE_ENGINE
async def test_signing_in_leads_back_to_the_page_that_was_asked_for(world: World) -> None:
    page, html = "/tickets?state=signed", {"Accept": "text/html"}
    async with world.client.get(page, allow_redirects=False, headers=html) as answer:
        assert answer.headers["Location"] == "/sign-in?next=%2Ftickets%3Fstate%3Dsigned"
    form = build_form(word=await world.create_code(world.keys["A1"]), next=page)
    async with world.client.post("/sign-in", data=form, allow_redirects=False) as answer:
        assert answer.headers["Location"] == page


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil", "/a\r\nb", "", "x" * 9])
def test_signing_in_never_leads_to_another_site(path: str) -> None:
    assert _check_next_path(path) == ""


@ONE_ENGINE
async def test_moving_the_rehearsals_clock_does_not_sign_anybody_out_FA4(world: World, browser: Browser) -> None:
    await browser.sign_in(world.keys["A1"])
    world.at += timedelta(hours=20)
    await world.services.keys.move_sessions(timedelta(hours=20))
    assert "/sign-out" in await browser.page("/")


@ONE_ENGINE
async def test_the_next_step_stands_first_and_cancelling_last(world: World, browser: Browser) -> None:
    await world.create_ticket()
    await browser.sign_in(world.keys["A1"])
    page = await browser.page("/tickets/T1")
    verbs = [piece.split('"')[0] for piece in page.split("/acts/")[1:]]
    assert verbs[0] == "dispatch" and verbs[-1] == "cancel"


@ONE_ENGINE
async def test_the_timeline_uses_words_not_codes(world: World, browser: Browser) -> None:
    await world.sign_ticket()
    _, deliveries = await world.request("A1", "GET", "/deliveries?ticket=T1")
    kinds = {message["kind"] for message in deliveries["items"]}
    await browser.sign_in(world.keys["A1"])
    page = await browser.page("/tickets/T1")
    assert kinds and [kind for kind in kinds if Texts("zh_CN").get_word("message_kind", kind) not in page] == []
    assert [kind for kind in kinds if f">{kind}　" in page] == [] and "built-in method" not in page


@ONE_ENGINE
@pytest.mark.parametrize("role", ["handler", "liaison"])
async def test_a_key_for_a_units_role_needs_its_unit(world: World, role: str) -> None:
    services = world.services
    with pytest.raises(Refused) as refused:
        await services.api_keys.create("k", "A1", role=role)
    assert (refused.value.code, refused.value.facts["field"]) == ("unit_missing", "unit")
