"""What the office is warned of and offered by itself follows its settings: another value changes it."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from backend.deadlines.supervision import AutoSupervision
from backend.domain.similarity import TicketFeatures
from backend.domain.texts import Texts
from backend.domain.unit_readiness import Gap
from backend.office.cache import OfficeCache
from backend.office.duty_roster import DutyRoster
from backend.office.readiness import find_unready
from backend.platform.service import PlatformSync
from backend.ports.deadlines import WaitingAssignment
from backend.ports.ticket_queries import Page
from backend.ports.triage import FeaturedTicket, FeatureSource
from backend.triage.governance_projects import Governance
from backend.triage.segmenter import extract_ticket_features
from backend.triage.similarity import Similarity, TicketGroup
from notify.platform_client import DemandBatch
from tests.settings.world import NOW, ZONE, Fake, Ids, build_office

LAMP = "云岭市翠竹花园小区南门的路灯从上周起全部不亮，老人晚上摔倒，请尽快维修。"
LAMP_AGAIN = "翠竹花园小区南门一排路灯都坏了，晚上漆黑一片，什么时候来维修？"


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "value", "day", "warned"),
    [
        ("roster.round_the_clock", "false", 29, False),
        ("roster.check_before", "2d", 27, False),
        ("roster.check_before", "20d", 15, True),
    ],
)
async def test_the_next_months_roster_is_checked_when_the_office_says(
    key: str, value: str, day: int, warned: bool
) -> None:
    office, _ = build_office({key: value}, datetime(2026, 11, day, 9, tzinfo=ZONE))
    roster = DutyRoster(Fake(list_shifts=[]), office, Fake())  # type: ignore[arg-type]
    assert ("M01" in await roster.find_upcoming_gaps()) is warned


@pytest.mark.proves("registration.deadline")
async def test_a_unit_without_people_is_late_after_the_day_the_office_names() -> None:
    office, _ = build_office({"registration.deadline": "2026-11-09"})
    assert {one.unit.code: one.late for one in await find_unready(office)} == {"U02": True}


@pytest.mark.proves("registration.key_required")
async def test_an_office_may_require_keys_of_the_platform() -> None:
    office, _ = build_office({"registration.key_required": "true"})
    assert {one.unit.code: Gap.NO_KEY in one.gaps for one in await find_unready(office)} == {"U01": True, "U02": False}


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "value", "found_by", "hours", "supervised"),
    [
        ("supervise.auto.red_after", "1h", "list_red", 2, 1),
        ("supervise.auto.unsatisfied_after", "1h", "list_unsatisfied", 2, 1),
        ("supervise.auto.exposed_after", "never", "list_exposed", 200, 0),
    ],
)
async def test_what_waits_too_long_for_the_office_is_supervised(
    key: str, value: str, found_by: str, hours: int, supervised: int
) -> None:
    office, _ = build_office({key: value})
    waiting = [WaitingAssignment(7, 1, "U01", NOW - timedelta(hours=hours))]
    nothing = dict.fromkeys(("list_red", "list_unsatisfied", "list_exposed", "list_rechecks"), ())
    tickets = Fake(act=None)
    store = Fake(**nothing | {found_by: waiting})
    watch = AutoSupervision(store, tickets, office, Texts("zh_CN"))  # type: ignore[arg-type]
    assert await watch.run_once() == supervised
    assert [act.assignment_id for (act,) in tickets.list_asked("act")] == [7] * supervised


def build_featured(number: int, features: TicketFeatures) -> FeaturedTicket:
    """A ticket that waits to be dispatched."""
    return FeaturedTicket(
        number, f"K{number}", "pending_dispatch", "路灯", "help", "A市", "", None, False, (), 0, NOW, None, features
    )


@pytest.mark.proves("governance.draft_from")
async def test_a_project_is_drafted_from_as_many_similar_tickets_as_the_office_says() -> None:
    office, _ = build_office({"governance.draft_from": "2"})
    group = TicketGroup(tuple(build_featured(n, TicketFeatures({})) for n in (1, 2)), ("路灯",))
    store: Any = Fake(list_projects=[], add_project=None)
    similarity: Any = Fake(group_period=([group], []))
    assert await Governance(store, similarity, Fake(), office, Ids()).draft_projects() == 1  # type: ignore[arg-type]
    assert [project.tickets for (project,) in store.list_asked("add_project")] == [("K1", "K2")]


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "value", "proposed"), [("likeness.merge_from", "100", [False]), ("likeness.show_from", "100", [])]
)
async def test_similar_tickets_are_shown_and_proposed_for_merging_as_the_office_says(
    key: str, value: str, proposed: list[bool]
) -> None:
    async def find(settings: dict[str, str]) -> list[bool]:
        office, _ = build_office(settings)
        known = build_featured(1, extract_ticket_features("翠竹花园路灯不亮", LAMP, "", "A市"))
        similarity = Similarity(Fake(find_candidates=[known]), office, Fake())  # type: ignore[arg-type]
        demand = FeatureSource(2, "K2", "翠竹花园南门路灯坏了", LAMP_AGAIN, "", "A市", "help", None, NOW)
        return [similar.is_repeat for similar in await similarity.find_similar_to(demand)]

    assert await find({}) == [True]
    assert await find({key: value}) == proposed


def build_sync(office: OfficeCache, client: Any) -> PlatformSync:
    """The synchronisation with a platform that has nothing to say."""
    store: Any = Fake(find_external_since=None, claim=[], list_writebacks=Page(()))
    values: Any = Fake(get=None, put=None)
    return PlatformSync(store, office, Fake(), values, Fake(), client, (), "w1", timedelta(minutes=1))  # type: ignore[arg-type]


@pytest.mark.proves("system_of_record", "platform.fetch_every")
async def test_where_another_platform_holds_the_record_its_demands_are_fetched_as_often_as_the_office_says() -> None:
    office, hands = build_office({"system_of_record": "external", "platform.fetch_every": "1h"})
    fetched: list[datetime] = []

    async def fetch(*_: object) -> DemandBatch:
        fetched.append(hands.at)
        return DemandBatch((), None)

    sync = build_sync(office, SimpleNamespace(has_feed=True, fetch_demands=fetch))
    for minutes in (0, 30, 60):
        hands.at = NOW + timedelta(minutes=minutes)
        await sync.run_once()
    assert fetched == [NOW, NOW + timedelta(hours=1)]
