"""`jiesu check`: check the whole database; alone it ends read-only mode (XR4, FD16)."""

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import load_config, print_json, run_async, silence_logs


@click.command(help=get_texts().render("cli.help.check"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def check(as_json: bool) -> int:
    """Exit status 1 if anything was found. It may run beside the server, which it does not stop."""
    from backend.app.build_storage import build_storage_check

    silence_logs()
    storage_check = build_storage_check(load_config())
    was_read_only = storage_check.is_read_only
    found = run_async(storage_check.run())
    if as_json:
        print_json({"found": list(found), "was_read_only": was_read_only, "read_only": storage_check.is_read_only})
    for line in found:
        click.echo(line, err=True)
    if found:
        print_text("damaged", found=len(found))
    else:
        print_text("mended" if was_read_only else "sound")
    return 1 if found else 0
