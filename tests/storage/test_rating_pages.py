"""Pages on which requesters rate are found by their secret alone, of which only a hash is kept (XM30); 0.2 s."""

from datetime import UTC, datetime, timedelta

from backend.ports.visits import BY_TEXT, RatingPage
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.visits.rating_pages import KEPT, SqlRatingPageStore
from tests.time_and_chance import CHANCE

NOW = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)


async def test_a_page_is_found_by_its_secret_and_dropped_long_after_it_expired(database: Database) -> None:
    store = SqlRatingPageStore(database, IdSupply(database), CHANCE)
    page = RatingPage(7, 2, NOW + timedelta(days=5))
    token, handed = await store.create(page, BY_TEXT, NOW), await store.create(page, "HF01", NOW)
    assert len(token) == 22 and await store.find(token) == page
    assert await store.find(token.swapcase()) is None and await store.find("") is None
    assert all(token not in str(row) for row in await database.read(lambda c: c.execute(t.rating_pages.select()).all()))
    assert await store.is_open(7, 2, NOW) and not await store.is_open(7, 1, NOW)
    assert not await store.is_open(7, 2, page.expires_at)
    assert not await store.is_open(8, 2, NOW, besides=BY_TEXT) and await store.is_open(7, 2, NOW, besides=BY_TEXT)
    later = page.expires_at + KEPT
    await store.create(RatingPage(8, 1, later + timedelta(days=5)), "sms", later)
    assert await store.find(token) == page
    await store.create(RatingPage(8, 1, later + timedelta(days=5)), "sms", later + timedelta(seconds=1))
    assert await store.find(token) is None
    assert await store.find(handed) == page, "what the office handed over stays in the ticket's history"
