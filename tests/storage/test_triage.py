"""Features of tickets, the dispatch catalogue and governance projects in the database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from backend.domain.similarity import TicketFeatures, build_index_keys
from backend.ports.triage import FeatureSource, GovernanceProject, NewCatalogueEntry
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.triage.catalogue import SqlCatalogueStore
from storage.triage.features import MAX_PER_KEY, SqlFeatureStore
from storage.triage.governance_projects import SqlGovernanceStore
from tests.time_and_chance import CHANCE

NOW = datetime(2026, 11, 9, 9, tzinfo=UTC)


def build_source(number: int, caller: str | None = None) -> FeatureSource:
    return FeatureSource(number, f"K{number}", "", "", "", "", "help", caller, NOW + timedelta(seconds=number))


async def add_ticket(db: Database, number: int) -> None:
    row = {"id": number, "ticket_no": f"K{number}", "version": 1, "journal_head": "", "state": "pending_dispatch", "category": "help",
           "grade": "general", "channel": "web", "region": "", "generated_at": 0, "flags": "", "title": f"题{number}",
           "place": "", "text": "", "created_at": 0, "extra": "{}"}  # fmt: skip
    await db.execute(t.tickets.insert().values(**row))


async def test_candidates_share_keys_with_a_ticket_most_shared_first_and_are_never_the_ticket_itself(
    database: Database,
) -> None:
    store = SqlFeatureStore(database, Encryption("a secret of the tests", CHANCE))
    features = {
        1: TicketFeatures({"翠竹花园": 28.0, "路灯": 20.0}, ("路灯",), frozenset({"county:东城区"}), frozenset({"翠竹花园"})),
        2: TicketFeatures({"翠竹花园": 28.0, "供热": 20.0}), 3: TicketFeatures({"公交": 20.0}),
        4: TicketFeatures({"翠竹花园": 28.0, "路灯": 20.0}),
    }  # fmt: skip
    for number in features:
        await add_ticket(database, number)
    await store.store_features([(build_source(n, "same" if n < 3 else None), found) for n, found in features.items()])
    found = await store.find_candidates(build_index_keys(features[1]), 1, 10)
    assert [similar.ticket_no for similar in found] == ["K4", "K2"]
    candidates = {c.ticket_no: c for c in await store.find_candidates(build_index_keys(features[2]), 2, 10)}
    assert candidates.keys() == {"K1", "K4"}
    assert candidates["K1"].features == features[1] and candidates["K1"].caller == "same"
    assert [similar.ticket_no for similar in await store.find_by_requester("same", 2, 10)] == ["K1"]
    assert [similar.ticket_no for similar in await store.find_between(NOW, NOW + timedelta(seconds=3), 10)] == [
        "K2",
        "K1",
    ]


async def test_features_computed_again_leave_none_of_their_old_keys(database: Database) -> None:
    store = SqlFeatureStore(database, Encryption("a secret of the tests", CHANCE))
    await add_ticket(database, 1)
    await store.store_features([(build_source(1), TicketFeatures({"路灯": 20.0, "不亮": 18.0, "维修": 16.0}))])
    await store.store_features([(build_source(1), TicketFeatures({"供热": 20.0}))])
    count = select(func.count()).select_from(t.feature_index)
    assert await database.read(lambda c: c.execute(count).scalar_one()) == 1 and await store.count() == 1
    await store.delete_all()
    assert await database.read(lambda c: c.execute(count).scalar_one()) == 0 and await store.count() == 0


async def test_of_a_common_key_only_the_newest_tickets_are_candidates(database: Database) -> None:
    store = SqlFeatureStore(database, Encryption("a secret of the tests", CHANCE))
    common = TicketFeatures({"咨询电话": 20.0})
    await store.store_features([(build_source(n), common) for n in range(1, MAX_PER_KEY + 51)])
    for number in (1, MAX_PER_KEY + 50):
        await add_ticket(database, number)
    found = await store.find_candidates(build_index_keys(common), 0, MAX_PER_KEY * 2)
    assert [candidate.ticket_id for candidate in found] == [MAX_PER_KEY + 50]


async def test_an_entry_of_the_catalogue_is_kept_once_until_it_is_removed(database: Database) -> None:
    store = SqlCatalogueStore(database, IdSupply(database), ZoneInfo("Asia/Shanghai"))
    entry = NewCatalogueEntry("U1", "help", ("路灯", "照明"), "云岭市", "依据", date(2026, 1, 1), None, "mark")
    first, again = await store.add_entries([entry, entry], "A1", NOW)
    assert again is None and list(await store.add_entries([entry], "A1", NOW)) == [None]
    (row,) = await store.list_entries()
    assert row.id == first
    assert (row.keywords, row.valid_from, row.valid_to) == (("路灯", "照明"), date(2026, 1, 1), None)
    assert await store.remove_entry(row.id, "A1", NOW) and not await store.remove_entry(row.id, "A1", NOW)
    assert list(await store.list_entries()) == []
    assert None not in await store.add_entries([entry], "A1", NOW)


async def test_a_project_changes_only_from_the_state_in_which_it_was_seen(database: Database) -> None:
    store = SqlGovernanceStore(database)
    project = GovernanceProject(7, "M01", "2026-11", "路灯", "", "", ("K1",), "draft", True, "clock", NOW)
    await store.add_project(project)
    assert await store.get_project(7) == project
    assert await store.update_project(7, "draft", {"state": "open", "tickets": ("K1", "K2")})
    assert not await store.update_project(7, "draft", {"state": "open"})
    (found,) = await store.list_projects("2026-11", "M01")
    assert (found.state, found.tickets) == ("open", ("K1", "K2"))
    assert list(await store.list_projects("2026-12", None)) == []
