"""The shelves of gists, of the dispatch catalogue and of governed matters, on both engines."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from backend.domain.similarity import TicketFeatures, build_index_keys
from backend.ports.dispatch_aid import Entry
from backend.ports.governance import Project
from backend.ports.likeness import Told
from storage import tables as t
from storage.db import Database
from storage.dispatch_aid import CatalogueShelf
from storage.governance import GovernanceShelf
from storage.ids import Ids
from storage.likeness import NEWEST, LikenessShelf
from storage.vault import Vault

NOW = datetime(2026, 11, 9, 9, tzinfo=UTC)


def told(number: int, caller: str | None = None) -> Told:
    return Told(number, f"K{number}", "", "", "", "", "help", caller, NOW + timedelta(seconds=number))


async def ticket(db: Database, number: int) -> None:
    row = {"id": number, "no": f"K{number}", "version": 1, "head": "", "state": "pending_dispatch", "category": "help",
           "grade": "general", "channel": "web", "region": "", "generated_at": 0, "flags": "", "title": f"题{number}",
           "place": "", "text": "", "created_at": 0, "extra": "{}"}  # fmt: skip
    await db.write(lambda c: c.execute(t.tickets.insert().values(**row)) and None)


async def test_candidates_share_keys_the_most_shared_first_and_never_the_ticket_itself(database: Database) -> None:
    store = LikenessShelf(database, Vault("a secret of the tests"))
    gists = {
        1: TicketFeatures({"翠竹花园": 28.0, "路灯": 20.0}, ("路灯",), frozenset({"county:东城区"}), frozenset({"翠竹花园"})),
        2: TicketFeatures({"翠竹花园": 28.0, "供热": 20.0}), 3: TicketFeatures({"公交": 20.0}),
    }  # fmt: skip
    for number in gists:
        await ticket(database, number)
    await store.keep([(told(n, "same" if n < 3 else None), g) for n, g in gists.items()])
    found = await store.candidates(build_index_keys(gists[1]), 1, 10)
    assert [k.no for k in found] == ["K2"]
    (whole,) = await store.candidates(build_index_keys(gists[2]), 2, 10)
    assert whole.about == gists[1] and whole.caller == "same"
    assert [k.no for k in await store.of_caller("same", 2, 10)] == ["K1"]
    assert [k.no for k in await store.between(NOW, NOW + timedelta(seconds=3), 10)] == ["K2", "K1"]


async def test_a_gist_made_again_leaves_none_of_its_old_keys(database: Database) -> None:
    store = LikenessShelf(database, Vault("a secret of the tests"))
    await ticket(database, 1)
    await store.keep([(told(1), TicketFeatures({"路灯": 20.0, "不亮": 18.0, "维修": 16.0}))])
    await store.keep([(told(1), TicketFeatures({"供热": 20.0}))])
    count = select(func.count()).select_from(t.like_keys)
    assert await database.read(lambda c: c.execute(count).scalar_one()) == 1 and await store.count() == 1
    await store.forget()
    assert await database.read(lambda c: c.execute(count).scalar_one()) == 0 and await store.count() == 0


async def test_of_a_common_key_only_the_newest_tickets_are_looked_at(database: Database) -> None:
    store = LikenessShelf(database, Vault("a secret of the tests"))
    common = TicketFeatures({"咨询电话": 20.0})
    await store.keep([(told(n), common) for n in range(1, NEWEST + 51)])
    for number in (1, NEWEST + 50):
        await ticket(database, number)
    found = await store.candidates(build_index_keys(common), 0, NEWEST * 2)
    assert [k.ticket_id for k in found] == [NEWEST + 50]


async def test_a_row_of_the_catalogue_is_kept_once_until_it_is_removed(database: Database) -> None:
    store = CatalogueShelf(database, Ids(database), ZoneInfo("Asia/Shanghai"))
    entry = Entry("U1", "help", ("路灯", "照明"), "云岭市", "依据", date(2026, 1, 1), None, "mark")
    assert list(await store.put([entry, entry], "A1", NOW)) == [True, False]
    assert list(await store.put([entry], "A1", NOW)) == [False]
    (row,) = await store.rows()
    assert (row.keywords, row.valid_from, row.valid_to) == (("路灯", "照明"), date(2026, 1, 1), None)
    assert await store.remove(row.id, "A1", NOW) and not await store.remove(row.id, "A1", NOW)
    assert list(await store.rows()) == [] and list(await store.put([entry], "A1", NOW)) == [True]


async def test_a_project_changes_only_from_the_state_it_was_seen_in(database: Database) -> None:
    store = GovernanceShelf(database)
    project = Project(7, "M01", "2026-11", "路灯", "", "", ("K1",), "draft", True, "clock", NOW)
    await store.add(project)
    assert await store.one(7) == project
    assert await store.change(7, "draft", {"state": "open", "tickets": ("K1", "K2")})
    assert not await store.change(7, "draft", {"state": "open"})
    (found,) = await store.listed("2026-11", "M01")
    assert (found.state, found.tickets) == ("open", ("K1", "K2")) and list(await store.listed("2026-12", None)) == []
