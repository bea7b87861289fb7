"""What every channel promises, whatever network is behind it; a driver's rig supplies the network.

A new driver `notify/chat/<name>.py` is run through these as soon as it is found; it needs a rig in
`test_notify_channels.py`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from notify.channel import Channel, DeliveryError, EditResult
from notify.message import Button, Card, Document, Picture
from notify.plain_text import utf16_len

CARD = Card("【新工单】0001", ((Button("签收", "s:1"), Button("查看详情", "v:1")), (Button("申请退单", "r:1"),)))


@dataclass
class Rig:
    """A channel wired to a fake network, and the levers of that network."""

    channel: Channel
    base_url: str
    group: str
    #: texts as the other side got them, and the labels of their keys
    texts: Callable[[], list[str]]
    labels: Callable[[], list[list[str]]]
    #: make the next request fail: "gone", "refused_address", "busy" (429, 3 s), "broken" (certainly not
    #: accepted), "cut_after" (accepted, then silence), "unchanged"
    fail: Callable[[str], None]
    put_file: Callable[[str, bytes], None]
    #: a channel like this whose server does not exist
    lost: Callable[[], Awaitable[Channel]]


class ChannelConformance:
    async def test_a_card_arrives_with_its_words_and_keys(self, rig: Rig) -> None:
        receipt = await rig.channel.send(rig.base_url, CARD)
        assert rig.texts() == [CARD.text]
        assert rig.labels() == [["签收", "查看详情"], ["申请退单"]]
        assert receipt.provider_id
        assert receipt.chat_id == rig.base_url
        assert receipt.at is None or receipt.at.tzinfo is not None

    async def test_ft24_a_repeated_copy_says_so(self, rig: Rig) -> None:
        await rig.channel.send(rig.base_url, CARD, again="(重发)")
        assert rig.texts() == ["(重发)" + CARD.text]

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
    async def test_ft27_hostile_text_is_shown_literally(self, rig: Rig, hostile: str) -> None:
        await rig.channel.send(rig.base_url, Card(hostile))
        assert rig.texts() == [hostile]

    async def test_ft27_what_no_network_takes_is_left_out(self, rig: Rig) -> None:
        await rig.channel.send(rig.base_url, Card("甲\x00乙\ud800丙\u202e丁\r\n戊"))
        assert rig.texts() == ["甲乙丙丁\n戊"]

    async def test_ft26_a_text_too_long_is_cut_with_an_ellipsis(self, rig: Rig) -> None:
        for text in ("字" * 10_000, "😀" * 10_000):
            await rig.channel.send(rig.base_url, Card(text))
            sent = rig.texts()[-1]
            assert sent.endswith("…")
            assert rig.channel.can.max_text - 2 < utf16_len(sent) <= rig.channel.can.max_text

    async def test_a_card_of_nothing_visible_still_arrives(self, rig: Rig) -> None:
        await rig.channel.send(rig.base_url, Card("\u200b \n"))
        assert rig.texts()[-1].strip()

    async def test_a_card_with_a_file_keeps_its_words(self, rig: Rig) -> None:
        if not rig.channel.can.files:
            pytest.skip("sends no files")
        await rig.channel.send(rig.base_url, Card("月报", attachment=Document("通报.docx", b"PK")))
        await rig.channel.send(rig.base_url, Card("图" * 2000, attachment=Picture("a/b.png", b"\x89PNG")))
        assert rig.texts()[0] == "月报"
        assert utf16_len(rig.texts()[1]) == rig.channel.can.max_caption

    async def test_an_edit_is_done_or_the_message_is_gone_ft22(self, rig: Rig) -> None:
        if not rig.channel.can.edit:
            pytest.skip("edits nothing")
        receipt = await rig.channel.send(rig.base_url, CARD)
        assert await rig.channel.edit(rig.base_url, receipt.provider_id, Card("已签收")) is EditResult.DONE
        rig.fail("unchanged")
        assert await rig.channel.edit(rig.base_url, receipt.provider_id, Card("已签收")) is EditResult.DONE
        rig.fail("gone")
        assert await rig.channel.edit(rig.base_url, receipt.provider_id, Card("已签收")) is EditResult.GONE

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
            await rig.channel.send(rig.base_url, CARD)
        assert caught.value.kind == kind
        assert caught.value.retry_after == (3.0 if fault == "busy" else None)

    async def test_an_edit_leaves_no_doubt(self, rig: Rig) -> None:
        if not rig.channel.can.edit:
            pytest.skip("edits nothing")
        rig.fail("cut_after")
        with pytest.raises(DeliveryError) as caught:
            await rig.channel.edit(rig.base_url, "101", CARD)
        assert caught.value.kind == "transient"

    async def test_a_server_that_is_not_there_is_safe_to_try_again(self, rig: Rig) -> None:
        channel = await rig.lost()
        with pytest.raises(DeliveryError) as caught:
            await channel.send(rig.base_url, CARD)
        assert caught.value.kind == "transient"
        await channel.close()

    async def test_a_file_within_the_limit_is_fetched_and_a_larger_one_refused_ft28(self, rig: Rig) -> None:
        if not rig.channel.can.files:
            pytest.skip("receives no files")
        rig.put_file("F1", b"x" * 1000)
        assert await rig.channel.fetch("F1", 1000) == b"x" * 1000
        with pytest.raises(DeliveryError) as caught:
            await rig.channel.fetch("F1", 999)
        assert (caught.value.kind, caught.value.code) == ("permanent", "too_large")

    async def test_a_group_is_paced_more_strictly_than_a_person_ft19(self, rig: Rig) -> None:
        person, group = rig.channel.buckets(rig.base_url), rig.channel.buckets(rig.group)
        assert person
        assert len({bucket.key for bucket in (*person, *group)}) > len(person)
        if rig.channel.can.sends_to_group:
            assert len(group) > len(person)
