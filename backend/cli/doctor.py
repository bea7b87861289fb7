"""`jiesu doctor`: check settings, database, calendar, providers and webhooks; one line each."""

import click

from backend.cli import get_texts
from backend.cli.checkup import Health, run_checks
from backend.cli.connect import load_config, print_json, run_async, silence_logs


@click.command(help=get_texts().render("cli.help.doctor"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def doctor(as_json: bool) -> int:
    """Exit status 1 if any check is broken."""
    silence_logs()
    checks = run_async(run_checks(load_config()))
    results = []
    for check in checks:
        if check.what == "refused":
            text = get_texts().render_refusal(check.facts["code"], check.facts)
        else:
            text = get_texts().render(f"cli.check.{check.what}", **check.facts)
        results.append({"check": check.name, "health": str(check.health), "message": text})
        label, name = get_texts().render(f"cli.health.{check.health}"), get_texts().render(f"cli.checked.{check.name}")
        click.echo(f"{label}  {name}  {text}", err=as_json)
    if as_json:
        print_json(results)
    return 1 if any(check.health is Health.BROKEN for check in checks) else 0
