"""What stands on cards: every kind of letter has its words, every button something to say, and roles see their own."""

from dataclasses import replace

import pytest

from backend.delivery.buttons import VERB_OF_BUTTON
from backend.delivery.kinds import KINDS, REVIEWS
from backend.domain.button_data import decode
from backend.domain.texts import Texts
from backend.domain.ticket import Role
from tests.delivery.world import House


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_kind_has_its_words_and_every_button_says_something(language: str) -> None:
    catalogue = Texts(language)
    keys = [k.text for k in KINDS.values() if k.text] + [text for text, _ in REVIEWS.values()]
    assert all(catalogue.has(key) for key in keys)
    for key in keys:
        assert all(name in VERB_OF_BUTTON for name in catalogue.list_buttons(key)), key


async def test_a_leader_sees_the_card_without_the_buttons_of_a_handler(house: House) -> None:
    assignment = await house.dispatched()
    snapshot = await house.office.snapshot()
    handler = snapshot.by_code["H1"]
    leader = replace(handler, role=Role.LEADER)
    ours = await house.drawing.render_live_card(assignment, handler)
    theirs = await house.drawing.render_live_card(assignment, leader)
    assert [b.label for row in ours.buttons for b in row] == ["签收", "查看详情"]
    assert [b.label for row in theirs.buttons for b in row] == ["查看详情"]
    press = decode(ours.buttons[0][0].data)
    assert press is not None and (press.verb, press.subject, press.value) == ("sign", assignment, 1)


async def test_in_strict_privacy_nothing_of_the_demand_is_in_the_chat(house: House) -> None:
    from backend.ports.config import SettingVersion

    await house.config.add_version(SettingVersion("privacy.chat", None, "strict", house.at, "A1", house.at))
    house.office.invalidate()
    await house.dispatched()
    await house.courier.run_once()
    text = house.channel.sent[0].text
    assert "地点" not in text and "诉求：" not in text and "请于" in text
