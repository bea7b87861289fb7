"""Files sent in a chat are judged and scanned like any other; the sender is told, and may send them again (XS13)."""

import pytest

from sandbox.telegram.users import ONE_PIXEL_JPEG, SMALL_PDF
from tests.bot.world import World
from tests.domain.file_structure.samples import archive


@pytest.mark.parametrize(
    ("content", "scanner", "words"),
    [
        (SMALL_PDF + archive(), {}, "夹带着其他内容"),
        (SMALL_PDF, {"found": "Eicar"}, "未通过病毒查杀（Eicar）"),
        (SMALL_PDF, {"away": "silent"}, "病毒查杀暂时不可用"),
    ],
)
async def test_the_sender_is_told_and_a_later_file_is_taken_XS13(
    world: World, content: bytes, scanner: dict[str, str], words: str
) -> None:
    user, card = await world.sign_by_button()
    for name, value in scanner.items():
        setattr(world.scanner, name, value)
    await user.send_document("说明.pdf", content, reply_to=card)
    await user.expect(words)
    world.scanner.found, world.scanner.away = None, ""
    await user.send_photo(ONE_PIXEL_JPEG + archive(), reply_to=card)
    await user.expect("夹带着其他内容")
    await user.send_document("说明.pdf", SMALL_PDF, reply_to=card)
    await user.expect("已收到材料 1 份")
    await world.settle()
    assert len((await world.load()).ticket.files) == 1
    assert {state for state, _ in await world.list_inbox()} == {"done"}
