"""`jiesu db …`: migrate the database to this version of the code."""

import contextlib

import click

from backend.cli import tell, words
from backend.cli.local import environment, now
from backend.doorplate import owned


@click.group(help=words().render("cli.help.db"))
def tables() -> None:
    """The group."""


@tables.command(help=words().render("cli.help.upgrade"))
def upgrade() -> None:
    """Apply all migrations in one transaction, or none."""
    from backend.shelves import embedded, prepare, tables_version

    house = environment()
    with contextlib.ExitStack() as held:
        if embedded(house):
            held.enter_context(owned(house.data))
        now(prepare(house, upgrade=True))
    tell("upgraded", version=tables_version(house)[0])
