"""Named single values."""

from storage.engine.database import Database
from storage.office.key_values import SqlKeyValueStore


async def test_names_that_begin_with_a_prefix_are_found_letter_for_letter(database: Database) -> None:
    values = SqlKeyValueStore(database)
    for name in ("a_b:1", "a_b:2", "axb:3", "A_b:4", "a_b", "x:a_b:5"):
        await values.put(name, name[-1])

    assert await values.list_by_prefix("a_b:") == {"a_b:1": "1", "a_b:2": "2"}
    assert await values.list_by_prefix("%") == {}
