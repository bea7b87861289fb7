"""`jiesu readiness`: list units that are not ready for tickets, and what each lacks (A21, A36-A39)."""

from collections.abc import Sequence

import click

from backend.cli import get_texts
from backend.cli.connect import load_config, open_core, print_json, run_async
from backend.domain.unit_readiness import Readiness
from backend.office.readiness import find_unready


@click.command(help=get_texts().render("cli.help.readiness"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def readiness(as_json: bool) -> None:
    """Reads the current configuration; writes nothing."""
    found = run_async(_list_gaps())
    if as_json:
        print_json({"items": [
            {"unit": one.unit.code, "name": one.unit.name, "gaps": list(one.gaps), "late": one.late} for one in found
        ]})  # fmt: skip
        return
    say = get_texts().render
    for one in found:
        listed = say("cli.readiness.comma").join(get_texts().get_word("gap", gap) for gap in one.gaps)
        late = say("cli.readiness.late") if one.late else ""
        click.echo(say("cli.readiness.line", unit=one.unit.code, name=one.unit.name, gaps=listed, late=late))
    if not found:
        click.echo(say("cli.readiness.none"))


async def _list_gaps() -> Sequence[Readiness]:
    async with open_core(load_config()) as core:
        return await find_unready(core.office)
