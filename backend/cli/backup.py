"""`jiesu backup`: write a backup of the database in use, prove one by restoring it, or print the manifest alone."""

from pathlib import Path

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import format_instant, load_config, print_json, run_async, silence_logs
from backend.cli.help import Misused


@click.command("backup", help=get_texts().render("cli.help.backup"))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--verify", "verify_", is_flag=True, help=get_texts().render("cli.help.backup_verify"))
@click.option("--mark", is_flag=True, help=get_texts().render("cli.help.backup_mark"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def backup(file: Path | None, verify_: bool, mark: bool, as_json: bool) -> None:
    """A server may be running. Prints the manifest with --json or --mark."""
    if (file is None) != mark or (mark and verify_):
        raise Misused("just_one", choices="FILE | --verify FILE | --mark")
    from backend.app.build_backups import build_backups, dump_manifest

    silence_logs()
    config = load_config()
    backups = build_backups(config)
    if file is None:
        print_json(dump_manifest(run_async(backups.describe())))
        return
    if file.parent == config.backup_to:  # as the nightly backup does; any other folder is there or misspelt
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    manifest = run_async(backups.verify(file) if verify_ else backups.make(file))
    if as_json:
        print_json(dump_manifest(manifest))
    rows, lines = sum(manifest.contents.rows.values()), manifest.contents.checkpoint.lines
    at = format_instant(manifest.taken_at, config)
    key = "backup_verified" if verify_ else "backup_made"
    print_text(key, file=file, tables=len(manifest.contents.rows), rows=rows, lines=lines, at=at)
