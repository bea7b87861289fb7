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
        from backend.app.runfile import RunFile, read_run_file
        from backend.cli.client import connect

        running = connect(read_run_file(config.data) or RunFile(config.base_url, "", 0))
    if running is None:
        raise Refused("no_server", url=config.base_url)
    result = running.request("POST", "/sandbox/clock", {"advance": span})
    if as_json:
        print_json(result)
    else:
        click.echo(result["now"])
    print_text("advanced", now=result["now"])
