"""`jiesu sandbox advance`: move the clock of the running rehearsal."""

import click

from backend.cli import tell, words
from backend.cli.local import answer, environment, server
from backend.domain.refusals import Refused


@click.group(help=words().render("cli.help.sandbox"))
def sandbox() -> None:
    """The group."""


@sandbox.command(help=words().render("cli.help.advance"))
@click.argument("span")
@click.option("--json", "as_json", is_flag=True, help=words().render("cli.help.json"))
def advance(span: str, as_json: bool) -> None:
    """Returns when the workers that became due have run."""
    house = environment()
    running = server(house)
    if running is None:
        from backend.cli.remote import server_at
        from backend.doorplate import Plate, look

        running = server_at(look(house.data) or Plate(house.address, "", 0))
    if running is None:
        raise Refused("no_server", url=house.address)
    told = running.ask("POST", "/sandbox/clock", {"advance": span})
    if as_json:
        answer(told)
    else:
        click.echo(told["now"])
    tell("advanced", now=told["now"])
