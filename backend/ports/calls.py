"""Where calls wait, are rung, and are remembered."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from backend.ports.call_books import CallBooks
from backend.ports.call_rows import (
    OWNER,
    Call,
    Dial,
    Ending,
    NewCall,
    News,
    PhoneLetter,
    Step,
    Subject,
    Talk,
    WantedVisit,
)

__all__ = [
    "OWNER",
    "Call",
    "CallStore",
    "Dial",
    "Ending",
    "NewCall",
    "News",
    "PhoneLetter",
    "Step",
    "Subject",
    "Talk",
    "WantedVisit",
]


class CallStore(CallBooks, Protocol):
    """The shelf of whoever rings."""

    # -- planning

    async def letters(self, now: datetime, limit: int) -> Sequence[PhoneLetter]:
        """Letters by telephone that are due, urgent first; takes none."""
        ...

    async def open(self, new: NewCall) -> int | None:
        """Keep a call; None when its letter is in other hands, or that visit is planned already."""
        ...

    async def wanted(self, limit: int) -> Sequence[WantedVisit]:
        """Tickets to be visited by machine for whose round no call was planned."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Call]:
        """Calls to be rung now, urgent first."""
        ...

    async def overdue(self, now: datetime, limit: int) -> Sequence[Talk]:
        """Attempts under way from which nothing was heard for too long."""
        ...

    async def postpone(self, call_id: int, next_at: datetime) -> bool:
        """A waiting call waits longer."""
        ...

    async def drop(self, call_id: int, at: datetime, outcome: str | None = None) -> bool:
        """A waiting call is no longer wanted; False when it waits no more."""
        ...

    # -- ringing

    async def engaged(self, call_id: int, number: str) -> bool:
        """Whether that telephone is being rung about something else; asked before a turn of the pace is spent on it."""
        ...

    async def begin(self, call_id: int, number: str, masked: str, now: datetime, look_at: datetime) -> int | None:
        """An attempt, durable before the carrier is asked (FW14): its id.

        None when somebody was quicker, or when that telephone is being rung about something else.
        """
        ...

    async def placed(self, dial_id: int, provider_id: str, look_at: datetime) -> bool:
        """The carrier took the call; False when its callbacks were quicker (FW16) or the id is another's."""
        ...

    async def doubtful(self, dial_id: int, error: str) -> None:
        """Nobody knows whether it rang."""
        ...

    async def look_again(self, dial_id: int, at: datetime) -> None:
        """Look after this attempt later."""
        ...

    async def known(self, provider_ids: Collection[str]) -> frozenset[str]:
        """Those of the carrier's ids that already belong to an attempt."""
        ...

    async def end(self, ending: Ending) -> bool:
        """Judge an attempt, once."""
        ...

    # -- talking

    async def talk(self, dial_id: int) -> Talk | None:
        """An attempt with its call and what it is about."""
        ...

    async def take_step(self, step: Step) -> bool:
        """Keep a step; False when another answer to it was kept already."""
        ...

    async def news(self, dial_id: int, news: News) -> bool:
        """What the carrier says; False for old news. Duration and cost are summed on the call."""
        ...

    async def unpaid(self, since: datetime, until: datetime, limit: int) -> Sequence[Talk]:
        """Attempts of that time which were spoken in, and whose price the carrier has not told."""
        ...

    async def pay(self, dial_id: int, cost: str) -> None:
        """The price of an attempt, "amount currency"; the call's sum grows with it."""
        ...

    async def record(self, dial_id: int, url: str) -> None:
        """Where the recording lies."""
        ...

    async def forget_recordings(self, before: datetime) -> int:
        """Let go of recordings of attempts asked for before that instant; how many."""
        ...

    async def inbound(self, new: NewCall, provider_id: str) -> int:
        """An incoming call, already under way: the attempt's id; the same for the same carrier's id (FW7)."""
        ...

    # -- asking

    async def number_of(self, call_id: int) -> str | None:
        """The number last rung for a call, opened."""
        ...

    async def ticket_phone(self, ticket_id: int) -> str | None:
        """The requester's number, opened."""
        ...

    async def asked_since(self, at: datetime) -> int:
        """How many attempts were made since then."""
        ...

    async def visited(self, number: str, since: datetime, besides: int) -> Sequence[datetime]:
        """When that number was first rung for other visits since then, newest first."""
        ...

    async def refuse_visits(self, phone_index: str, at: datetime, call_id: int | None) -> None:
        """Never ring that number for a visit again (FW33)."""
        ...

    async def visits_refused(self, number: str) -> bool:
        """Whether its owner asked not to be rung."""
        ...

    async def missed(self, person: str) -> Call | None:
        """The newest call that told this person of a ticket which still waits for its signature."""
        ...

    async def pending_visit(self, number: str) -> Call | None:
        """The newest visit by machine to this number whose ticket still waits for an answer."""
        ...

    # -- what travels through the carrier

    def carry(self, dial_id: int, text: str) -> str:
        """Text sealed for a URL; only `carried` with the same dial opens it."""
        ...

    def carried(self, dial_id: int, sealed: str) -> str:
        """The text again; ValueError when it was sealed elsewhere."""
        ...
