"""`jiesu db …`: upgrade the database for this version of the code, and close it to older ones."""

import contextlib
from pathlib import Path

import click

from backend.app.runfile import lock_database
from backend.cli import get_texts, print_text
from backend.cli.connect import load_config, run_async, silence_logs


@click.group(help=get_texts().render("cli.help.db"))
def database() -> None:
    """The group."""


@database.command(help=get_texts().render("cli.help.upgrade"))
@click.option("--contract", is_flag=True, help=get_texts().render("cli.help.upgrade_contract"))
@click.option("--backup", type=click.Path(path_type=Path), help=get_texts().render("cli.help.upgrade_backup"))
@click.option("--no-backup", is_flag=True, help=get_texts().render("cli.help.upgrade_no_backup"))
def upgrade(contract: bool, backup: Path | None, no_backup: bool) -> None:
    """Apply all migrations in one transaction, or none."""
    from backend.app.place import is_embedded
    from backend.app.upgrade import upgrade_database

    silence_logs()
    config = load_config()
    with contextlib.ExitStack() as stack:
        if is_embedded(config):
            stack.enter_context(lock_database(config.data))
        done = run_async(upgrade_database(config, contract=contract, backup=backup, may_skip_backup=no_backup))
    print_text("upgraded", version=done.version, backup=done.backup)
    if done.is_pending:
        print_text("upgrade_pending")
