"""What cards say: every kind of message has its text, every button its label, and each role its own buttons."""

from dataclasses import replace

import pytest

from backend.delivery.buttons import VERB_OF_BUTTON
from backend.delivery.kinds import KINDS, REVIEWS
from backend.domain.button_data import decode
from backend.domain.texts import Texts
from backend.domain.ticket_enums import Role
from tests.delivery.world import World


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_kind_of_message_has_a_text_whose_buttons_are_known(language: str) -> None:
    texts = Texts(language)
    keys = [k.text for k in KINDS.values() if k.text] + [text for text, _ in REVIEWS.values()]
    assert all(texts.has(key) for key in keys)
    for key in keys:
        buttons = texts.list_buttons(key)
        assert all(name in VERB_OF_BUTTON and texts.render(f"button.{name}") for name in buttons), key
    assert "sign" in texts.list_buttons(KINDS["sign_reminder"].text)


async def test_a_leader_sees_the_card_without_the_buttons_of_a_handler(world: World) -> None:
    assignment_id = await world.dispatch_ticket()
    snapshot = await world.office.snapshot()
    handler = snapshot.by_code["H1"]
    leader = replace(handler, role=Role.LEADER)
    handlers_card = await world.renderer.render_live_card(assignment_id, handler)
    leaders_card = await world.renderer.render_live_card(assignment_id, leader)
    assert [b.label for row in handlers_card.buttons for b in row] == ["签收", "查看详情"]
    assert [b.label for row in leaders_card.buttons for b in row] == ["查看详情"]
    press = decode(handlers_card.buttons[0][0].data)
    assert press is not None and (press.verb, press.subject, press.value) == ("sign", assignment_id, 1)


async def test_in_strict_privacy_nothing_of_the_demand_is_in_the_chat(world: World) -> None:
    await world.set_setting("privacy.chat", "strict")
    await world.dispatch_ticket()
    await world.worker.run_once()
    text = world.channel.sent[0].text
    assert "地点" not in text and "诉求：" not in text and "请于" in text
