"""`jiesu binding open PERSON`: create a code with which a person binds their chat account."""

from typing import Any
from urllib.parse import quote

import click

from backend.cli import tell, words
from backend.cli.local import OPERATOR, answer, environment, local_house, now, server


@click.group(help=words().render("cli.help.binding"))
def binding() -> None:
    """The group."""


@binding.command("open", help=words().render("cli.help.binding_open"))
@click.argument("person")
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def open_(person: str, as_json: bool) -> None:
    """Print a one-time binding code (valid 10 min)."""
    running = server(environment())
    if running is not None:
        told: Any = running.ask("POST", f"/api/v1/people/{quote(person, safe='')}/binding")
    else:
        told = now(_open(person))
    if as_json:
        answer(told)
    else:
        click.echo(told["link"] or told["code"])
    tell("binding", person=person, code=told["code"], until=told["expires_at"])


async def _open(person: str) -> dict[str, str]:
    async with local_house(environment()) as house:
        opened = await house.registry.create_binding_code(person, OPERATOR.code)
        until = opened.expires_at.astimezone(house.clock.zone).isoformat()
        return {"code": opened.code, "link": opened.link, "expires_at": until}
