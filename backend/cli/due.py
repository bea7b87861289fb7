"""`jiesu due`: print when a duty is due, by the calendar and limits in force."""

from datetime import datetime

import click

from backend.cli import get_texts
from backend.cli.connect import load_config, open_core, print_json, run_async
from backend.domain.ticket_enums import Category, Grade, Obligation


@click.command(help=get_texts().render("cli.help.due"))
@click.option(
    "--kind", required=True, type=click.Choice([str(k) for k in Obligation]), help=get_texts().render("cli.help.kind")
)
@click.option(
    "--grade", required=True, type=click.Choice([str(g) for g in Grade]), help=get_texts().render("cli.help.grade")
)
@click.option("--category", type=click.Choice([str(c) for c in Category]), help=get_texts().render("cli.help.category"))
@click.option("--unit", metavar="CODE", help=get_texts().render("cli.help.due_unit"))
@click.option("--at", "moment", required=True, metavar="ISO8601", help=get_texts().render("cli.help.at"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def due(kind: str, grade: str, category: str | None, unit: str | None, moment: str, as_json: bool) -> None:
    """A time without an offset is read in the office's time zone."""
    try:
        start = datetime.fromisoformat(moment)
    except ValueError:
        raise click.BadParameter(moment, param_hint="--at") from None
    start = start if start.tzinfo else start.replace(tzinfo=load_config().zone)
    found = run_async(
        _compute_due(Obligation(kind), Grade(grade), Category(category) if category else None, start, unit)
    )
    if as_json:
        print_json({"due_at": found})
    else:
        click.echo(found)


async def _compute_due(
    kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None
) -> str:
    config = load_config()
    async with open_core(config) as core:
        snapshot = await core.office.snapshot()
        return snapshot.due(kind, grade, category, start, unit).astimezone(config.zone).isoformat()
