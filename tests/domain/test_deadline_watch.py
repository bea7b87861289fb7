"""The deadline watch: who is reminded, by which channel, and from when the message may be sent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.deadlines.watch import DeadlineWatch
from backend.domain.acts import Act, Snapshot
from backend.domain.records import Duty, Message
from backend.domain.ticket_enums import Grade, Obligation
from backend.office.cache import OfficeCache, OfficeSnapshot
from backend.ports.tickets import TicketRef
from backend.tickets.service import ActResult, TicketService
from tests.domain.move_world import ZONE, Flow
from tests.time_and_chance import build_clock


class DutiesInMemory:
    """Due duties in memory, and what became of them."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        self.duties = list(duties)
        self.messages: list[Message] = []
        self.next_at: datetime | None = None

    async def list_due(self, now: datetime, limit: int) -> Sequence[Duty]:
        return [d for d in self.duties if d.check_at is not None and d.check_at <= now]

    async def record_check(
        self, duty: Duty, step: int, next_at: datetime | None, messages: Sequence[Message] = ()
    ) -> bool:
        self.messages += messages
        self.next_at = next_at
        self.duties = [replace(d, reminder_step=step, check_at=next_at) if d.id == duty.id else d for d in self.duties]
        return True

    async def list_to_archive(self, finalized_before: datetime, limit: int) -> Sequence[int]:
        return []


class RecordingTickets(TicketService):
    """Records the acts of the clock instead of performing them."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.moves = self
        self.acts: list[tuple[str, datetime | None]] = []
        self.ids = iter(range(1, 1000))  # type: ignore[assignment]

    async def load(self, ref: TicketRef) -> Snapshot:
        return self.flow.snap

    async def ensure_ids(self) -> None:
        pass

    def new_id(self) -> int:
        return next(self.ids)

    async def act(self, act: Act) -> ActResult:
        self.acts.append((act.verb, act.at))
        return ActResult(1, None)


class OfficeInMemory(OfficeCache):
    """The office of a Flow, at its time."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.clock = build_clock(lambda: flow.at)

    async def snapshot(self, *, fresh: bool = False) -> OfficeSnapshot:
        return self.flow.snapshot


class Watched:
    """A DeadlineWatch over some duties of a flow; by default its open ones of a kind."""

    def __init__(self, flow: Flow, kind: Obligation, duties: Sequence[Duty] | None = None) -> None:
        open_ones = [d for d in flow.snap.duties if d.kind is kind and d.met_at is None]
        self.store = DutiesInMemory(open_ones if duties is None else duties)
        self.tickets = RecordingTickets(flow)
        self.watch = DeadlineWatch(self.store, self.tickets, OfficeInMemory(flow))  # type: ignore[arg-type]

    async def run_once(self) -> list[tuple[str, str, datetime]]:
        """Check what is due; return (kind, person, earliest send) of all messages so far."""
        await self.watch.run_once()
        return [(m.kind, m.person, m.not_before) for m in self.store.messages]


def at(text: str) -> datetime:
    """Return an instant of November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=ZONE)


async def test_the_dispatcher_is_warned_at_night_because_the_institution_works_round_the_clock_Q25() -> None:
    flow = Flow()
    flow.at = at("10T18:00:00")
    due = flow.at + timedelta(hours=12)
    check_at = flow.snapshot.first_check(Obligation.DISPATCH, Grade.GENERAL, flow.at, due, "M01")
    duty = Duty(1, 1, None, "M01", Obligation.DISPATCH, Grade.GENERAL, flow.at, due, check_at)
    flow.at = at("11T00:00:02")
    assert await Watched(flow, Obligation.DISPATCH, [duty]).run_once() == [("dispatch_reminder", "D1", flow.at)]


def dispatched_monday() -> Flow:
    """Return a ticket dispatched on a Monday morning; signing is due on Tuesday at 17:00."""
    flow = Flow()
    flow.at = at("09T09:00:00")
    return flow.act("dispatcher", "dispatch", unit="U01")


async def test_a_reminder_due_at_the_closing_instant_is_sent_at_once() -> None:
    flow = dispatched_monday()
    watched = Watched(flow, Obligation.SIGN)
    flow.at = at("10T15:00:02")  # two office hours before it is due
    assert set(await watched.run_once()) == {
        (kind, person, flow.at)
        for kind, person in (("sign_reminder", "H1"), ("sign_reminder", "H2"), ("call_to_sign", "H2"))
    }


async def test_a_reminder_late_after_an_outage_is_sent_the_next_morning() -> None:
    flow = dispatched_monday()
    watched = Watched(flow, Obligation.SIGN)
    watched.store.duties = [replace(d, due_at=at("11T17:00:00")) for d in watched.store.duties]
    flow.at = at("10T20:00:00")
    assert {earliest for _, _, earliest in await watched.run_once()} == {at("11T08:30:00")}


async def test_an_urgent_reminder_in_quiet_hours_goes_at_once_and_to_the_first_contact_only() -> None:
    flow = Flow(grade=Grade.URGENT)
    flow.at = at("10T22:00:00")
    flow.act("dispatcher", "dispatch", unit="U01")
    watched = Watched(flow, Obligation.SIGN)
    flow.at = at("10T23:00:01")
    assert await watched.run_once() == [("sign_reminder", "H1", flow.at)]


@pytest.mark.parametrize(("red_at", "verbs"), [("due", ["red_card"]), ("2h", [])])
async def test_the_red_card_comes_when_the_setting_says_Q33(red_at: str, verbs: list[str]) -> None:
    flow = Flow(card__red_at=red_at).act("dispatcher", "dispatch", unit="U01").act("handler", "sign")
    watched = Watched(flow, Obligation.CLOSE)
    due = flow.lead.close_due_at
    watched.store.duties = [replace(d, reminder_step=9, check_at=due) for d in watched.store.duties]
    flow.at = due
    await watched.run_once()
    assert [verb for verb, _ in watched.tickets.acts] == verbs
    if not verbs:
        assert watched.store.next_at == due + timedelta(hours=2)
        flow.at = due + timedelta(hours=2)
        await watched.run_once()
        assert watched.tickets.acts == [("red_card", flow.at)]
