"""`jiesu db …`: migrate the database to this version of the code."""

import contextlib

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import load_config, run_async
from backend.doorplate import owned


@click.group(help=get_texts().render("cli.help.db"))
def database() -> None:
    """The group."""


@database.command(help=get_texts().render("cli.help.upgrade"))
def upgrade() -> None:
    """Apply all migrations in one transaction, or none."""
    from backend.shelves import embedded, prepare, tables_version

    config = load_config()
    with contextlib.ExitStack() as stack:
        if embedded(config):
            stack.enter_context(owned(config.data))
        run_async(prepare(config, upgrade=True))
    print_text("upgraded", version=tables_version(config)[0])
