"""`jiesu serve`: run the server in the foreground, with all roles or some."""

import asyncio

import click

from backend.cli import get_texts
from backend.cli.connect import load_config

ROLES = ("web", "bot", "worker", "clock")


def read_roles(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    """Parse `web,bot` as roles. Usage error for an unknown role."""
    roles = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    unknown = [part for part in roles if part not in ROLES]
    if unknown or not roles:
        raise click.BadParameter(", ".join(unknown or [value]))
    return roles


@click.command(help=get_texts().render("cli.help.serve"))
@click.option("--roles", default=",".join(ROLES), show_default=True, callback=read_roles,
              help=get_texts().render("cli.help.roles"))  # fmt: skip
def serve(roles: tuple[str, ...]) -> int:
    """Run until stopped; exit status 0 after SIGINT or SIGTERM."""
    config = load_config()
    from backend.app import build

    try:
        return asyncio.run(build.serve(config, roles))
    except KeyboardInterrupt:
        return 0
