"""`jiesu readiness`: list units that are not ready for tickets, and what each lacks (A21, A36-A39)."""

from collections.abc import Sequence

import click

from backend.cli import words
from backend.cli.local import answer, environment, local_office, now
from backend.domain.unit_readiness import Readiness
from backend.office.readiness import find_unready


@click.command(help=words().render("cli.help.readiness"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def readiness(as_json: bool) -> None:
    """Reads the current configuration; writes nothing."""
    found = now(_listed())
    if as_json:
        answer({"items": [
            {"unit": one.unit.code, "name": one.unit.name, "gaps": list(one.gaps), "late": one.late} for one in found
        ]})  # fmt: skip
        return
    say = words().render
    for one in found:
        listed = say("cli.readiness.comma").join(words().get_word("gap", gap) for gap in one.gaps)
        late = say("cli.readiness.late") if one.late else ""
        click.echo(say("cli.readiness.line", unit=one.unit.code, name=one.unit.name, gaps=listed, late=late))
    if not found:
        click.echo(say("cli.readiness.none"))


async def _listed() -> Sequence[Readiness]:
    async with local_office(environment()) as office:
        return await find_unready(office)
