"""In which order a person's chats are used."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.chat_order import as_met_on, list_next, order_chats, with_order
from backend.domain.records import ChatAddress, Person
from backend.domain.ticket_enums import Role

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
#: bound one after another: the newest is wecom
CHATS = tuple(
    ChatAddress(network, f"u-{network}", f"a-{network}", "code", MONDAY + timedelta(days=day))
    for day, network in enumerate(("telegram", "feishu", "wecom"))
)
PERSON = Person("H1", "李明", "U01", Role.HANDLER, chats=CHATS)


@pytest.mark.parametrize(
    ("own", "preferred", "expected"),
    [
        (None, (), "wecom feishu telegram"),
        (None, ("feishu",), "feishu wecom telegram"),
        (None, ("telegram", "feishu"), "telegram feishu wecom"),
        (None, ("dingtalk", "telegram"), "telegram wecom feishu"),
        ("telegram", (), "telegram wecom feishu"),
        ("telegram", ("feishu",), "telegram feishu wecom"),
        ("feishu", ("feishu", "telegram"), "feishu telegram wecom"),
        ("dingtalk", ("feishu",), "feishu wecom telegram"),  # chosen, but not bound there any more
    ],
)
def test_a_persons_own_choice_comes_before_the_offices_and_then_the_newest(
    own: str | None, preferred: tuple[str, ...], expected: str
) -> None:
    assert [c.network for c in order_chats(CHATS, own, preferred)] == expected.split()
    person = with_order(replace(PERSON, preferred_chat=own), preferred)
    assert f"{person.chat} {person.address}" == "{0} a-{0}".format(*expected.split())


def test_whoever_speaks_on_a_network_is_answered_there() -> None:
    met = as_met_on(PERSON, "feishu")
    assert [c.network for c in met.chats] == ["feishu", "telegram", "wecom"]
    assert as_met_on(PERSON, "dingtalk").chats == PERSON.chats


def test_the_next_network_is_one_not_tried() -> None:
    assert [c.network for c in list_next(PERSON, ("telegram",))] == ["feishu", "wecom"]
    assert list_next(PERSON, ("telegram", "feishu", "wecom")) == ()
    assert (replace(PERSON, chats=()).chat, replace(PERSON, chats=()).address) == (None, None)
