"""`jiesu sandbox advance`: move the clock of the running rehearsal."""

import click

from backend.cli import get_texts, print_text
from backend.cli.connect import find_server, load_config, print_json
from backend.domain.refusals import Refused


@click.group(help=get_texts().render("cli.help.sandbox"))
def sandbox() -> None:
    """The group."""


@sandbox.command(help=get_texts().render("cli.help.advance"))
@click.argument("span")
@click.option("--json", "as_json", is_flag=True, help=get_texts().render("cli.help.json"))
def advance(span: str, as_json: bool) -> None:
    """Returns when the workers that became due have run."""
    config = load_config()
    running = find_server(config)
    if running is None:
        from backend.cli.client import connect
        from backend.doorplate import Plate, look

        running = connect(look(config.data) or Plate(config.address, "", 0))
    if running is None:
        raise Refused("no_server", url=config.address)
    result = running.request("POST", "/sandbox/clock", {"advance": span})
    if as_json:
        print_json(result)
    else:
        click.echo(result["now"])
    print_text("advanced", now=result["now"])
