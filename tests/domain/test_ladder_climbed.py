"""The clock climbs the ladder: who is told, by which way, and at what hour the letter may leave."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.deadlines.watch import DeadlineWatch
from backend.domain.acts import Act, Snapshot
from backend.domain.records import Duty, Message
from backend.domain.ticket import Grade, Obligation
from backend.office.cache import Clock, OfficeCache
from backend.ports.moves import TicketRef
from backend.tickets.service import ActResult, TicketService
from tests.domain.flow_world import ZONE, Paper


class Shelf:
    """Due duties on paper, and what became of them."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self.duties = list(duties)
        self.messages: list[Message] = []
        self.next_at: datetime | None = None

    async def list_due(self, now: datetime, limit: int) -> Sequence[Duty]:
        return [d for d in self.duties if d.next_at is not None and d.next_at <= now]

    async def record_check(
        self, duty: Duty, step: int, next_at: datetime | None, messages: Sequence[Message] = ()
    ) -> bool:
        self.messages += messages
        self.next_at = next_at
        self.duties = [replace(d, step=step, next_at=next_at) if d.id == duty.id else d for d in self.duties]
        return True

    async def list_to_archive(self, finalized_before: datetime, limit: int) -> Sequence[int]:
        return []


class Desklet(TicketService):
    """A desk that remembers what the clock said to it."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.moves: Any = self
        self.said: list[tuple[str, datetime | None]] = []
        self.ids = iter(range(1, 1000))

    async def load(self, find: TicketRef) -> Snapshot:
        return self.paper.snap

    async def ensure_ids(self) -> None:
        pass

    def new_id(self) -> int:
        return next(self.ids)

    async def act(self, act: Act) -> ActResult:
        self.said.append((act.verb, act.at))
        return ActResult(1, None)


class House(OfficeCache):
    """An office whose standing is the paper's."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.clock = Clock(lambda: paper.at, ZONE)

    async def snapshot(self, *, fresh: bool = False) -> Any:
        return self.paper.snapshot


def climbing(paper: Paper, kind: Obligation) -> tuple[Shelf, DeadlineWatch, Desklet]:
    """A clock that looks at the ticket's open duties of a kind."""
    store = Shelf([d for d in paper.snap.duties if d.kind is kind and d.met_at is None])
    desk = Desklet(paper)
    return store, DeadlineWatch(store, desk, House(paper)), desk  # type: ignore[arg-type]


def at(text: str) -> datetime:
    """An instant of November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=ZONE)


async def test_the_dispatcher_is_warned_at_night_because_the_institution_is_staffed_round_the_clock_Q25() -> None:
    paper = Paper()
    paper.at = at("10T18:00:00")
    due = paper.at + timedelta(hours=12)
    look = paper.snapshot.first_check(Obligation.DISPATCH, Grade.GENERAL, paper.at, due, "M01")
    store = Shelf([Duty(1, 1, None, "M01", Obligation.DISPATCH, Grade.GENERAL, paper.at, due, look)])
    paper.at = at("11T00:00:02")
    await DeadlineWatch(store, Desklet(paper), House(paper)).run_once()  # type: ignore[arg-type]
    assert [(x.kind, x.person, x.not_before) for x in store.messages] == [("M26", "D1", paper.at)]


async def test_a_reminder_due_at_the_closing_instant_leaves_then_and_after_an_outage_in_the_morning() -> None:
    for delay, leaves in ((2, "10T15:00:02"), (5 * 3600, "11T08:30:00")):
        paper = Paper()
        paper.at = at("09T09:00:00")
        paper.act("dispatcher", "dispatch", unit="U01")
        store, clock, _ = climbing(paper, Obligation.SIGN)
        paper.at = at("10T15:00:00") + timedelta(seconds=delay)  # two office hours before it is due
        if delay > 7200:
            store.duties = [replace(d, due_at=at("11T17:00:00")) for d in store.duties]
        await clock.run_once()
        if delay < 7200:
            assert {(x.kind, x.person) for x in store.messages} == {("M3", "H1"), ("M3", "H2"), ("P1", "H2")}
        assert {x.not_before for x in store.messages} == {at(leaves)}


async def test_an_urgent_reminder_in_quiet_hours_goes_at_once_and_to_the_first_contact_only() -> None:
    paper = Paper(grade=Grade.URGENT)
    paper.at = at("10T22:00:00")
    paper.act("dispatcher", "dispatch", unit="U01")
    store, clock, _ = climbing(paper, Obligation.SIGN)
    paper.at = at("10T23:00:01")
    await clock.run_once()
    assert [(x.kind, x.person, x.not_before) for x in store.messages] == [("M3", "H1", paper.at)]


@pytest.mark.parametrize(("held_back", "verbs"), [("due", ["red_card"]), ("2h", [])])
async def test_the_red_card_comes_when_the_setting_says_Q33(held_back: str, verbs: list[str]) -> None:
    paper = Paper(card__red_at=held_back).act("dispatcher", "dispatch", unit="U01").act("handler", "sign")
    store, clock, desk = climbing(paper, Obligation.CLOSE)
    due = paper.lead.close_due_at
    store.duties = [replace(d, step=9, next_at=due) for d in store.duties]
    paper.at = due
    await clock.run_once()
    assert [verb for verb, _ in desk.said] == verbs
    if not verbs:
        assert store.next_at == due + timedelta(hours=2)
        paper.at = due + timedelta(hours=2)
        await clock.run_once()
        assert desk.said == [("red_card", paper.at)]
