"""Masks anew the stored texts of tickets whose mask is outdated: after a changed setting or rule, or an import."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.domain.masked_texts import build_masked_texts, get_mask_version
from backend.office.cache import OfficeCache
from backend.ports.tickets import MaskedTextStore, UnmaskedTexts

BATCH = 200  # tickets read, masked and written at once
PAUSE = timedelta(minutes=1)  # between two looks for what an import brought


class TextMasker:
    """Until it has been at a ticket, no search finds that ticket by its texts."""

    def __init__(self, store: MaskedTextStore, office: OfficeCache) -> None:
        self._store, self._office = store, office
        self._rest: tuple[str, datetime] | None = None  # the version of which nothing was outdated, and when

    async def run_once(self) -> int:
        """Mask one batch anew; return how many tickets it had. When there was nothing, it looks again after PAUSE."""
        phone_mask = (await self._office.snapshot()).settings.text("privacy.phone_mask")
        version, now = get_mask_version(phone_mask), self._office.clock.now()
        if self._rest and self._rest[0] == version and timedelta() <= now - self._rest[1] < PAUSE:
            return 0
        outdated = await self._store.list_outdated(version, BATCH)
        if outdated:
            await self._store.save(await asyncio.to_thread(_mask_all, outdated, phone_mask))
        self._rest = None if outdated else (version, now)
        return len(outdated)


def _mask_all(outdated: Sequence[UnmaskedTexts], phone_mask: str) -> dict[int, dict[str, str]]:
    return {o.ticket_id: build_masked_texts(o.texts, o.requester, phone_mask) for o in outdated}
