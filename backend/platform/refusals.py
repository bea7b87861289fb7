"""Tells administrators of moves the platform has refused: each ticket and reason once, many in one message (A7, XM29)."""

import json
from datetime import datetime, timedelta

from backend.ports.ids import KeyValueStore
from backend.ports.operations import TellAlarm, tell_nobody
from backend.ports.platform import PlatformStore, WritebackState

TOLD_KEY = "platform_refusals_told"
LOOK_EVERY, TELL_EVERY = timedelta(minutes=1), timedelta(minutes=10)
MAX_LOOKED_AT = 200  # refused moves looked at together, newest first
MAX_NAMED = 3  # tickets a message names; it counts the others
MAX_REASON = 120  # characters


class RefusalNews:
    """Looks for refused moves each minute; what is told is kept, so that no process and no restart tells it again."""

    def __init__(self, store: PlatformStore, values: KeyValueStore, tell_alarm: TellAlarm = tell_nobody) -> None:
        self._store, self._values, self._tell_alarm = store, values, tell_alarm
        self._looked: datetime | None = None

    async def run_once(self, now: datetime) -> int:
        """Tell what is new; return how many refusals that were."""
        if self._looked is not None and self._looked <= now < self._looked + LOOK_EVERY:
            return 0
        self._looked = now
        page = await self._store.list_writebacks(state=WritebackState.REFUSED, limit=MAX_LOOKED_AT)
        before = json.loads(await self._values.get(TOLD_KEY) or "{}")
        told = {(no, why) for no, why in before.get("told", ())}
        standing = {(one.ticket_no, one.error or "") for one in page.items}
        fresh = [one for one in page.items if (one.ticket_no, one.error or "") not in told]
        if not fresh:
            if told - standing:  # settled since: the same again is news
                await self._keep(before.get("at"), told & standing)
            return 0
        at = datetime.fromisoformat(before["at"]) if before.get("at") else None
        if at is not None and at <= now < at + TELL_EVERY:
            return 0
        await self._keep(now.isoformat(), standing)
        numbers = list(dict.fromkeys(one.ticket_no for one in fresh))
        self._tell_alarm(
            "platform_refused", subject=str(fresh[0].id), count=len(fresh), tickets="、".join(numbers[:MAX_NAMED]),
            more=len(numbers) - MAX_NAMED if len(numbers) > MAX_NAMED else "",
            why=(fresh[0].error or "")[:MAX_REASON],
        )  # fmt: skip
        return len(fresh)

    async def _keep(self, at: str | None, told: set[tuple[str, str]]) -> None:
        await self._values.put(TOLD_KEY, json.dumps({"at": at, "told": sorted(told)}, ensure_ascii=False))
