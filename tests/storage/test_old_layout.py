"""A database of before the first release, or of another program, is known by its tables and refused in words."""

import pytest
from sqlalchemy import Connection, text

from backend.domain.refusals import Refused
from storage.engine import versions


def change(url: str, *statements: str) -> None:
    def work(c: Connection) -> None:
        for statement in statements:
            c.execute(text(statement))

    versions._run_on(url, work)


def refuse(url: str) -> set[str]:
    """Return the codes with which it is refused: looked at, and upgraded."""
    codes = set()
    for ask in (versions.read_standing, versions.upgrade):
        with pytest.raises(Refused) as why:
            ask(url)
        codes.add(why.value.code)
    return codes


@pytest.mark.parametrize("number", ["0001", "0019", "9999"])
def test_tables_of_before_are_refused_whatever_their_number(empty_url: str, number: str) -> None:
    change(
        empty_url, "CREATE TABLE alembic_version (version_num VARCHAR(32))", "CREATE TABLE letters (id BIGINT)",
        f"INSERT INTO alembic_version VALUES ('{number}')",
    )  # fmt: skip
    assert refuse(empty_url) == {"database_of_old_layout"}
    assert versions.read_version(empty_url) == number, "it is left as it is"


@pytest.mark.parametrize(
    "edit",
    [
        "ALTER TABLE outbox RENAME COLUMN ticket_version TO version",
        "ALTER TABLE chat_cards RENAME TO cards",
        "ALTER TABLE units ADD COLUMN pilot TEXT",
    ],
)
def test_tables_that_were_edited_since_are_refused_too(database_url: str, edit: str) -> None:
    change(database_url, edit)
    assert refuse(database_url) == {"database_of_old_layout"}


def test_tables_of_somebody_else_in_the_same_database_do_not_matter(database_url: str) -> None:
    change(database_url, "CREATE TABLE letters (id BIGINT)")
    versions.upgrade(database_url)
    assert versions.read_standing(database_url).version == versions.code_version()


def test_a_database_of_another_program_is_refused_and_left_as_it_is(empty_url: str) -> None:
    change(empty_url, "CREATE TABLE orders (id BIGINT)", "CREATE TABLE staff (id BIGINT)")
    assert refuse(empty_url) == {"database_foreign"}
    tables = versions._run_on(empty_url, lambda c: set(c.dialect.get_table_names(c)))
    assert tables == {"orders", "staff"}
