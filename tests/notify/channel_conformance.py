"""What every channel promises, whatever network is behind it; a driver's rig supplies the network.

A new driver `notify/chat/<name>.py` is run through these tests as soon as it is found; it needs a rig in
`tests/notify/test_channels.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from notify.channel import Channel, DeliveryError, EditResult
from notify.message import Button, Card, Document, Picture
from notify.plain_text import utf16_len

CARD = Card("【新工单】0001", ((Button("签收", "s:1"), Button("查看详情", "v:1")), (Button("申请退单", "r:1"),)))


@dataclass
class Rig:
    """A channel connected to a fake network, and what a test may do with that network."""

    channel: Channel
    address: str
    group: str
    #: the texts of all messages as the network got them, and the labels of the last one's buttons
    list_texts: Callable[[], list[str]]
    list_labels: Callable[[], list[list[str]]]
    #: make the next request fail: "gone", "refused_address", "busy" (429, 3 s), "broken" (certainly not
    #: accepted), "cut_after" (accepted, then cut), "unchanged"
    fail: Callable[[str], None]
    put_file: Callable[[str, bytes], None]
    #: build a channel like this whose server does not exist
    build_unreachable: Callable[[], Channel]


class ChannelConformance:
    """Inherited by the tests of each driver, with a fixture `rig`."""

    async def test_a_card_arrives_with_its_text_and_buttons(self, rig: Rig) -> None:
        receipt = await rig.channel.send(rig.address, CARD)
        assert rig.list_texts() == [CARD.text]
        assert rig.list_labels() == [["签收", "查看详情"], ["申请退单"]]
        assert receipt.provider_id
        assert receipt.chat_id == rig.address
        assert receipt.at is None or receipt.at.tzinfo is not None

    async def test_a_repeated_copy_says_so_FT24(self, rig: Rig) -> None:
        await rig.channel.send(rig.address, CARD, again="(重发)")
        assert rig.list_texts() == ["(重发)" + CARD.text]

    @pytest.mark.parametrize(
        "hostile",
        [
            "<b>急</b> & _*[]()~`",
            "\u0627\u0644\u0639",
            "👩‍👩‍👧 零\u200b宽",
            "https://example.com/x",
            "𠮷野家",
        ],
    )
    async def test_hostile_text_is_shown_literally_FT27(self, rig: Rig, hostile: str) -> None:
        await rig.channel.send(rig.address, Card(hostile))
        assert rig.list_texts() == [hostile]

    async def test_characters_that_no_network_takes_are_left_out_FT27(self, rig: Rig) -> None:
        await rig.channel.send(rig.address, Card("甲\x00乙\ud800丙\u202e丁\r\n戊"))
        assert rig.list_texts() == ["甲乙丙丁\n戊"]

    async def test_a_text_too_long_is_cut_with_an_ellipsis_FT26(self, rig: Rig) -> None:
        for text in ("字" * 10_000, "😀" * 10_000):
            await rig.channel.send(rig.address, Card(text))
            sent = rig.list_texts()[-1]
            assert sent.endswith("…")
            assert rig.channel.can.max_text - 2 < utf16_len(sent) <= rig.channel.can.max_text

    async def test_a_card_without_visible_text_still_arrives(self, rig: Rig) -> None:
        await rig.channel.send(rig.address, Card("\u200b \n"))
        assert rig.list_texts()[-1].strip()

    async def test_a_card_with_a_file_keeps_its_text(self, rig: Rig) -> None:
        if not rig.channel.can.files:
            pytest.skip("sends no files")
        await rig.channel.send(rig.address, Card("月报", attachment=Document("通报.docx", b"PK")))
        await rig.channel.send(rig.address, Card("图" * 2000, attachment=Picture("a/b.png", b"\x89PNG")))
        assert rig.list_texts()[0] == "月报"
        assert utf16_len(rig.list_texts()[1]) == min(2000, rig.channel.can.max_caption)

    async def test_an_edit_is_done_or_the_message_is_gone_FT22(self, rig: Rig) -> None:
        if rig.channel.can.edits.by == "none":
            pytest.skip("edits nothing")
        receipt = await rig.channel.send(rig.address, CARD)
        assert await rig.channel.edit(rig.address, receipt.provider_id, Card("已签收")) is EditResult.DONE
        rig.fail("unchanged")
        assert await rig.channel.edit(rig.address, receipt.provider_id, Card("已签收")) is EditResult.DONE
        rig.fail("gone")
        assert await rig.channel.edit(rig.address, receipt.provider_id, Card("已签收")) is EditResult.GONE

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("refused_address", "dead_address"),
            ("busy", "throttled"),
            ("broken", "transient"),
            ("cut_after", "ambiguous"),
        ],
    )
    async def test_a_failure_says_what_kind_it_is(self, rig: Rig, fault: str, kind: str) -> None:
        rig.fail(fault)
        with pytest.raises(DeliveryError) as caught:
            await rig.channel.send(rig.address, CARD)
        assert caught.value.kind == kind
        assert caught.value.retry_after == (3.0 if fault == "busy" else None)

    async def test_an_edit_is_never_ambiguous(self, rig: Rig) -> None:
        if rig.channel.can.edits.by == "none":
            pytest.skip("edits nothing")
        rig.fail("cut_after")
        with pytest.raises(DeliveryError) as caught:
            await rig.channel.edit(rig.address, "101", CARD)
        assert caught.value.kind == "transient"

    async def test_a_server_that_is_not_there_is_safe_to_try_again(self, rig: Rig) -> None:
        channel = rig.build_unreachable()
        with pytest.raises(DeliveryError) as caught:
            await channel.send(rig.address, CARD)
        assert caught.value.kind == "transient"
        await channel.close()

    async def test_a_file_within_the_limit_is_fetched_and_a_larger_one_refused_FT28(self, rig: Rig) -> None:
        if not rig.channel.can.files:
            pytest.skip("receives no files")
        rig.put_file("F1", b"x" * 1000)
        assert await rig.channel.fetch("F1", 1000) == b"x" * 1000
        with pytest.raises(DeliveryError) as caught:
            await rig.channel.fetch("F1", 999)
        assert (caught.value.kind, caught.value.code) == ("permanent", "too_large")

    async def test_a_group_has_stricter_rate_limits_than_a_person_FT19(self, rig: Rig) -> None:
        person, group = rig.channel.buckets(rig.address), rig.channel.buckets(rig.group)
        assert person
        assert len({bucket.key for bucket in (*person, *group)}) > len(person)
        if rig.channel.can.sends_to_group:
            assert len(group) > len(person)
