"""`jiesu db …`: migrate the database to this version of the code."""

import contextlib

import click

from backend.app.runfile import lock_database
from backend.cli import get_texts, print_text
from backend.cli.connect import load_config, run_async


@click.group(help=get_texts().render("cli.help.db"))
def database() -> None:
    """The group."""


@database.command(help=get_texts().render("cli.help.upgrade"))
def upgrade() -> None:
    """Apply all migrations in one transaction, or none."""
    from backend.app.core import get_schema_versions, is_embedded, prepare_database

    config = load_config()
    with contextlib.ExitStack() as stack:
        if is_embedded(config):
            stack.enter_context(lock_database(config.data))
        run_async(prepare_database(config, upgrade=True))
    print_text("upgraded", version=get_schema_versions(config)[0])
