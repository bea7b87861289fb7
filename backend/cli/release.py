"""`jiesu release`: end the hold after a restore; what may have been sent before is dropped (FD13)."""

from datetime import datetime
from typing import Any

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, load_config, open_services, print_json, run_async
from backend.cli.help import Misused
from backend.domain.acts import OPERATOR
from backend.ports.backups import Release


@click.command("release", help=get_texts().render("cli.help.release"))
@click.option("--drop-before", "before", metavar="ISO8601", help=get_texts().render("cli.help.release_before"))
@click.option("--only", type=click.Choice([str(Release.URGENT)]), help=get_texts().render("cli.help.release_only"))
@click.option("--all", "everything", is_flag=True, help=get_texts().render("cli.help.release_all"))
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def release(before: str | None, only: str | None, everything: bool, as_json: bool) -> None:
    """Through the running server where it owns the database."""
    if everything and (before or only):
        raise Misused("not_with", what="--all", others="--drop-before | --only")
    body: dict[str, Any] = {"mode": str(Release.ALL if everything else Release(only) if only else Release.NEWER)}
    config = load_config()
    if before is not None:
        try:
            moment = datetime.fromisoformat(before)
        except ValueError:
            raise click.BadParameter(before, param_hint="--drop-before") from None
        body["before"] = (moment if moment.tzinfo else moment.replace(tzinfo=config.zone)).isoformat()
    running = find_server(config)
    done = running.request("POST", "/api/v1/hold/release", body) if running else run_async(_release_here(body))
    if as_json:
        print_json(done)
    print_text("released", dropped=done["dropped"])


async def _release_here(body: dict[str, Any]) -> dict[str, Any]:
    async with open_services(load_config()) as services:
        before = datetime.fromisoformat(body["before"]) if "before" in body else None
        return {"dropped": await services.holds.release(Release(body["mode"]), OPERATOR.code, before=before)}
