"""`jiesu runs`: list the stored score runs, or compare two (B3)."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import load_config, open_core, print_json, run_async
from backend.domain.acts import SYSTEM


@click.command(help=get_texts().render("cli.help.runs"))
@click.argument("run", type=int, required=False)
@click.argument("other", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def runs(run: int | None, other: int | None, as_json: bool) -> None:
    """List all runs; with a number, compare that run with the one it revises or the other one given."""
    if run is None:
        found = run_async(_list_runs())
        if as_json:
            print_json({"items": found})
        elif not found:
            print_text("runs.none")
        for one in [] if as_json else found:
            state = get_texts().get_word("run_state", one["state"])
            click.echo(f"{one['id']:>8}  {one['period']:<8} {state}  {one['at'][:16]}  {one['hash'][:12]}")
        return
    changed = run_async(_compare_runs(run, other))
    if as_json:
        print_json(changed)
        return
    for rule in changed["rules"]:
        click.echo(f"{rule['month']}  {rule['key']}  {rule['old']} -> {rule['new']}")
    for row in changed["units"]:
        click.echo(f"{row['unit']}  {row['name']}  {row['old'] or '-'} -> {row['new'] or '-'}  {row['change'] or ''}")
        for line in row["lines"]:
            click.echo(f"    {line['name']}  {line['old']['score']} -> {line['new']['score']}  {line['change'] or ''}")
    for row in changed["regions"]:
        click.echo(f"{row['region']}  {row['old'] or '-'} -> {row['new'] or '-'}  {row['change'] or ''}")
    if not any(changed[part] for part in ("rules", "units", "regions")):
        print_text("runs.same")


async def _list_runs() -> Sequence[Mapping[str, Any]]:
    async with open_core(load_config()) as core:
        return await core.scoring.runs.list_runs()


async def _compare_runs(run: int, other: int | None) -> Mapping[str, Any]:
    async with open_core(load_config()) as core:
        return await core.scoring.runs.compare(run, other, SYSTEM)
