"""Alarms by telephone: a short script that any process of ours can answer without a database."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from backend.domain.texts import Texts
from backend.operations.alarm_table import ALARMS
from notify.carrier import CallUrls, Menu, VoiceCarrier
from notify.channel import DeliveryError
from notify.message import Prompt

log = structlog.get_logger("alarms")
TEXT = "phone.alarm"  # also names the template of a carrier that asks nothing live
RING_SECONDS = 45


def build_alarm_prompt(texts: Texts, hotline_name: str, cause: str) -> Prompt:
    """Return what is said about a cause, twice; of an unknown one that something is amiss."""
    language = "zh-CN" if texts.language.startswith("zh") else "en-US"
    said = texts.render(TEXT, hotline_name=hotline_name, title=_find_title(texts, cause))
    return Prompt(say=(said, said), pause=1, language=language)


def _find_title(texts: Texts, cause: str) -> str:
    return texts.render(f"alarm.title.{cause if cause in ALARMS else 'other'}")


class AlarmCalls:
    """Rings administrators one after another. `carriers`: the usual one first, then those that may still work."""

    def __init__(
        self, carriers: Sequence[VoiceCarrier], hooks_url: Callable[[VoiceCarrier], str],
        texts: Texts, hotline_name: str,
    ) -> None:  # fmt: skip
        self._carriers = carriers
        self._hooks_url = hooks_url
        self._texts = texts
        self._hotline_name = hotline_name

    async def ring(self, cause: str, phones: Sequence[str]) -> int:
        """Ring these numbers about a cause; return how many calls a carrier took. Doubt goes to the next carrier."""
        taken = 0
        for phone in phones:
            for carrier in self._carriers:
                if await self._place(carrier, phone, cause):
                    taken += 1
                    break
        return taken

    async def _place(self, carrier: VoiceCarrier, phone: str, cause: str) -> bool:
        hooks = self._hooks_url(carrier)
        urls = CallUrls(f"{hooks}/alarm/{cause}", f"{hooks}/alarm-status", f"{hooks}/fallback")
        menu = None
        if not carrier.can.live:
            facts = {"hotline_name": self._hotline_name, "title": _find_title(self._texts, cause)}
            menu = Menu(TEXT, facts, {}, {}, "")
        try:
            await carrier.place(phone, caller=carrier.number, urls=urls, ring_seconds=RING_SECONDS, menu=menu)
        except DeliveryError as error:
            log.warning("alarm_not_rung", carrier=carrier.name, kind=error.kind, code=error.code)
            return False
        await asyncio.sleep(max((b.interval for b in carrier.buckets(carrier.number)), default=0.0))
        return True
