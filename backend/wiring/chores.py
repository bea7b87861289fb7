"""Background jobs: process role, name, coroutine."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from backend.deadlines.supervision import AutoSupervision
from backend.deadlines.watch import DeadlineWatch
from backend.integrity.journal import JournalSealer
from backend.office.cache import Clock
from backend.rounds import Round
from backend.scoring import Scoring
from backend.shelves import Shelves
from backend.wiring.house import House
from storage.deadlines.supervision import SqlSupervisionStore
from storage.integrity.journal import SqlJournalStore


def engage(house: House, stores: Shelves, roles: Collection[str]) -> None:
    """Add the workers of these roles."""
    for role, name, work in _chores(house, stores):
        if role in roles:
            house.rounds.add(Round(name, work))


def _chores(house: House, s: Shelves) -> list[tuple[str, str, Any]]:
    rooms, door, calls = house.rooms, house.door, house.calls
    texting, informing = (v.texting, v.requester_news) if (v := rooms.visiting) else (None, None)
    sealer = JournalSealer(SqlJournalStore(s.db, s.ids), s.vault.journal, s.clock)
    # fmt: off
    rows: list[tuple[str, str, Any, bool]] = [
        ("bot",    "chat",       door and door.run_once,                            door is not None),
        ("clock",  "clockwork",  DeadlineWatch(house.due, s.desk, s.office).run_once,   True),
        ("clock",  "orders",     AutoSupervision(SqlSupervisionStore(s.db), s.desk, s.office, s.catalogue).run_once, True),
        ("clock",  "visits",     rooms.visits and rooms.visits.run_once,            rooms.visits is not None),
        ("clock",  "auditor",    rooms.auditor and rooms.auditor.run_once,          rooms.auditor is not None),
        ("clock",  "sweep",      door and daily(door.delete_done, s.clock),            door is not None),
        ("clock",  "recordings", calls and daily(calls.drop_recordings, s.clock), calls is not None),
        ("clock",  "sealer",     sealer.run_once,                                   True),
        ("clock",  "governance", rooms.governance and daily(rooms.governance.draft_projects, s.clock), rooms.governance is not None),
        ("clock",  "drafts",     isinstance(rooms.marks, Scoring) and daily(rooms.marks.ledger_drafts.run_once, s.clock),
         isinstance(rooms.marks, Scoring)),
        ("worker", "courier",    rooms.courier and rooms.courier.run_once, rooms.courier is not None),
        ("worker", "platform",   rooms.platform and rooms.platform.run_once,        rooms.platform is not None),
        ("worker", "likeness",   s.likeness.run_once,                               True),
        ("worker", "informing",  informing and informing.run_once,                  informing is not None),
        ("worker", "texts",      texting and texting.run_once,                      texting is not None),
        ("worker", "short_texts", rooms.short_texts and rooms.short_texts.run_once, rooms.short_texts is not None),
        ("worker", "calls",      calls and calls.run_once,                          calls is not None),
    ]
    # fmt: on
    return [(role, name, work) for role, name, work, there in rows if there]


def daily(work: Callable[[], Awaitable[int]], clock: Clock) -> Callable[[], Awaitable[int]]:
    """Wrap `work` so that it runs at most once in 24 hours of `clock`, however often it is called."""
    last: list[datetime] = []

    async def round_() -> int:
        now = clock.now()
        if last and now - last[0] < timedelta(days=1):
            return 0
        last[:] = [now]
        await work()
        return 0

    return round_
