"""`jiesu restore`: put a backup in the place of the database; nothing leaves before `jiesu release` (FD13)."""

import contextlib
from pathlib import Path

import click

from backend.app.runfile import lock_database
from backend.cli import get_texts, print_text
from backend.cli.connect import format_instant, load_config, print_json, run_async, silence_logs


@click.command("restore", help=get_texts().render("cli.help.restore"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--into", metavar="URL", default="", help=get_texts().render("cli.help.restore_into"))
@click.option("--replace", "may_replace", is_flag=True, help=get_texts().render("cli.help.restore_replace"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def restore(file: Path, into: str, may_replace: bool, as_json: bool) -> None:
    """The server must be stopped."""
    from backend.app.build_backups import build_backups, dump_manifest, find_file, read_marks

    silence_logs()
    config = load_config()
    url = into or config.resolved_database_url
    if not url.startswith(("sqlite:///", "postgresql://")):
        raise click.BadParameter(into, param_hint="--into")
    with contextlib.ExitStack() as stack:
        if path := find_file(url):
            own = find_file(config.resolved_database_url) == path
            stack.enter_context(lock_database(config.data if own else path.parent))
        marks = run_async(read_marks(config))
        done = run_async(build_backups(config, url).restore(file, marks, replace=may_replace))
    if as_json:
        print_json({**dump_manifest(done.manifest), "saved": done.saved and str(done.saved), "behind": done.is_behind})
    at = format_instant(done.manifest.taken_at, config)
    print_text("restored", at=at, rows=sum(done.manifest.contents.rows.values()), saved=done.saved)
    print_text("restored_behind" if done.is_behind else "restored_next")
