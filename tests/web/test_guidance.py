"""What a person at the console relies on: the next step first, plain words for codes, and no surprise sign-outs."""

from datetime import timedelta

import pytest

from backend.delivery.kinds import KINDS
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.office.settings import create_key
from backend.web.console.sessions import _check_next_path
from tests.web.test_console import Visitor
from tests.web.world import House


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_kind_of_message_has_a_name_people_can_read(language: str) -> None:
    words = Texts(language)
    assert all(words.has(f"word.message_kind.{kind}") for kind in KINDS)


async def test_signing_in_leads_back_to_the_page_that_was_asked_for(house: House) -> None:
    async with house.client.get(
        "/tickets?state=signed", allow_redirects=False, headers={"Accept": "text/html"}
    ) as answer:
        assert answer.headers["Location"] == "/sign-in?next=%2Ftickets%3Fstate%3Dsigned"


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil", "/a\r\nb", "", "x" * 9])
def test_signing_in_never_leads_to_another_site(path: str) -> None:
    assert _check_next_path(path) == ""


async def test_moving_the_rehearsals_clock_does_not_sign_anybody_out_FA4(house: House) -> None:
    visitor = Visitor(house)
    await visitor.sign_in(house.keys["A1"])
    house.at += timedelta(hours=20)
    await house.rooms.keys.move_sessions(timedelta(hours=20))
    assert "/sign-out" in await visitor.page("/")


async def test_the_next_step_stands_first_and_cancelling_last(house: House) -> None:
    await house.ticket()
    visitor = Visitor(house)
    await visitor.sign_in(house.keys["A1"])
    page = await visitor.page("/tickets/T1")
    verbs = [piece.split('"')[0] for piece in page.split("/acts/")[1:]]
    assert verbs[0] == "dispatch" and verbs[-1] == "cancel"


async def test_the_timeline_uses_words_not_codes(house: House) -> None:
    await house.signed()
    visitor = Visitor(house)
    await visitor.sign_in(house.keys["A1"])
    page = await visitor.page("/tickets/T1")
    assert "built-in method" not in page and ">M1　" not in page


@pytest.mark.parametrize("role", ["handler", "liaison"])
async def test_a_key_for_a_units_role_needs_its_unit(house: House, role: str) -> None:
    rooms = house.rooms
    with pytest.raises(Refused) as no:
        await create_key(rooms.office, rooms.keys, rooms.audit, "k", "A1", role=role)
    assert (no.value.code, no.value.facts["field"]) == ("missing", "unit")
