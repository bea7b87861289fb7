"""Ask the carrier what each call cost, once, some minutes after it ended."""

import asyncio
from datetime import datetime, timedelta

from backend.calls.tools import Tools
from notify.channel import DeliveryError

AT_ONCE = 20
EVERY = 60.0  # seconds between runs
RIPE, STALE = timedelta(minutes=10), timedelta(days=1)  # a price is asked for between these ages


class Bills:
    """Fills in prices. Remembers what it asked for in this process only: asking again does no harm."""

    def __init__(self, tools: Tools) -> None:
        self._t = tools
        self._looked = -EVERY
        self._asked: dict[int, datetime] = {}

    async def round(self, now: datetime) -> int:
        """Ask for the prices of calls some minutes old; return how many the carrier gave."""
        clock = asyncio.get_running_loop().time()
        if clock - self._looked < EVERY:
            return 0
        self._looked = clock
        self._asked = {attempt: at for attempt, at in self._asked.items() if at > now - STALE}
        told = 0
        for talk in await self._t.store.list_unpriced(now - STALE, now - RIPE, AT_ONCE + len(self._asked)):
            attempt = talk.attempt
            if attempt.id in self._asked:
                continue
            self._asked[attempt.id] = attempt.asked_at
            number = await self._t.store.get_number(talk.call.id)
            try:
                found = await self._t.line.find(
                    to=number or "",
                    since=attempt.asked_at - timedelta(minutes=1),
                    provider_id=attempt.provider_id or "",
                )
            except DeliveryError:
                return told
            cost = next((f.cost for f in found if f.provider_id == attempt.provider_id and f.cost), None)
            if cost is not None:
                await self._t.store.record_cost(attempt.id, cost)
                told += 1
        return told
