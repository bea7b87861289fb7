"""Answers to presses where the response to a press carries them: whoever handles it gives, whoever holds it open waits."""

import asyncio

from backend.ports.chat import InboxStore

READ_INTERVAL = 0.05  # seconds between two looks at the row, for an answer given in another process


class PressAnswers:
    """The answers of one inbox; each press is answered once, by whoever comes first."""

    def __init__(self, inbox: InboxStore) -> None:
        self._inbox = inbox
        self._waiting: dict[int, asyncio.Event] = {}  # by the number of the inbox row

    async def give(self, item_id: int, text: str) -> bool:
        """Answer a press; False if it was answered before, so that nobody would see this."""
        is_first = await self._inbox.answer(item_id, text)
        if (waiting := self._waiting.get(item_id)) is not None:
            waiting.set()
        return is_first

    async def wait(self, item_id: int, seconds: float, late: str) -> tuple[str, bool]:
        """Return the answer and True; after `seconds` the press is answered `late`, and that is returned with False."""
        given = self._waiting.setdefault(item_id, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                while (text := await self._inbox.find_answer(item_id)) is None:
                    given.clear()
                    try:
                        await asyncio.wait_for(given.wait(), READ_INTERVAL)
                    except TimeoutError:
                        continue
                return text, True
        except TimeoutError:
            if await self._inbox.answer(item_id, late):
                return late, False
            return await self._inbox.find_answer(item_id) or "", True
        finally:
            self._waiting.pop(item_id, None)
