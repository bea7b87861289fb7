"""`jiesu import KIND FILE`: import a file and report row by row."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, load_config, open_services, print_json, run_async
from backend.cli.help import Misused
from backend.domain.acts import OPERATOR
from backend.importing.files.templates import build_template

KINDS = ("units", "people", "tickets", "history", "ledger", "calendar", "visits", "roster", "catalogue", "connect")
MAX_SHOWN = 20  # refused rows printed one by one


def read_pairs(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Parse `field=value` options. Usage error without `=`."""
    found = {}
    for value in values:
        name, sign, to = value.partition("=")
        if not sign or not name.strip():
            raise click.BadParameter(value)
        found[name.strip()] = to.strip()
    return found


@click.command("import", help=get_texts().render("cli.help.import"))
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--template", is_flag=True, help=get_texts().render("cli.help.template"))
@click.option("--set", "preset", multiple=True, metavar="FIELD=VALUE", callback=read_pairs,
              help=get_texts().render("cli.help.preset"))  # fmt: skip
@click.option("--dry-run", is_flag=True, help=get_texts().render("cli.help.dry_run"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def import_file(
    kind: str, file: Path | None, template: bool, preset: dict[str, str], dry_run: bool, as_json: bool
) -> int:
    """Exit status 1 if some rows were refused."""
    if template:
        click.echo(build_template(kind), nl=False)
        return 0
    if file is None:
        raise Misused("missing", what="FILE")
    config = load_config()
    running = find_server(config)
    if running is not None:
        fields = [("set", f"{name}={value}") for name, value in preset.items()]
        fields += [("dry_run", "1")] if dry_run else []
        report: Mapping[str, Any] = running.send_file(f"/api/v1/imports/{quote(kind)}", file, fields)
    else:
        report = run_async(_import_here(kind, file, preset, dry_run))
    if as_json:
        print_json(report)
    for row in report["refused"][:MAX_SHOWN]:
        click.echo(row["message"], err=True)
    if len(report["refused"]) > MAX_SHOWN:
        print_text("more_refused", count=len(report["refused"]) - MAX_SHOWN)
    if ignored := report.get("ignored"):
        print_text("ignored", headings=get_texts().render("cli.heading_mark").join(ignored))
    print_text("tried" if dry_run else "brought", read=report["read"], imported=report["imported"],
         already=report["already"], refused=len(report["refused"]))  # fmt: skip
    return 1 if report["refused"] else 0


async def _import_here(kind: str, file: Path, preset: Mapping[str, str], dry_run: bool) -> Mapping[str, Any]:
    async with open_services(load_config()) as services:
        bar: Any = click.progressbar(length=1, file=sys.stderr, hidden=not sys.stderr.isatty(), show_pos=True)
        with bar:

            def moved(done: int, expected: int) -> None:
                bar.length = max(expected, 1)
                bar.update(done - bar.pos)

            report = await services.imports.import_file(
                kind, file.name, file, OPERATOR, dry_run=dry_run, preset=preset, progress=moved
            )
        await services.audit.record(services.clock.now(), OPERATOR.code, "import", kind, dry_run=dry_run)
        return report
