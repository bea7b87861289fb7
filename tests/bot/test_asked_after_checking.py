"""What would be refused whatever is said is refused before anything is asked (XM21)."""

import pytest

from backend.domain.acts import Actor
from backend.domain.button_data import ButtonData, encode
from backend.domain.ticket_enums import Role
from tests.bot.world import World

R1 = Actor("R1", Role.REVIEWER, "M01")


@pytest.mark.parametrize("verb", ["disagree", "agree"])
async def test_who_proposed_a_flag_is_not_asked_why_they_refuse_it_XM21(world: World, verb: str) -> None:
    reviewer = await world.bind("R1")
    await world.dispatch_ticket()
    await world.act("flag", R1, mass_incident=True, reason="涉及多户")
    card = reviewer.get_last_message()
    request = (await world.load_request()).id
    press = await reviewer.press_data(card, encode(ButtonData(verb, request)))
    assert press.toast and "不能是同一人" in press.toast
    assert not any("写明" in one.text for one in reviewer.messages)


async def test_an_objection_without_a_red_card_or_made_already_is_refused_before_its_reason_is_asked_XM21(
    world: World,
) -> None:
    user, card = await world.sign_by_button()
    press = await user.press_data(card, await world.encode_press("object"))
    assert press.toast and "红牌" in press.toast
    assert not any("写明" in one.text for one in user.messages)
