"""`jiesu doctor`: check settings, database, calendar, providers and webhooks; one line each."""

import click

from backend.cli import words
from backend.cli.checkup import Health, look
from backend.cli.local import answer, environment, now, quiet


@click.command(help=words().render("cli.help.doctor"))
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def doctor(as_json: bool) -> int:
    """Exit status 1 if any check is broken."""
    quiet()
    checks = now(look(environment()))
    said = []
    for check in checks:
        if check.what == "refused":
            text = words().render_refusal(check.facts["code"], check.facts)
        else:
            text = words().render(f"cli.check.{check.what}", **check.facts)
        said.append({"check": check.name, "health": str(check.health), "message": text})
        label, name = words().render(f"cli.health.{check.health}"), words().render(f"cli.checked.{check.name}")
        click.echo(f"{label}  {name}  {text}", err=as_json)
    if as_json:
        answer(said)
    return 1 if any(check.health is Health.BROKEN for check in checks) else 0
