"""`jiesu due`: print when a duty is due, by the calendar and limits in force."""

from datetime import datetime

import click

from backend.cli import words
from backend.cli.local import answer, environment, local_office, now
from backend.domain.ticket import Category, Grade, Obligation


@click.command(help=words().render("cli.help.due"))
@click.option("--kind", required=True, type=click.Choice([str(k) for k in Obligation]),
              help=words().render("cli.help.kind"))  # fmt: skip
@click.option(
    "--grade", required=True, type=click.Choice([str(g) for g in Grade]), help=words().render("cli.help.grade")
)
@click.option("--category", type=click.Choice([str(c) for c in Category]), help=words().render("cli.help.category"))
@click.option("--unit", metavar="CODE", help=words().render("cli.help.due_unit"))
@click.option("--at", "moment", required=True, metavar="ISO8601", help=words().render("cli.help.at"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def due(kind: str, grade: str, category: str | None, unit: str | None, moment: str, as_json: bool) -> None:
    """A time without an offset is read in the office's time zone."""
    try:
        start = datetime.fromisoformat(moment)
    except ValueError:
        raise click.BadParameter(moment, param_hint="--at") from None
    start = start if start.tzinfo else start.replace(tzinfo=environment().zone)
    found = now(_due(Obligation(kind), Grade(grade), Category(category) if category else None, start, unit))
    if as_json:
        answer({"due_at": found})
    else:
        click.echo(found)


async def _due(kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None) -> str:
    house = environment()
    async with local_office(house) as office:
        snapshot = await office.snapshot()
        return snapshot.due(kind, grade, category, start, unit).astimezone(house.zone).isoformat()
