"""Text requesters their news: a reply was given (S4), a limit was extended (S5, A24, T14)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.domain.acts import Snapshot
from backend.domain.move_table import ANSWERED, WITH_UNIT
from backend.domain.ticket_enums import State
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from backend.office.phone_numbers import mask_number, to_callable_number
from backend.ports.calls import CallStore
from backend.ports.visits import RequesterNewsStore, RequesterText, RequesterTextStore

#: verb → kind of text, the setting that allows it, and the argument without which the act is no news to the requester.
NEWS_TEXTS = {
    "reply": ("sms_replied", "caller_text.reply", "text"),
    "close": ("sms_replied", "caller_text.reply", "text"),  # with a text it replies and closes in one act
    "decide_extension": ("sms_extended", "caller_text.extension", "accept"),
}
#: kind of text → the states of the lead unit in which it is still true
TRUE_IN = {"sms_replied": ANSWERED, "sms_extended": WITH_UNIT - {State.REPLIED, State.REWORK}}
LOOKBACK = timedelta(hours=12)  # how far a new process looks back
COMMIT_LAG = timedelta(minutes=5)  # journal entries this old may still be committed
BATCH_SIZE = 200


def is_still_news(text: RequesterText, snap: Snapshot | None, later: Sequence[RequesterText]) -> bool:
    """Whether what a text says is still true, and not said by a `later` one of its kind; asked when it is sent."""
    if text.kind not in TRUE_IN:
        return True
    lead = snap.lead if snap else None
    if lead is None or lead.ended_at is not None or any(t.kind == text.kind and t.round > text.round for t in later):
        return False
    return lead.state in TRUE_IN[text.kind]


class RequesterNews:
    """Queues texts about replies and extensions; texting sends them."""

    def __init__(
        self, news: RequesterNewsStore, texts: RequesterTextStore, numbers: CallStore, office: OfficeCache
    ) -> None:
        self._news, self._texts, self._numbers, self._office = news, texts, numbers, office
        self._seen_until: datetime | None = None

    @property
    def clock(self) -> Clock:
        """The office's clock."""
        return self._office.clock

    async def run_once(self) -> int:
        """Queue texts for the acts since the last run; return how many."""
        snapshot = await self._office.snapshot()
        now = self.clock.now()
        kinds = {verb: kind for verb, (kind, key, _) in NEWS_TEXTS.items() if snapshot.settings.flag(key)}
        if self._seen_until is not None and now < self._seen_until - COMMIT_LAG:  # the clock was set back (FS3)
            self._seen_until = None
        after = now - LOOKBACK if self._seen_until is None else self._seen_until - COMMIT_LAG
        opened = 0
        found = await self._news.list_unsent(after, kinds, BATCH_SIZE)
        for one in found:
            if not one.arguments.get(NEWS_TEXTS[one.verb][2]):
                continue
            number = to_callable_number(await self._numbers.get_requester_phone(one.ticket_id), snapshot)
            if number is None:
                continue
            kind, masked_number = kinds[one.verb], mask_number(number, snapshot)
            opened += await self._texts.enqueue(one.ticket_id, kind, one.version, number, masked_number, False, now)
        if len(found) < BATCH_SIZE:
            self._seen_until = now
        return opened
