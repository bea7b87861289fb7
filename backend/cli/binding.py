"""`jiesu binding open PERSON`: create a code with which a person binds their chat account."""

from typing import Any
from urllib.parse import quote

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, load_config, open_services, print_json, run_async
from backend.domain.acts import OPERATOR


@click.group(help=get_texts().render("cli.help.binding"))
def binding() -> None:
    """The group."""


@binding.command("open", help=get_texts().render("cli.help.binding_open"))
@click.argument("person")
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def open_(person: str, as_json: bool) -> None:
    """Print a one-time binding code (valid 10 min)."""
    running = find_server(load_config())
    if running is not None:
        opened: Any = running.request("POST", f"/api/v1/people/{quote(person, safe='')}/binding")
    else:
        opened = run_async(_open_here(person))
    if as_json:
        print_json(opened)
    else:
        click.echo(opened["link"] or opened["code"])
    print_text("binding", person=person, code=opened["code"], until=opened["expires_at"])


async def _open_here(person: str) -> dict[str, str]:
    async with open_services(load_config()) as services:
        opened = await services.people.create_binding_code(person, OPERATOR.code)
        until = opened.expires_at.astimezone(services.clock.zone).isoformat()
        return {"code": opened.code, "link": opened.link, "expires_at": until}
